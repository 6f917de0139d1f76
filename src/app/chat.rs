//! What people do in Slack, turned into commands, and the answer that only they see. A modal to be opened comes back as a
//! value: opening it is the one call that a handler makes itself, since its trigger lives three seconds.

use std::collections::BTreeMap;

use serde_json::json;

use super::job::Job;
use super::queries::Filter;
use super::{App, Asked, DeliveryId, Failure, records};
use crate::domain::incident::{MessageRef, StepState};
use crate::domain::permission::{Standing, Verb, allowed};
use crate::domain::postmortem::{Captured, said_at};
use crate::domain::runbook::Runbook;
use crate::domain::timeline::{sentence, stamp};
use crate::domain::{Actor, AssetName, Command, Decision, Incident, Refusal, Role, Severity};
use crate::messages::{Modal, ModalInput, Rendered, escape, views};
use crate::slack::inbound::{Interaction, SlackEvent, SlashCommand, View};
use crate::slack::slash::{self, Intent, Question, VERBS, Which};
use crate::slack::when::{Toward, parse as parse_when};
use crate::store::{Expect, Kind, Op};

/// What goes back to the one who asked.
pub enum Reply {
    /// Words only they see; in the answer to a slash command.
    Say(Box<Rendered>),
    /// Words only they see, where there is no such answer; to be whispered.
    Whisper(String),
    /// A form.
    Open(Box<Modal>),
    /// Mistakes in a form, by question.
    Mistakes(BTreeMap<String, String>),
    /// Nothing; the change shows.
    Nothing,
}

impl Reply {
    fn words(text: &str) -> Self {
        Self::Say(Box::new(Rendered::sentence(&sentence_markdown(text))))
    }
}

/// Our own sentences carry `code`; everything else in them is literal.
fn sentence_markdown(text: &str) -> String {
    text.split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 && !part.is_empty() { format!("`{part}`") } else { keep_spaces(part) })
        .collect()
}

/// [`escape`] trims; between two pieces of code the blanks matter.
fn keep_spaces(part: &str) -> String {
    let start = if part.starts_with(' ') { " " } else { "" };
    let end = if part.len() > 1 && part.ends_with(' ') { " " } else { "" };
    format!("{start}{}{end}", escape(part))
}

/// Who did it, where.
struct Caller<'a> {
    user: &'a str,
    standing: Standing,
    channel: Option<&'a str>,
    delivery: Option<DeliveryId>,
}

impl App {
    /// A slash command.
    pub async fn slash(&self, command: &SlashCommand) -> Reply {
        let caller = Caller {
            user: &command.user_id,
            standing: self.met(&command.user_id, None).await,
            channel: Some(&command.channel_id),
            delivery: (!command.trigger_id.is_empty()).then(|| DeliveryId(format!("command/{}", command.trigger_id))),
        };
        let intent = match slash::parse(&command.text, self.now()) {
            Ok(intent) => intent,
            Err(unclear) => return Reply::words(&unclear.to_string()),
        };
        self.intend(intent, &caller).await.unwrap_or_else(|failure| Reply::words(&failure.to_string()))
    }

    /// What we know of somebody; somebody unknown is asked for.
    async fn met(&self, user: &str, team: Option<&str>) -> Standing {
        let standing = self.standing(user, team);
        if standing == Standing::Unknown
            && let Err(failure) = self.enqueue(&format!("meet-{user}"), Job::MeetPerson { id: user.to_owned() }).await
        {
            tracing::warn!(user, error = %failure, "cannot ask Slack who somebody is");
        }
        standing
    }

    fn may_read(&self, caller: &Caller<'_>) -> Result<(), Failure> {
        if allowed(caller.standing, Verb::Read) {
            return Ok(());
        }
        Err(Refusal::NotAllowed { verb: Verb::Read, standing: caller.standing }.into())
    }

