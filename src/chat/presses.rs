//! Buttons, shortcuts and forms, as they arrive. Slack does not show the HTTP answer to a press. So the answer is an ephemeral message, sent
//! through the outbox.

use serde_json::Value;

use super::asker::Chat;
use super::forms::modal;
use super::line::Intent;
use super::questions::Unsent;
use super::registry;
use super::reply::Reply;
use super::verbs::{declare, impact};
use crate::app::{App, DeliveryId, Failure};
use crate::domain::command::Declaration;
use crate::domain::incident::{MessageRef, number};
use crate::domain::permission::Verb;
use crate::domain::{AssetName, ChannelId, Command, IncidentId, Refusal, Role, UserId};
use crate::records::AlertOfKey;
use crate::records::outbox::Job;
use crate::render::{Action, Button, Form, Press, Shortcut, TriageCard, sentence_markdown};
use crate::slack::inbound::{Action as Pressed, Interaction, View, with_files};
use crate::slack::markup;
use crate::store::Id;

/// How many assets are offered for what somebody types.
const SUGGESTED: usize = 20;
/// Verbs that give something to people. In their lines a name that nobody has, or several people have, is a mistake.
const ABOUT_PEOPLE: [&str; 3] = ["assign", "page", "task"];

/// Says something to a person who pressed something. Only they see it.
pub async fn post_ephemeral(app: &App, interaction: &Interaction, markdown: String, buttons: Vec<Button>) {
    let user = interaction.user.id.clone();
    let channel = match &interaction.channel {
        Some(channel) => Some(channel.id.clone()),
        None => channel_of_form(app, interaction).await,
    };
    let job = match channel {
        Some(channel) => Job::Ephemeral { channel, user, markdown, buttons },
        // It was pressed in the home, which has no ephemeral messages.
        None => Job::Announce { channel: Some(user.to_string()), markdown, buttons, asks: None },
    };
    if let Err(failure) = app.enqueue(&app.errand(), job).await {
        tracing::warn!(error = %failure, "somebody cannot be told why nothing happened");
    }
}

/// The channel of the incident that a form is about.
async fn channel_of_form(app: &App, interaction: &Interaction) -> Option<ChannelId> {
    let number = number(interaction.view.as_ref()?.private_metadata.split_whitespace().next()?)?;
    let incident = app.incident(&app.uid_of_number(number).await.ok()?).await.ok()??;
    incident.channel.map(|channel| channel.id)
}

/// Answers a button, a shortcut, or a form that was sent.
pub async fn interact(app: &App, interaction: &Interaction) -> Reply {
    let user = &interaction.user.id;
    // A form was opened where its incident can be seen. Slack does not let anybody change what the form is about.
    let of_form = channel_of_form(app, interaction).await;
    let mut chat = Chat {
        app,
        user,
        standing: app.met(user, interaction.user.team_id.as_deref()).await,
        channel: interaction.channel.as_ref().map(|channel| &channel.id).or(of_form.as_ref()),
        delivery: None,
    };
    let result = match (interaction.kind.as_str(), interaction.actions.first(), &interaction.view) {
        ("block_actions", Some(pressed), _) => {
            chat.delivery = Some(delivery(interaction, pressed));
            chat.pressed(interaction, pressed).await
        }
        ("view_submission", _, Some(view)) => {
            chat.delivery = Some(DeliveryId(format!("view/{}", view.id)));
            return match chat.sent(view).await {
                Ok(reply) => reply,
                Err(Unsent::Mistake(question, words)) => Reply::mistake(question, words),
                Err(Unsent::Failed(Failure::Duplicate)) => Reply::Nothing,
                // A form shows what is wrong at the question, and keeps everything that was typed.
                Err(Unsent::Failed(failure)) => Reply::mistake(main_question(view), failure.to_string()),
            };
        }
        ("shortcut", ..) if interaction.callback_id.parse() == Ok(Shortcut::Declare) => {
            chat.ask(None, Form::Declare { anyway: false, from: None }).await
        }
        ("message_action", ..) => chat.message_shortcut(interaction).await,
        _ => Ok(Reply::Nothing),
    };
    match result {
        Ok(reply) => reply,
        Err(Failure::Duplicate) => Reply::Nothing,
        Err(failure) => Reply::Ephemeral(sentence_markdown(&failure.to_string()), Vec::new()),
    }
}

/// The assets that a lookup offers for what was typed, from the catalog, and the typed words. A person who may not read gets nothing.
pub async fn suggested(app: &App, interaction: &Interaction) -> Vec<String> {
    let user = &interaction.user.id;
    let standing = app.met(user, interaction.user.team_id.as_deref()).await;
    let chat = Chat { app, user, standing, channel: None, delivery: None };
    let typed = interaction.value.trim();
    let Some(own) = AssetName::new(typed).filter(|_| chat.may(Verb::Read, None).is_ok()) else { return Vec::new() };
    let mut found = app.catalog.graph().with_part(typed, SUGGESTED);
    if !found.iter().any(|name| name.eq_ignore_ascii_case(own.as_str())) {
        found.push(own.as_str().to_owned());
    }
    found
}

