//! Forms: what each asks, and what its answers become.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Caller, Reply};
use crate::app::{App, Failure};
use crate::domain::command::Declaration;
use crate::domain::decide::{MAX_TEXT, gaps};
use crate::domain::effect::Notice;
use crate::domain::event::Look;
use crate::domain::incident::{Ending, Recipient};
use crate::domain::lineage::Whom;
use crate::domain::permission::Verb;
use crate::domain::rca::{CauseKind, Learnt};
use crate::domain::reason::{Gap, RunbookReason};
use crate::domain::{AssetName, Command, Incident, Pillar, Refusal, Role, Severity};
use crate::render::{Modal, ModalInput, views};
use crate::slack::inbound::View;
use crate::slack::slash::{self, Question};
use crate::slack::when::{Toward, parse as parse_when};

/// So many assets are offered for what somebody types.
const SUGGESTED: usize = 20;
/// So many of those who have roles are known from the form of roles: its metadata hold 3,000 characters.
const MOST_SHOWN: usize = 100;

impl App {
    /// The modal that asks.
    pub(super) async fn ask(
        &self,
        uid: Option<&str>,
        question: &Question,
        caller: &Caller<'_>,
    ) -> Result<Reply, Failure> {
        let verb = match question {
            Question::Declare => Verb::Declare,
            Question::Roles => Verb::Assign,
            Question::Severity => Verb::Severity,
            Question::Runbook | Question::Skip(_) => Verb::Runbook,
            Question::Update => Verb::Update,
            Question::Resolve | Question::Reopen => Verb::Status,
            Question::Notify(_) => Verb::Notify,
            Question::Task(_) => Verb::Task,
            // What is chosen there is checked when it is sent.
            Question::More => Verb::Read,
            Question::Look(_) | Question::Why | Question::Cause(_) | Question::Learnt(_) => Verb::Note,
        };
        let incident = match uid {
            Some(uid) => self.incident(uid).await?,
            None => None,
        };
        self.may(verb, caller, incident.as_ref())?;
        if let (Question::Resolve, Some(incident)) = (question, &incident)
            && !incident.status.is_open()
        {
            let name = incident.name();
            return Err(match &incident.merged_into {
                Some((_, into)) => Refusal::IsMerged { incident: name, into: into.clone() }.into(),
                None => Refusal::AlreadyInStatus { incident: name, status: incident.status }.into(),
            });
        }
        // What stands in two fields is one text, and fits one together.
        let text = |id, label, placeholder, multiline, optional| ModalInput::Text {
            id,
            label,
            initial: String::new(),
            placeholder,
            multiline,
            optional,
            max: if multiline { MAX_TEXT - 200 } else { 120 },
        };
        let severities = || {
            Severity::ALL
                .map(|severity| (severity.number().to_string(), format!("{severity}: {}", severity.meaning())))
                .to_vec()
        };
        let holders =
            |role: Role| incident.as_ref().and_then(|incident| incident.roles.get(&role)).cloned().unwrap_or_default();
        let choice = |id, label, options: &[(&str, &str)], initial: &str| ModalInput::Choice {
            id,
            label,
            options: options.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect(),
            initial: Some(initial.to_owned()),
        };
        let people =
            |id, label, role: Role| ModalInput::People { id, label, initial: holders(role), several: role.is_shared() };
        let (callback, title, submit, inputs) = match question {
            Question::Declare => return self.ask_to_declare(&Declaration::default(), String::new(), caller).await,
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
                        "What changed? Consumers read this too.",
                        "The load runs again; orders are good by 09:00.",
                        true,
                        false,
                    ),
                    text(
                        "impact",
                        "What does it mean for those who use the data?",
                        "yesterday's figures are right; today's are missing",
                        false,
                        true,
                    ),
                    text("next", "When do they hear again? (UTC)", "30m, or 15:00", false, true),
                ],
            ),
            Question::Resolve => {
                let mut inputs = vec![
                    text(
                        "text",
                        "The cause is mended, data is good again downstream, people are told?",
                        "What ended it, in a sentence",
                        true,
                        true,
                    ),
                    ModalInput::Choice {
                        id: "ending",
                        label: "Why is it over?",
                        options: Ending::ALL
                            .map(|ending| (ending.as_str().to_owned(), ending.as_str().to_owned()))
                            .to_vec(),
                        initial: Some(Ending::Fixed.as_str().to_owned()),
                    },
                ];
                if let Some(incident) = &incident {
                    let gaps: Vec<_> = gaps(&incident.clone().into()).iter().map(Gap::advice).collect();
                    inputs.push(ModalInput::Words(self.templates.render("gaps", &json!({"gaps": gaps}))));
                }
                ("resolve", "Resolve", "Resolve", inputs)
            }
            Question::Reopen => (
                "reopen",
                "Reopen",
                "Reopen",
                vec![text("text", "Why is it not over?", "orders went stale again", true, false)],
            ),
            Question::Notify(whom) => {
                let incident =
                    incident.as_ref().ok_or_else(|| Failure::NotFound("There is no such incident.".to_owned()))?;
                ("notify", "Tell people", "Send", self.notify_inputs(incident, *whom).await?)
            }
            Question::Look(look) => {
                let found = match (look, &incident) {
                    (Look::Lineage, Some(incident)) => incident
                        .roots
                        .iter()
                        .map(|root| format!("{}: {}", root.asset, root.reason.words()))
                        .collect::<Vec<_>>()
                        .join("\n"),
                    _ => String::new(),
                };
                (
                    "look",
                    "What did you find?",
                    "Write down",
                    vec![ModalInput::Text {
                        id: "text",
                        label: "What did the look show, or rule out?",
                        initial: found,
                        placeholder: "raw_orders is stale too; its loader failed at 05:00",
                        multiline: true,
                        optional: false,
                        max: 3000,
                    }],
                )
            }
            Question::Task(begun) => (
                "task",
                "A task",
                "Add",
                vec![
                    ModalInput::Text {
                        id: "text",
                        label: "What is to be done?",
                        initial: begun.chars().take(300).collect(),
                        placeholder: "add a freshness check to raw_orders",
                        multiline: false,
                        optional: false,
                        max: 300,
                    },
                    ModalInput::People { id: "owner", label: "Who does it?", initial: Vec::new(), several: false },
                    text("due", "By when?", "friday, 3d, or 2026-12-01", false, true),
                ],
            ),
            Question::More => {
                let verbs = slash::VERBS.iter().map(|(written, what)| {
                    let verb = written.split(' ').next().unwrap_or_default();
                    (verb.to_owned(), format!("{verb}: {what}"))
                });
                (
                    "more",
                    "Anything else",
                    "Do it",
                    vec![
                        ModalInput::Choice {
                            id: "verb",
                            label: "What do you want to do?",
                            options: verbs.collect(),
                            initial: Some("note".to_owned()),
                        },
                        text("rest", "And the rest of the line?", "what you would type after the word", true, true),
                    ],
                )
            }
            Question::Why => {
                let last = match &incident {
                    Some(incident) => self.last_why(incident).await?,
                    None => None,
                };
                let mut inputs: Vec<_> = last.map(ModalInput::Words).into_iter().collect();
                inputs.push(text("text", "Why did that happen?", "the loader had no retry", true, false));
                ("why", "Why?", "Write down", inputs)
            }
            Question::Cause(kind) => (
                "cause",
                "The cause",
                "Write down",
                vec![
                    choice(
                        "kind",
                        "Where does it lie? Never with a person.",
                        &CauseKind::ALL.map(|one| (one.as_str(), one.meaning())),
                        kind.unwrap_or(CauseKind::Data).as_str(),
                    ),
                    text("text", "What caused it?", "the loader's disk was full and nothing watched it", true, false),
                ],
            ),
            Question::Learnt(what) => (
                "learnt",
                "What did we learn?",
                "Write down",
                vec![
                    choice(
                        "what",
                        "What does the look back see?",
                        &Learnt::ALL.map(|one| (one.as_str(), one.meaning())),
                        what.unwrap_or(Learnt::Well).as_str(),
                    ),
                    text("text", "What was it?", "the runbook had the very step", true, false),
                ],
            ),
            Question::Skip(_) => (
                "skip",
                "Skip a step",
                "Skip",
                vec![text("text", "Why is this step left out?", "there is no staging copy", true, false)],
            ),
        };
        let step = match question {
            Question::Skip(step) => step.to_string(),
            Question::Notify(whom) => whom.as_str().to_owned(),
            Question::Look(look) => look.as_str().to_owned(),
            // Who is shown, so that who was taken out is known from who was not there.
            Question::Roles => Role::ALL
                .into_iter()
                .flat_map(|role| holders(role).into_iter().map(move |person| format!("{}:{person}", role.as_str())))
                .take(MOST_SHOWN)
                .collect::<Vec<_>>()
                .join(" "),
            _ => String::new(),
        };
        let metadata =
            format!("{} {step}", incident.as_ref().map(Incident::name).unwrap_or_default()).trim().to_owned();
        Ok(Reply::Open(Box::new(Modal { callback, title, submit, metadata, inputs })))
    }

    /// Whom a round of telling reaches, what they read, and what may be added.
    async fn notify_inputs(&self, incident: &Incident, whom: Whom) -> Result<Vec<ModalInput>, Failure> {
        if incident.drill {
            return Err(Refusal::Drill { incident: incident.name() }.into());
        }
        let (all, told) = (self.recipients(incident, whom).await?, self.who_was_told(&incident.uid).await?);
        let is_new = |recipient: &&Recipient| !told.values().any(|told| told.recipient.is_same(recipient));
        let reached = |recipient: &&Recipient| recipient.slack.is_some() || recipient.email.is_some();
        let new: Vec<_> = all.iter().filter(is_new).filter(reached).collect();
        if all.is_empty() {
            return Err(Refusal::NobodyToTell { whom: whom.as_str(), incident: incident.name() }.into());
        }
        let unreachable: Vec<_> =
            all.iter().filter(|recipient| !reached(recipient)).map(|recipient| recipient.name.clone()).collect();
        let Some(first) = new.first() else {
            if unreachable.len() == all.len() {
                return Err(Failure::NotFound(format!(
                    "Nobody of them can be reached: {unreachable} have neither a channel nor an address. Give them one under `[[teams]]` or in the catalog.",
                    unreachable = unreachable.join(", ")
                )));
            }
            return Err(Refusal::NobodyLeftToTell { whom: whom.as_str() }.into());
        };
        let notice = Notice::First { whom, text: None };
        let names = |id: &str| self.name(id);
        let preview = views::notice(&self.templates, &notice, first, incident, &names, self.now(), None);
        let told: Vec<_> = told.values().map(|told| told.recipient.name.clone()).collect();
        let view = json!({"first": first.name, "told": told, "unreachable": unreachable});
        let words = format!("{}\n\n---\n\n{preview}", self.templates.render("notify_form", &view));
        let options: Vec<_> = new
            .iter()
            .map(|recipient| {
                let way = recipient.slack.as_ref().or(recipient.email.as_ref()).cloned().unwrap_or_default();
                let assets = if recipient.total == 1 { "asset" } else { "assets" };
                (recipient.key.clone(), format!("{} ({} {assets}) {way}", recipient.name, recipient.total))
            })
            .collect();
        let initial = options.iter().map(|(key, _)| key.clone()).collect();
        Ok(vec![
            ModalInput::Several {
                id: "teams",
                label: "Who is told? Take out whom you want to leave out.",
                options,
                initial,
            },
            ModalInput::Text {
                id: "text",
                label: "What are they asked to do? Write it in your own words.",
                initial: views::ask(&self.templates, whom),
                placeholder: "Use yesterday's figures until 09:00.",
                multiline: true,
                optional: true,
                max: 3000,
            },
            ModalInput::Words(words),
        ])
    }

    /// The form of a declaration, with what is known already.
    pub(super) async fn ask_to_declare(
        &self,
        told: &Declaration,
        metadata: String,
        caller: &Caller<'_>,
    ) -> Result<Reply, Failure> {
        self.may(Verb::Declare, caller, None)?;
        Ok(Reply::Open(Box::new(Modal {
            callback: "declare",
            title: "Declare an incident",
            submit: "Declare",
            metadata,
            inputs: self.declare_inputs(told, &[]),
        })))
    }

    /// The questions of a declaration, with what was answered already; above them, the incidents that look like it.
    pub(super) fn declare_inputs(&self, told: &Declaration, alike: &[Incident]) -> Vec<ModalInput> {
        let severities = Severity::ALL
            .map(|severity| (severity.number().to_string(), format!("{severity}: {}", severity.meaning())))
            .to_vec();
        let line = |id, label, initial: Option<&String>, placeholder, multiline, optional| ModalInput::Text {
            id,
            label,
            initial: initial.cloned().unwrap_or_default(),
            placeholder,
            multiline,
            optional,
            max: if multiline { 3000 } else { 120 },
        };
        let mut inputs = Vec::new();
        if !alike.is_empty() {
            inputs.push(ModalInput::Words(self.alike_words(alike)));
        }
        let chosen = [("drill", told.drill), ("private", told.private)];
        inputs.extend([
            line(
                "title",
                "What is wrong?",
                Some(&told.title),
                "orders have not been loaded since yesterday",
                false,
                false,
            ),
            ModalInput::Choice {
                id: "severity",
                label: "How bad is it? If unsure, take the higher one.",
                options: severities,
                initial: Some(told.severity.unwrap_or(Severity::Sev3).number().to_string()),
            },
            ModalInput::Lookup {
                id: "asset",
                label: "Which table, model or dashboard?",
                initial: told.asset.as_ref().map(ToString::to_string),
                placeholder: "warehouse.orders",
            },
            ModalInput::Choice {
                id: "pillar",
                label: "What is wrong with it?",
                options: Pillar::ALL.map(|pillar| (pillar.as_str().to_owned(), pillar.meaning().to_owned())).to_vec(),
                initial: Some(told.pillar.unwrap_or(Pillar::Other).as_str().to_owned()),
            },
            line("text", "What do you see?", told.text.as_ref(), "", true, true),
            ModalInput::Checks {
                id: "kind",
                label: "What kind of incident?",
                options: vec![
                    ("drill".to_owned(), "A drill: page and tell nobody".to_owned()),
                    ("private".to_owned(), "Private: announced nowhere".to_owned()),
                ],
                initial: chosen.iter().filter(|(_, on)| *on).map(|(kind, _)| (*kind).to_owned()).collect(),
            },
        ]);
        inputs
    }

    /// Any verb with the rest of its line, as if typed.
    async fn more_sent(&self, view: &View, number: Option<u64>, caller: &Caller<'_>) -> Result<Reply, Failure> {
        let incident = number.map(|number| format!("INC-{number} ")).unwrap_or_default();
        let (verb, rest) = (view.choice("verb").unwrap_or_default(), view.text("rest").unwrap_or_default());
        let wrong = |words: String| Reply::Mistakes([("rest".to_owned(), words)].into());
        let (rest, unknown) = self.with_mentions(&rest);
        if let Some(unknown) = unknown.filter(|_| ["assign", "page", "task"].contains(&verb.as_str())) {
            return Ok(wrong(format!(
                "I know nobody called {unknown}, or more than one; write the name as Slack shows it."
            )));
        }
        let intent = match slash::parse(&format!("{incident}{verb} {rest}"), self.now()) {
            Ok(intent) => intent,
            Err(unclear) => return Ok(wrong(unclear.words)),
        };
        // What changes something shows in the channel; what is read is whispered.
        let shows = matches!(intent, slash::Intent::Do { .. });
        Ok(match self.intend(intent, caller).await {
            Ok(Reply::Open(form)) => Reply::Instead(form),
            Ok(Reply::Say(_)) if shows => Reply::Nothing,
            Ok(Reply::Say(message)) => Reply::Ephemeral(message.markdown, message.buttons),
            Ok(other) => other,
            Err(Failure::Duplicate) => Reply::Nothing,
            Err(failure) => wrong(failure.to_string()),
        })
    }

    /// `@ben` as somebody types it in a form, where Slack makes no mention of it; and the first that is nobody's name, or several people's.
    fn with_mentions(&self, text: &str) -> (String, Option<String>) {
        let mut unknown = None;
        let words = text.split(' ').map(|word| {
            let bare = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
            let Some(name) = bare.strip_prefix('@').filter(|name| !name.is_empty()) else {
                return word.to_owned();
            };
            match self.called(name).as_slice() {
                [id] => format!("<@{id}>{}", &word[bare.len()..]),
                _ => {
                    unknown.get_or_insert_with(|| bare.to_owned());
                    word.to_owned()
                }
            }
        });
        (words.collect::<Vec<_>>().join(" "), unknown)
    }

    /// What the form of a declaration says.
    fn declaration(&self, view: &View) -> Declaration {
        let kinds = view.choices("kind");
        let kind = |word: &str| kinds.iter().any(|one| one == word);
        Declaration {
            title: view.text("title").unwrap_or_default(),
            severity: view.choice("severity").and_then(|word| Severity::parse(&word)),
            pillar: view.choice("pillar").and_then(|word| Pillar::parse(&word)),
            asset: view
                .choice("asset")
                .or_else(|| view.text("asset"))
                .and_then(|name| AssetName::new(&name))
                .map(|name| self.catalog.known_as(&name)),
            text: view.text("text"),
            drill: kind("drill"),
            private: kind("private"),
            from: serde_json::from_str(&view.private_metadata).ok(),
        }
    }

    /// What a lookup offers for what was typed: what the catalog has, and the words as they are.
    pub fn suggest(&self, typed: &str) -> Vec<String> {
        let typed = typed.trim();
        let Some(own) = AssetName::new(typed) else { return Vec::new() };
        let mut found = self.catalog.graph().with_part(typed, SUGGESTED);
        if !found.iter().any(|name| name.eq_ignore_ascii_case(own.as_str())) {
            found.push(own.as_str().to_owned());
        }
        found
    }

    /// A form that was sent.
    pub(super) async fn sent(&self, view: &View, caller: Caller<'_>) -> Result<Reply, Failure> {
        if view.callback_id.starts_with("triage_") {
            return self.triage_sent(view, &caller).await;
        }
        let mut words = view.private_metadata.split_whitespace();
        let number = words.next().and_then(slash::number);
        let text = view.text("text");
        let mistake = |block: &str, words: &str| Ok(Reply::Mistakes([(block.to_owned(), words.to_owned())].into()));
        let command = match view.callback_id.as_str() {
            "declare" | "declare_anyway" => {
                let told = self.declaration(view);
                let alike =
                    if view.callback_id == "declare" { self.look_alikes(&told, &caller).await? } else { Vec::new() };
                if !alike.is_empty() {
                    return Ok(Reply::Instead(Box::new(Modal {
                        callback: "declare_anyway",
                        title: "Is it one of these?",
                        submit: "Open a new one",
                        metadata: view.private_metadata.clone(),
                        inputs: self.declare_inputs(&told, &alike),
                    })));
                }
                return self.declare(told, &caller).await.map(|_| Reply::Nothing);
            }
            "assign_roles" => {
                let mut roles: BTreeMap<_, _> =
                    Role::ALL.into_iter().map(|role| (role, view.people(role.as_str()))).collect();
                // Who was shown and is not there any more; not who came while the form was open.
                let mut without: BTreeMap<Role, Vec<String>> = BTreeMap::new();
                for (role, person) in words.filter_map(|shown| shown.split_once(':')) {
                    let Some((role, named)) = Role::parse(role).and_then(|role| Some((role, roles.get_mut(&role)?)))
                    else {
                        continue;
                    };
                    match named.iter().position(|one| one == person) {
                        // Who stands there as they stood is not given anything anew.
                        Some(place) => drop(named.remove(place)),
                        None => without.entry(role).or_default().push(person.to_owned()),
                    }
                }
                Command::Assign { roles, without }
            }
            "severity" => match view.choice("severity").and_then(|word| Severity::parse(&word)) {
                Some(severity) => Command::SetSeverity { severity },
                None => return mistake("severity", "Choose one."),
            },
            "runbook" => {
                let runbook = self.runbook(&view.choice("runbook").unwrap_or_default())?.clone();
                Command::AttachRunbook { runbook, because: RunbookReason::Asked { by: caller.user.to_owned() } }
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
                let impact = view.text("impact").map(|impact| format!("\nImpact: {impact}")).unwrap_or_default();
                Command::Update { text: format!("{}{impact}", text.unwrap_or_default()), next }
            }
            "look" => {
                let look = words.next().and_then(Look::parse).unwrap_or(Look::Lineage);
                Command::Look { look, finding: text.unwrap_or_default() }
            }
            "more" => return self.more_sent(view, number, &caller).await,
            "task" => {
                let due = match view.text("due") {
                    None => None,
                    Some(words) => match parse_when(&words, self.now(), Toward::Future) {
                        Some(at) => Some(at),
                        None => return mistake("due", "This is no time I understand; write friday, 3d or 2026-12-01."),
                    },
                };
                let assignee = view.people("owner").into_iter().next();
                Command::AddTask { text: text.unwrap_or_default(), assignee, due }
            }
            "why" => Command::Why { answers: None, text: text.unwrap_or_default() },
            "cause" => match view.choice("kind").and_then(|word| CauseKind::parse(&word)) {
                Some(kind) => Command::Cause { kind, text: text.unwrap_or_default() },
                None => return mistake("kind", "Choose one."),
            },
            "learnt" => match view.choice("what").and_then(|word| Learnt::parse(&word)) {
                Some(what) => Command::Learn { what, text: text.unwrap_or_default() },
                None => return mistake("what", "Choose one."),
            },
            "notify" => {
                let whom = words.next().and_then(Whom::parse).unwrap_or(Whom::Downstream);
                let chosen = view.choices("teams");
                if chosen.is_empty() {
                    return mistake("teams", "Nobody is left; choose at least one, or cancel.");
                }
                let uid = self.target(number, &caller).await?;
                let Some(incident) = self.incident(&uid).await? else {
                    return mistake("teams", "There is no such incident any more.");
                };
                let mut recipients = self.recipients(&incident, whom).await?;
                // A key in a form is cut to Slack's length.
                recipients.retain(|recipient| {
                    chosen
                        .iter()
                        .any(|key| recipient.key == *key || recipient.key.starts_with(key.trim_end_matches('…')))
                });
                // What was left as it stood is not repeated on the timeline.
                let text = text.filter(|text| *text != views::ask(&self.templates, whom));
                Command::Notify { whom, recipients, text }
            }
            "resolve" => {
                let ending = view.choice("ending").and_then(|word| Some(Ending::begins(&word)?.0)).unwrap_or_default();
                Command::Resolve { text, ending }
            }
            "reopen" => Command::Reopen { reason: text.unwrap_or_default() },
            "skip" => {
                let step = words.next().and_then(|step| step.parse().ok()).unwrap_or_default();
                Command::StepSkip { step, reason: text.unwrap_or_default() }
            }
            _ => return Ok(Reply::Nothing),
        };
        let uid = self.target(number, &caller).await?;
        self.decide_for(&uid, &command, &caller).await.map(|_| Reply::Nothing)
    }
}