    async fn intend(&self, intent: Intent, caller: &Caller<'_>) -> Result<Reply, Failure> {
        match intent {
            Intent::Do { command, .. } if matches!(*command, Command::Declare { .. }) => {
                self.act(None, &command, caller).await
            }
            Intent::Do { incident, command } => {
                let uid = self.target(incident, caller)?;
                self.act(Some(&uid), &command, caller).await
            }
            Intent::Ask { incident, modal } => {
                let uid = match modal {
                    Question::Declare => None,
                    _ => Some(self.target(incident, caller)?),
                };
                self.ask(uid.as_deref(), modal, caller)
            }
            Intent::Runbook { incident, name } => {
                let uid = self.target(incident, caller)?;
                let runbook = self.runbook(&name)?.clone();
                let command =
                    Command::AttachRunbook { runbook, because: format!("{} asked for it", self.name(caller.user)) };
                self.act(Some(&uid), &command, caller).await
            }
            Intent::Runbooks => {
                self.may_read(caller)?;
                let books: Vec<_> = self
                    .library
                    .all()
                    .map(|book| json!({"id": book.head.id, "title": book.head.title, "owner": book.head.owner}))
                    .collect();
                Ok(Reply::Say(Box::new(views::plain_view(&self.templates, "runbooks", &json!({"books": books})))))
            }
            Intent::List(which) => {
                self.may_read(caller)?;
                let (title, filter) = match which {
                    Which::Open => ("Open incidents", Filter { open: true, ..Filter::default() }),
                    Which::Mine => (
                        "Your open incidents",
                        Filter { open: true, person: Some(caller.user.to_owned()), ..Filter::default() },
                    ),
                    Which::All => ("The latest incidents", Filter::default()),
                };
                let page = self.list(&filter, None, 20)?;
                let names = |id: &str| self.name(id);
                Ok(Reply::Say(Box::new(views::list(&self.templates, title, &page.incidents, &names, self.now()))))
            }
            Intent::Show(number) => {
                self.may_read(caller)?;
                let uid = self.target(number, caller)?;
                self.show(&uid)
            }
            Intent::Help(topic) => {
                let topic = topic.map(|topic| topic.to_lowercase());
                let matching: Vec<_> = VERBS
                    .iter()
                    .filter(|(use_, _)| topic.as_ref().is_none_or(|topic| use_.starts_with(topic.as_str())))
                    .collect();
                let verbs = if matching.is_empty() { VERBS.iter().collect() } else { matching };
                let verbs: Vec<_> = verbs
                    .into_iter()
                    .map(|(use_, what)| json!({"use": format!("/incident {use_}"), "what": what}))
                    .collect();
                Ok(Reply::Say(Box::new(views::plain_view(&self.templates, "help", &json!({"verbs": verbs})))))
            }
        }
    }

    /// The incident that is meant: the one named, else the channel's.
    fn target(&self, number: Option<u64>, caller: &Caller<'_>) -> Result<String, Failure> {
        if let Some(number) = number {
            return self.uid_of_number(number);
        }
        let here = caller.channel.map(|channel| self.uid_of_channel(channel)).transpose()?.flatten();
        here.ok_or_else(|| {
            Failure::NotFound(
                "This is not an incident's channel, so say which incident you mean: `/incident INC-12 ack`. `/incident list` shows what is open."
                    .to_owned(),
            )
        })
    }

    async fn act(&self, uid: Option<&str>, command: &Command, caller: &Caller<'_>) -> Result<Reply, Failure> {
        let decision = self.decide_for(uid, command, caller).await?;
        Ok(Reply::words(&self.told(&decision)))
    }

    async fn decide_for(&self, uid: Option<&str>, command: &Command, caller: &Caller<'_>) -> Result<Decision, Failure> {
        let asked = Asked {
            actor: Actor::Person { id: caller.user.to_owned() },
            standing: caller.standing,
            delivery: caller.delivery.clone(),
            also: Vec::new(),
        };
        self.execute(uid, command, asked).await
    }

    /// A decision in a sentence for the one who asked.
    fn told(&self, decision: &Decision) -> String {
        let name = |id: &String| self.name(id);
        let sentences: Vec<_> = decision.entries.iter().filter_map(|entry| sentence(entry, &name)).collect();
        let incident = decision.case.incident.name();
        match sentences.split_first() {
            Some((first, _)) => format!("{incident}: {first}."),
            None if decision.effects.is_empty() => format!("{incident}: nothing changed."),
            None => format!("{incident}: done; it shows in a moment."),
        }
    }

    fn runbook(&self, name: &str) -> Result<&Runbook, Failure> {
        self.library.find(name).ok_or_else(|| {
            let ids: Vec<_> = self.library.all().map(|book| format!("`{}`", book.head.id)).collect();
            Failure::NotFound(format!(
                "There is no runbook “{name}”, or more than one fits. There are: {}.",
                ids.join(", ")
            ))
        })
    }