/// What makes a press count once.
fn delivery(interaction: &Interaction, pressed: &Pressed) -> DeliveryId {
    let (user, Pressed { action_id, value, action_ts }) = (&interaction.user.id, pressed);
    match (Action::read(action_id, value), interaction.container["message_ts"].as_str()) {
        // The answer takes a moment, and the button of an ephemeral message stays. So a repeated press does not count.
        (Some(Action::Again { .. }), Some(message)) if interaction.container["is_ephemeral"] == true => {
            DeliveryId(Id::<AlertOfKey>::of("again", &format!("{user}/{message}/{action_id}/{value}")).to_string())
        }
        _ => DeliveryId(format!("action/{user}/{action_ts}/{action_id}")),
    }
}

/// The question under which a refusal is shown.
fn main_question(view: &View) -> &str {
    let questions = &view.state.values;
    let main =
        ["title", "text", "severity", "commander", "runbook"].into_iter().find(|one| questions.contains_key(*one));
    main.or_else(|| questions.keys().next().map(String::as_str)).unwrap_or("text")
}

impl Chat<'_> {
    async fn pressed(&self, interaction: &Interaction, pressed: &Pressed) -> Result<Reply, Failure> {
        match Action::read(&pressed.action_id, &pressed.value) {
            Some(Action::Again { line, .. }) => Ok(self.line(&line).await.ephemeral()),
            Some(Action::Declare { asset }) => {
                let known =
                    Declaration { asset: asset.and_then(|name| AssetName::new(&name)), ..Declaration::default() };
                self.ask_to_declare(&known, &Form::Declare { anyway: false, from: None })
            }
            Some(Action::Triage { what, alert }) => {
                let ts = interaction.message.as_ref().and_then(|message| message["ts"].as_str()).unwrap_or_default();
                let channel = self.channel.cloned().unwrap_or_default();
                self.triage_pressed(what, TriageCard { channel, ts: ts.to_owned(), alert }).await
            }
            Some(Action::On { incident, press }) => self.pressed_on(number(&incident), press).await,
            // The button is from another version of Muster.
            None => Ok(Reply::Ephemeral(
                "I do not know this button any more. `/incident help` lists what I can do.".to_owned(),
                Vec::new(),
            )),
        }
    }

    async fn pressed_on(&self, number: Option<u64>, press: Press) -> Result<Reply, Failure> {
        let command = match press {
            Press::Ask(form) => return self.ask(number, form).await,
            Press::Impact => {
                self.may(Verb::Read, None)?;
                let shown = impact::of_incident(self, &self.incident(number).await?).await?;
                return Ok(Reply::from(shown).ephemeral());
            }
            Press::Acknowledge => Command::Acknowledge,
            Press::TakeCommand => Command::Take { role: Role::Commander },
            Press::Take(role) => Command::Take { role },
            Press::Leave(role) => Command::Leave { role: Some(role) },
            Press::AnswerHandover { request, accept } => Command::AnswerHandover { request, accept },
            Press::Remind(minutes) => Command::Remind { minutes },
            Press::Subscribe => Command::Subscribe,
            Press::Unsubscribe => Command::Unsubscribe,
            Press::Judge(verdict) => Command::Judge { verdict },
            Press::DraftPostmortem => Command::DraftPostmortem,
            Press::Review => Command::Review,
            Press::StepDone(step) => Command::StepDone { step, note: None },
            Press::TaskDone(task) => Command::FinishTask { task },
            Press::TaskTake(task) => Command::AssignTask { task, assignee: self.user.to_owned() },
        };
        let uid = self.target(number).await?;
        self.decide(&uid, command).await.map(|_| Reply::Nothing)
    }

    /// Handles a form that was sent.
    async fn sent(&self, view: &View) -> Result<Reply, Unsent> {
        let Some((number, form)) = Form::read(&view.callback_id, &view.private_metadata) else {
            return Ok(Reply::Nothing);
        };
        match form {
            Form::Declare { anyway, from } => Ok(self.declare_sent(anyway, from.map(|from| *from), view).await?),
            Form::TriageAttach(card) => Ok(self.attach_sent(&card, view).await?),
            Form::TriageSilence(card) => Ok(self.silence_sent(&card, view).await?),
            Form::More => self.any_verb_sent(number, view).await,
            form => {
                let uid = self.target(number).await?;
                let command = self.answered(&uid, &form, view).await?;
                self.decide(&uid, command).await?;
                Ok(Reply::Nothing)
            }
        }
    }

    async fn declare_sent(
        &self,
        anyway: bool,
        from: Option<(MessageRef, UserId, String)>,
        view: &View,
    ) -> Result<Reply, Failure> {
        let told = declare::sent(self, from.clone(), view);
        let alike = if anyway { Vec::new() } else { self.look_alikes(&told).await? };
        if alike.is_empty() {
            return declare::open(self, told).await.map(|_| Reply::Nothing);
        }
        let form = Form::Declare { anyway: true, from: from.map(Box::new) };
        Ok(Reply::Instead(Box::new(modal(&form, None, declare::form(self, &told, &alike)))))
    }

    /// Any verb with the rest of its line, as if it were typed.
    async fn any_verb_sent(&self, number: Option<u64>, view: &View) -> Result<Reply, Unsent> {
        let wrong = |words: String| Err(Unsent::Mistake("rest", words));
        let incident = number.map(|number| format!("INC-{number} ")).unwrap_or_default();
        let (verb, rest) = (view.choice("verb").unwrap_or_default(), view.text("rest").unwrap_or_default());
        let (rest, unknown) = self.with_mentions(&rest);
        if let Some(unknown) = unknown.filter(|_| ABOUT_PEOPLE.contains(&verb.as_str())) {
            return wrong(format!(
                "I know nobody called {unknown}, or more than one; write the name as Slack shows it."
            ));
        }
        let understood = match registry::parse(&format!("{incident}{verb} {rest}"), self.app.now()) {
            Ok(understood) => understood,
            Err(unclear) => return wrong(unclear.words),
        };
        // A change shows in the channel. What is only read is an ephemeral message.
        let shows = matches!(understood.intent, Intent::Command(_));
        match self.carry_out(understood).await {
            Ok(Reply::Open(form)) => Ok(Reply::Instead(form)),
            Ok(Reply::Say(_)) if shows => Ok(Reply::Nothing),
            Ok(other) => Ok(other.ephemeral()),
            Err(Failure::Duplicate) => Ok(Reply::Nothing),
            Err(failure) => wrong(failure.to_string()),
        }
    }

    /// Makes mentions of `@ben` as typed in a form, where Slack does not. Also returns the first name that fits nobody, or several.
    fn with_mentions(&self, text: &str) -> (String, Option<String>) {
        let mut unknown = None;
        let words = text.split(' ').map(|word| {
            let bare = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
            let Some(name) = bare.strip_prefix('@').filter(|name| !name.is_empty()) else {
                return word.to_owned();
            };
            match self.app.called(name).as_slice() {
                [id] => format!("<@{id}>{}", &word[bare.len()..]),
                _ => {
                    unknown.get_or_insert_with(|| bare.to_owned());
                    word.to_owned()
                }
            }
        });
        (words.collect::<Vec<_>>().join(" "), unknown)
    }

    /// The incident of a message's channel, or of the thread it is in.
    async fn target_of_message(&self, message: &Value) -> Result<IncidentId, Failure> {
        let thread = message["thread_ts"].as_str().or(message["ts"].as_str()).unwrap_or_default();
        match self.app.uid_of_thread(&self.channel.cloned().unwrap_or_default(), thread).await? {
            Some(uid) => Ok(uid),
            None => self.target(None).await,
        }
    }

    async fn message_shortcut(&self, interaction: &Interaction) -> Result<Reply, Failure> {
        let message = interaction.message.clone().unwrap_or_default();
        let text = with_files(message["text"].as_str().unwrap_or_default(), &message);
        let text = markup::named(&text, &|id| self.app.name(id));
        let at = MessageRef {
            channel: self.channel.cloned().unwrap_or_default(),
            ts: message["ts"].as_str().unwrap_or_default().to_owned(),
        };
        let author = message["user"].as_str().map_or_else(|| self.user.clone(), UserId::from);
        // If no incident is meant, the open ones become buttons, each with its line.
        let choose = async |verb: &str| Ok(self.which_incident(&format!("{verb} {text}")).await.ephemeral());
        match interaction.callback_id.parse() {
            Ok(Shortcut::TaskFromMessage) => match self.target_of_message(&message).await {
                Ok(uid) => {
                    let number = self.app.must(&uid).await?.number;
                    self.ask(Some(number), Form::Task { begun: text }).await
                }
                Err(Failure::WhichIncident) => choose("task").await,
                Err(failure) => Err(failure),
            },
            Ok(Shortcut::Timeline) => {
                let uid = match self.target_of_message(&message).await {
                    Err(Failure::WhichIncident) => return choose("note").await,
                    other => other?,
                };
                match self.decide(&uid, Command::Pin { message: at, author, text }).await {
                    Err(Failure::Duplicate) => Err(Refusal::AlreadyPinned.into()),
                    other => other.map(|_| Reply::Ephemeral("It is on the timeline.".to_owned(), Vec::new())),
                }
            }
            Ok(Shortcut::DeclareFromMessage) => {
                let title = text.lines().next().unwrap_or_default().chars().take(120).collect();
                let told = Declaration { title, ..Declaration::default() };
                // The text comes back with the answers, and becomes the first line of the timeline.
                let said = text.chars().take(1500).collect();
                self.ask_to_declare(&told, &Form::Declare { anyway: false, from: Some(Box::new((at, author, said))) })
            }
            Ok(Shortcut::Declare) | Err(_) => Ok(Reply::Nothing),
        }
    }
}