    fn show(&self, uid: &str) -> Result<Reply, Failure> {
        let Some(incident) = self.incident(uid)? else {
            return Err(Failure::NotFound("There is no such incident.".to_owned()));
        };
        let names = |id: &str| self.name(id);
        let name = |id: &String| self.name(id);
        let lines: Vec<_> = self
            .latest_entries(&incident, 15)?
            .iter()
            .filter_map(|entry| Some(json!({"at": stamp(entry.at), "text": sentence(entry, &name)?})))
            .collect();
        let tasks: Vec<_> = self
            .tasks(uid)?
            .into_iter()
            .map(|task| {
                json!({
                    "number": task.number, "text": task.text, "done": task.done_at.is_some(),
                    "assignee": task.assignee.as_ref().map(|id| json!({"id": id, "name": self.name(id)})),
                    "due": task.due.map(|due| due.format("%Y-%m-%d").to_string()),
                })
            })
            .collect();
        let view = json!({"incident": views::incident(&incident, &names, self.now()), "lines": lines, "tasks": tasks});
        Ok(Reply::Say(Box::new(views::plain_view(&self.templates, "show", &view))))
    }

    /// The modal that asks.
    fn ask(&self, uid: Option<&str>, question: Question, caller: &Caller<'_>) -> Result<Reply, Failure> {
        let verb = match question {
            Question::Declare => Verb::Declare,
            Question::Roles => Verb::Assign,
            Question::Severity => Verb::Severity,
            Question::Runbook | Question::Skip(_) => Verb::Runbook,
            Question::Update => Verb::Update,
            Question::Resolve | Question::Reopen => Verb::Status,
        };
        if !allowed(caller.standing, verb) {
            return Err(Refusal::NotAllowed { verb, standing: caller.standing }.into());
        }
        let incident = uid.map(|uid| self.incident(uid)).transpose()?.flatten();
        let text = |id, label, placeholder, multiline, optional| ModalInput::Text {
            id,
            label,
            initial: String::new(),
            placeholder,
            multiline,
            optional,
            max: if multiline { 3000 } else { 120 },
        };
        let severities = || {
            Severity::ALL
                .map(|severity| (severity.number().to_string(), format!("{severity}: {}", severity.meaning())))
                .to_vec()
        };
        let holders =
            |role: Role| incident.as_ref().and_then(|incident| incident.roles.get(&role)).cloned().unwrap_or_default();
        let people =
            |id, label, role: Role| ModalInput::People { id, label, initial: holders(role), several: role.is_shared() };
        let (callback, title, submit, inputs) = match question {
            Question::Declare => (
                "declare",
                "Declare an incident",
                "Declare",
                vec![
                    text("title", "What is wrong?", "orders have not been loaded since yesterday", false, false),
                    ModalInput::Choice {
                        id: "severity",
                        label: "How bad is it? If unsure, take the higher one.",
                        options: severities(),
                        initial: Some("3".to_owned()),
                    },
                    text("asset", "Which table, model or dashboard?", "warehouse.orders", false, true),
                    text("text", "What do you see?", "", true, true),
                ],
            ),
            Question::Roles => (
                "assign_roles",
                "Assign roles",
                "Assign",
                vec![
                    people("commander", "Commander: decides and delegates", Role::Commander),
                    people("deputy", "Deputy: stands in, keeps the time", Role::Deputy),
                    people("responder", "Responders: work on the cause", Role::Responder),
                    people("scribe", "Scribe: writes down what is decided", Role::Scribe),
                    people("liaison", "Liaison: speaks to owners and consumers", Role::Liaison),
                ],
            ),
            Question::Severity => (
                "severity",
                "Severity",
                "Change",
                vec![ModalInput::Choice {
                    id: "severity",
                    label: "How bad is it? If unsure, take the higher one.",
                    options: severities(),
                    initial: incident.as_ref().map(|incident| incident.severity.number().to_string()),
                }],
            ),
            Question::Runbook => (
                "runbook",
                "Bring a runbook",
                "Bring",
                vec![ModalInput::Choice {
                    id: "runbook",
                    label: "Which one?",
                    options: self.library.all().map(|book| (book.head.id.clone(), book.head.title.clone())).collect(),
                    initial: incident
                        .as_ref()
                        .and_then(|incident| self.library.best(incident))
                        .map(|(book, _)| book.head.id.clone()),
                }],
            ),
            Question::Update => (
                "update",
                "Post an update",
                "Post",
                vec![
                    text(
                        "text",
                        "How does it stand? Consumers read this too.",
                        "The load runs again; orders are good by 09:00.",
                        true,
                        false,
                    ),
                    text("next", "When do they hear again? (UTC)", "30m, or 15:00", false, true),
                ],
            ),
            Question::Resolve => (
                "resolve",
                "Resolve",
                "Resolve",
                vec![text(
                    "text",
                    "The cause is mended, data is good again downstream, people are told?",
                    "What ended it, in a sentence",
                    true,
                    true,
                )],
            ),
            Question::Reopen => (
                "reopen",
                "Reopen",
                "Reopen",
                vec![text("text", "Why is it not over?", "orders went stale again", true, false)],
            ),
            Question::Skip(_) => (
                "skip",
                "Skip a step",
                "Skip",
                vec![text("text", "Why is this step left out?", "there is no staging copy", true, false)],
            ),
        };
        let step = if let Question::Skip(step) = question { step.to_string() } else { String::new() };
        let metadata =
            format!("{} {step}", incident.as_ref().map(Incident::name).unwrap_or_default()).trim().to_owned();
        Ok(Reply::Open(Box::new(Modal { callback, title, submit, metadata, inputs })))
    }

    /// Whispers to somebody who pressed something.
    pub async fn whisper(&self, interaction: &Interaction, markdown: String) {
        let Some(channel) = &interaction.channel else { return };
        let job = Job::Whisper { channel: channel.id.clone(), user: interaction.user.id.clone(), markdown };
        if let Err(failure) = self.enqueue(&format!("whisper-{}", self.clock.fresh_id()), job).await {
            tracing::warn!(error = %failure, "somebody cannot be told why nothing happened");
        }
    }

    /// A button, a shortcut or a sent modal.
    pub async fn interact(&self, interaction: &Interaction) -> Reply {
        let user = interaction.user.id.as_str();
        let caller = Caller {
            user,
            standing: self.met(user, interaction.user.team_id.as_deref()).await,
            channel: interaction.channel.as_ref().map(|channel| channel.id.as_str()),
            delivery: None,
        };
        let result = match (interaction.kind.as_str(), interaction.actions.first(), &interaction.view) {
            ("block_actions", Some(action), _) => {
                let delivery = DeliveryId(format!("action/{user}/{}/{}", action.action_ts, action.action_id));
                self.pressed(&action.action_id, &action.value, Caller { delivery: Some(delivery), ..caller }).await
            }
            ("view_submission", _, Some(view)) => {
                let delivery = DeliveryId(format!("view/{}", view.id));
                return match self.sent(view, Caller { delivery: Some(delivery), ..caller }).await {
                    Ok(reply) => reply,
                    Err(Failure::Duplicate) => Reply::Nothing,
                    // A form shows what is wrong where it was asked, and loses nothing that was typed.
                    Err(failure) => {
                        let first = view.state.values.keys().next().cloned().unwrap_or_else(|| "text".to_owned());
                        let block = ["text", "title", "severity", "commander", "runbook"]
                            .into_iter()
                            .find(|block| view.state.values.contains_key(*block));
                        Reply::Mistakes([(block.map_or(first, str::to_owned), failure.to_string())].into())
                    }
                };
            }
            ("shortcut", ..) if interaction.callback_id == "declare" => self.ask(None, Question::Declare, &caller),
            ("message_action", ..) => self.message_shortcut(interaction, &caller).await,
            _ => Ok(Reply::Nothing),
        };
        match result {
            Ok(reply) => reply,
            Err(Failure::Duplicate) => Reply::Nothing,
            Err(failure) => Reply::Whisper(sentence_markdown(&failure.to_string())),
        }
    }

    async fn pressed(&self, action: &str, value: &str, caller: Caller<'_>) -> Result<Reply, Failure> {
        let mut words = value.split_whitespace();
        let uid = self.target(words.next().and_then(slash::number), &caller)?;
        let step = |prefix: &str| action.strip_prefix(prefix).and_then(|step| step.parse::<usize>().ok());
        let request = || words.clone().next().unwrap_or_default().to_owned();
        let command = match action {
            "ack" => Command::Acknowledge,
            "take_command" => Command::Take { role: Role::Commander },
            "handover_accept" => Command::AnswerHandover { request: request(), accept: true },
            "handover_decline" => Command::AnswerHandover { request: request(), accept: false },
            "postmortem" => Command::DraftPostmortem,
            "assign_roles" => return self.ask(Some(&uid), Question::Roles, &caller),
            "severity" => return self.ask(Some(&uid), Question::Severity, &caller),
            "runbook" => return self.ask(Some(&uid), Question::Runbook, &caller),
            "update" => return self.ask(Some(&uid), Question::Update, &caller),
            "resolve" => return self.ask(Some(&uid), Question::Resolve, &caller),
            "reopen" => return self.ask(Some(&uid), Question::Reopen, &caller),
            _ => match (step("step_done:"), step("step_skip:")) {
                (Some(step), _) => Command::StepDone { step, note: None },
                (_, Some(step)) => {
                    self.step_is_open(&uid, step)?;
                    return self.ask(Some(&uid), Question::Skip(step), &caller);
                }
                // A button of a newer or older message of ours.
                _ => {
                    return Ok(Reply::words(
                        "I do not know this button any more. `/incident help` lists what I can do.",
                    ));
                }
            },
        };
        self.decide_for(Some(&uid), &command, &caller).await.map(|_| Reply::Nothing)
    }

    /// Refuses a form for a step that is settled, before anybody types a reason for nothing.
    fn step_is_open(&self, uid: &str, step: usize) -> Result<(), Failure> {
        let state = self
            .incident(uid)?
            .and_then(|incident| incident.checklist?.steps.into_iter().nth(step.wrapping_sub(1)))
            .map(|step| step.state);
        match state {
            Some(StepState::Done { by, at, .. }) => {
                Err(Refusal::StepSettled { step, what: "done", by: self.name(&by), at: stamp(at) }.into())
            }
            Some(StepState::Skipped { by, at, .. }) => {
                Err(Refusal::StepSettled { step, what: "skipped", by: self.name(&by), at: stamp(at) }.into())
            }
            _ => Ok(()),
        }
    }

    async fn sent(&self, view: &View, caller: Caller<'_>) -> Result<Reply, Failure> {
        let mut words = view.private_metadata.split_whitespace();
        let number = words.next().and_then(slash::number);
        let text = view.text("text");
        let mistake = |block: &str, words: &str| Ok(Reply::Mistakes([(block.to_owned(), words.to_owned())].into()));
        let command = match view.callback_id.as_str() {
            "declare" => Command::Declare {
                title: view.text("title").unwrap_or_default(),
                severity: view.choice("severity").and_then(|word| Severity::parse(&word)),
                asset: view.text("asset").and_then(|name| AssetName::new(&name)),
                text,
            },
            "assign_roles" => {
                let roles = Role::ALL
                    .into_iter()
                    .map(|role| (role, view.people(role.as_str())))
                    .filter(|(_, people)| !people.is_empty())
                    .collect();
                Command::Assign { roles }
            }
            "severity" => match view.choice("severity").and_then(|word| Severity::parse(&word)) {
                Some(severity) => Command::SetSeverity { severity },
                None => return mistake("severity", "Choose one."),
            },
            "runbook" => {
                let runbook = self.runbook(&view.choice("runbook").unwrap_or_default())?.clone();
                Command::AttachRunbook { runbook, because: format!("{} asked for it", self.name(caller.user)) }
            }
            "update" => {
                let next = match view.text("next") {
                    None => None,
                    Some(words) => match parse_when(&words, self.now(), Toward::Future) {
                        Some(at) => Some(at),
                        None => {
                            return mistake("next", "This is no time I understand; write 30m, 2h or 15:00.");
                        }
                    },
                };
                Command::Update { text: text.unwrap_or_default(), next }
            }
            "resolve" => Command::Resolve { text },
            "reopen" => Command::Reopen { reason: text.unwrap_or_default() },
            "skip" => {
                let step = words.next().and_then(|step| step.parse().ok()).unwrap_or_default();
                Command::StepSkip { step, reason: text.unwrap_or_default() }
            }
            _ => return Ok(Reply::Nothing),
        };
        let uid = match command {
            Command::Declare { .. } => None,
            _ => Some(self.target(number, &caller)?),
        };
        self.decide_for(uid.as_deref(), &command, &caller).await.map(|_| Reply::Nothing)
    }

    async fn message_shortcut(&self, interaction: &Interaction, caller: &Caller<'_>) -> Result<Reply, Failure> {
        let message = interaction.message.clone().unwrap_or_default();
        let text = message["text"].as_str().unwrap_or_default();
        match interaction.callback_id.as_str() {
            "timeline" => {
                let uid = self.target(None, caller)?;
                let command = Command::Pin {
                    message: MessageRef {
                        channel: caller.channel.unwrap_or_default().to_owned(),
                        ts: message["ts"].as_str().unwrap_or_default().to_owned(),
                    },
                    author: message["user"].as_str().unwrap_or(caller.user).to_owned(),
                    text: text.to_owned(),
                };
                match self.decide_for(Some(&uid), &command, caller).await {
                    Err(Failure::Duplicate) => Err(Refusal::AlreadyPinned.into()),
                    other => other.map(|_| Reply::Whisper("It is on the timeline.".to_owned())),
                }
            }
            "declare_from_message" => {
                let mut reply = self.ask(None, Question::Declare, caller)?;
                if let Reply::Open(modal) = &mut reply {
                    for input in &mut modal.inputs {
                        match input {
                            ModalInput::Text { id: "title", initial, .. } => {
                                *initial = text.lines().next().unwrap_or_default().to_owned()
                            }
                            ModalInput::Text { id: "text", initial, .. } => text.clone_into(initial),
                            _ => {}
                        }
                    }
                }
                Ok(reply)
            }
            _ => Ok(Reply::Nothing),
        }
    }

    /// An event of the workspace. A redelivery changes nothing.
    ///
    /// # Errors
    /// The store cannot write; Slack sends it again then.
    pub async fn slack_event(&self, event_id: &str, event: SlackEvent) -> Result<(), Failure> {
        let guard = records::delivery_ops(&DeliveryId(format!("event/{event_id}")), self.now());
        let done = match event {
            SlackEvent::Said { channel, ts, user, text } => self.capture(channel, ts, Some(user), text, guard).await,
            SlackEvent::Edited { channel, ts, user, text } => self.capture(channel, ts, Some(user), text, guard).await,
            SlackEvent::Deleted { channel, ts } => self.capture(channel, ts, None, String::new(), guard).await,
            SlackEvent::Reaction { channel, ts, user, author, name, added } if name == "pushpin" => {
                self.pushpin(event_id, MessageRef { channel, ts }, &user, author, added).await
            }
            SlackEvent::Person(user) => match crate::slack::client::member(&user) {
                Some(member) => self.remember_people(vec![member], guard).await,
                None => Ok(()),
            },
            SlackEvent::Renamed { channel, name } => self.renamed(&channel, name, guard).await,
            SlackEvent::Reaction { .. } | SlackEvent::Other => Ok(()),
        };
        match done {
            Err(Failure::Duplicate | Failure::Refused(_)) | Ok(()) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Keeps what people say in an incident's channel; no author means that it was taken back.
    async fn capture(
        &self,
        channel: String,
        ts: String,
        author: Option<String>,
        text: String,
        mut ops: Vec<Op>,
    ) -> Result<(), Failure> {
        let Some(uid) = self.uid_of_channel(&channel)? else {
            return Ok(());
        };
        let before = self.captured(&uid, &ts)?;
        let deleted = author.is_none();
        let Some(author) = author.or_else(|| before.map(|before| before.author)) else {
            return Ok(());
        };
        let message = MessageRef { channel, ts: ts.clone() };
        let at = said_at(&message).unwrap_or_else(|| self.now());
        let text = text.chars().take(8000).collect();
        let captured = Captured { v: 1, message, author, at, text, deleted };
        ops.push(Op::put(
            Kind::Message,
            format!("{uid}/{ts}"),
            Expect::Any,
            serde_json::to_value(captured).unwrap_or_default(),
        ));
        self.commit(ops).await
    }

    async fn pushpin(
        &self,
        event_id: &str,
        message: MessageRef,
        user: &str,
        author: String,
        added: bool,
    ) -> Result<(), Failure> {
        let Some(uid) = self.uid_of_channel(&message.channel)? else {
            return Ok(());
        };
        let caller = Caller {
            user,
            standing: self.met(user, None).await,
            channel: None,
            delivery: Some(DeliveryId(format!("event/{event_id}"))),
        };
        let command = if added {
            let Some(captured) = self.captured(&uid, &message.ts)?.filter(|captured| !captured.deleted) else {
                tracing::info!(incident = uid, "a pushpin on a message that was not captured");
                return Ok(());
            };
            Command::Pin {
                message,
                author: if author.is_empty() { captured.author } else { author },
                text: captured.text,
            }
        } else {
            Command::Unpin { message }
        };
        self.decide_for(Some(&uid), &command, &caller).await.map(|_| ())
    }

    async fn renamed(&self, channel: &str, name: String, also: Vec<Op>) -> Result<(), Failure> {
        let Some(uid) = self.uid_of_channel(channel)? else {
            return Ok(());
        };
        let channel = crate::domain::incident::Channel { id: channel.to_owned(), name };
        self.execute(Some(&uid), &Command::ChannelReady { channel }, Asked::by_muster(also)).await.map(|_| ())
    }
}
