//! Every button and every form, and how each one is encoded in what Slack sends back. The effect of a press is in `chat`. This file is on a
//! lower floor, because cards and messages carry the buttons.
//!
//! An id that was sent once is read as long as its message exists. So an id never gets another meaning.

use crate::domain::event::Look;
use crate::domain::incident::{self, MessageRef, Verdict};
use crate::domain::lineage::Whom;
use crate::domain::rca::{CauseKind, Learnt};
use crate::domain::{ChannelId, Role, UserId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Says a line as if it were typed. Several such buttons in one message need different places.
    Again { place: usize, line: String },
    /// Opens the form of a declaration, perhaps about an asset.
    Declare { asset: Option<String> },
    /// Decides about an alert that a person was asked about.
    Triage { what: Triage, alert: String },
    /// Does something to one incident, by its name.
    On { incident: String, press: Press },
}

/// What a button does to an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    Acknowledge,
    TakeCommand,
    Take(Role),
    Leave(Role),
    AnswerHandover {
        request: String,
        accept: bool,
    },
    Impact,
    /// Puts it off by this many minutes. `None` ends it.
    Remind(Option<u32>),
    Subscribe,
    Unsubscribe,
    Judge(Verdict),
    DraftPostmortem,
    Review,
    StepDone(usize),
    TaskDone(u32),
    TaskTake(u32),
    Ask(Form),
}

/// The decision on an alert that a person was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Triage {
    Open,
    Attach,
    Silence,
    Dismiss,
}

impl Triage {
    const ALL: [Self; 4] = [Self::Open, Self::Attach, Self::Silence, Self::Dismiss];

    fn id(self) -> &'static str {
        match self {
            Self::Open => "triage_open",
            Self::Attach => "triage_attach",
            Self::Silence => "triage_silence",
            Self::Dismiss => "triage_dismiss",
        }
    }
}

/// A form. The values that it is filled with at first (`begun`, `kind`, `what`) are not sent back. All others are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[rustfmt::skip]
pub enum Form {
    /// `from`: the message it was declared from, who wrote it, and its words.
    Declare { anyway: bool, from: Option<Box<(MessageRef, UserId, String)>> },
    /// Remembers the people who are shown in it, to find out who was removed.
    Roles { shown: Vec<(Role, UserId)> },
    Severity,
    Runbook,
    Update,
    Resolve,
    Reopen,
    Skip { step: usize },
    Notify(Whom),
    Look(Look),
    Task { begun: String },
    More,
    Why,
    Cause { kind: Option<CauseKind> },
    Learnt { what: Option<Learnt> },
    TriageAttach(TriageCard),
    TriageSilence(TriageCard),
}

/// The card that asks about an alert. It is settled once somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriageCard {
    pub channel: ChannelId,
    /// Empty if it was not pressed in a message.
    pub ts: String,
    pub alert: String,
}

/// A shortcut of the app, as the manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Shortcut {
    Declare,
    /// Puts a message on the timeline.
    Timeline,
    DeclareFromMessage,
    TaskFromMessage,
}

/// The ids of buttons, as `docs/slack.md` lists them, without the part behind a colon.
#[rustfmt::skip]
pub const BUTTONS: [&str; 34] = [
    "ack", "again", "assign_roles", "cause", "declare", "handover_accept", "handover_decline", "impact", "judge",
    "learnt", "leave", "more", "notify", "postmortem", "remind", "reopen", "resolve", "review", "runbook",
    "severity", "step_done", "step_skip", "subscribe", "take", "take_command", "task_done", "task_take",
    "triage_attach", "triage_dismiss", "triage_open", "triage_silence", "unsubscribe", "update", "why",
];

/// The ids of forms, as `docs/slack.md` lists them.
#[rustfmt::skip]
pub const FORMS: [&str; 18] = [
    "assign_roles", "cause", "declare", "declare_anyway", "learnt", "look", "more", "notify", "reopen", "resolve",
    "runbook", "severity", "skip", "task", "triage_attach", "triage_silence", "update", "why",
];

impl Action {
    /// The id of the button, and the value that comes back with it.
    pub fn written(&self) -> (String, String) {
        match self {
            Self::Again { place, line } => (format!("again:{place}"), line.clone()),
            Self::Declare { asset } => ("declare".to_owned(), asset.clone().unwrap_or_else(|| "declare".to_owned())),
            Self::Triage { what, alert } => (what.id().to_owned(), alert.clone()),
            Self::On { incident, press } => {
                let value = match press {
                    Press::AnswerHandover { request, .. } => format!("{incident} {request}"),
                    _ => incident.clone(),
                };
                (press.id(incident), value)
            }
        }
    }

    /// Reads what was pressed. `None` for a button from another version of Muster.
    pub fn read(id: &str, value: &str) -> Option<Self> {
        if let Some(place) = id.strip_prefix("again") {
            let place = place.trim_start_matches(':').parse().unwrap_or_default();
            return Some(Self::Again { place, line: value.to_owned() });
        }
        if id == "declare" {
            return Some(Self::Declare { asset: (value != "declare").then(|| value.to_owned()) });
        }
        if let Some(what) = Triage::ALL.into_iter().find(|what| what.id() == id) {
            return Some(Self::Triage { what, alert: value.to_owned() });
        }
        let mut words = value.split_whitespace();
        let incident = words.next().unwrap_or_default().to_owned();
        Some(Self::On { incident, press: Press::read(id, words.next().unwrap_or_default())? })
    }
}

impl Press {
    fn id(&self, incident: &str) -> String {
        match self {
            Self::Acknowledge => "ack".to_owned(),
            Self::TakeCommand => "take_command".to_owned(),
            Self::Take(role) => format!("take:{}", role.as_str()),
            Self::Leave(role) => format!("leave:{}", role.as_str()),
            Self::AnswerHandover { accept: true, .. } => "handover_accept".to_owned(),
            Self::AnswerHandover { accept: false, .. } => "handover_decline".to_owned(),
            Self::Impact => "impact".to_owned(),
            Self::Remind(Some(minutes)) => format!("remind:{minutes}"),
            Self::Remind(None) => "remind:off".to_owned(),
            Self::Subscribe => "subscribe".to_owned(),
            Self::Unsubscribe => "unsubscribe".to_owned(),
            Self::Judge(verdict) => format!("judge:{}", verdict.as_str()),
            Self::DraftPostmortem => "postmortem".to_owned(),
            Self::Review => "review".to_owned(),
            Self::StepDone(step) => format!("step_done:{step}"),
            // The home shows tasks of several incidents, and two buttons of one message may not have the same id.
            Self::TaskDone(task) => format!("task_done:{task}:{incident}"),
            Self::TaskTake(task) => format!("task_take:{task}"),
            Self::Ask(Form::Skip { step }) => format!("step_skip:{step}"),
            Self::Ask(Form::Notify(whom)) => format!("notify:{}", whom.as_str()),
            Self::Ask(form) => form.id().to_owned(),
        }
    }

    fn read(id: &str, request: &str) -> Option<Self> {
        let (what, of) = id.split_once(':').unwrap_or((id, ""));
        Some(match what {
            "ack" => Self::Acknowledge,
            "take_command" => Self::TakeCommand,
            "take" => Self::Take(Role::parse(of)?),
            "leave" => Self::Leave(Role::parse(of)?),
            "handover_accept" => Self::AnswerHandover { request: request.to_owned(), accept: true },
            "handover_decline" => Self::AnswerHandover { request: request.to_owned(), accept: false },
            "impact" => Self::Impact,
            "remind" if of == "off" => Self::Remind(None),
            "remind" => Self::Remind(Some(of.parse().ok()?)),
            "subscribe" => Self::Subscribe,
            "unsubscribe" => Self::Unsubscribe,
            "judge" => Self::Judge(Verdict::parse(of)?),
            "postmortem" => Self::DraftPostmortem,
            "review" => Self::Review,
            "step_done" => Self::StepDone(of.parse().ok()?),
            "task_done" => Self::TaskDone(of.split(':').next()?.parse().ok()?),
            "task_take" => Self::TaskTake(of.parse().ok()?),
            "step_skip" => Self::Ask(Form::Skip { step: of.parse().ok()? }),
            "notify" => Self::Ask(Form::Notify(Whom::parse(of)?)),
            "assign_roles" => Self::Ask(Form::Roles { shown: Vec::new() }),
            "severity" => Self::Ask(Form::Severity),
            "runbook" => Self::Ask(Form::Runbook),
            "update" => Self::Ask(Form::Update),
            "more" => Self::Ask(Form::More),
            "why" => Self::Ask(Form::Why),
            "cause" => Self::Ask(Form::Cause { kind: None }),
            "learnt" => Self::Ask(Form::Learnt { what: None }),
            "resolve" => Self::Ask(Form::Resolve),
            "reopen" => Self::Ask(Form::Reopen),
            _ => return None,
        })
    }
}

impl Form {
    pub fn id(&self) -> &'static str {
        match self {
            Self::Declare { anyway: false, .. } => "declare",
            Self::Declare { anyway: true, .. } => "declare_anyway",
            Self::Roles { .. } => "assign_roles",
            Self::Severity => "severity",
            Self::Runbook => "runbook",
            Self::Update => "update",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Skip { .. } => "skip",
            Self::Notify(_) => "notify",
            Self::Look(_) => "look",
            Self::Task { .. } => "task",
            Self::More => "more",
            Self::Why => "why",
            Self::Cause { .. } => "cause",
            Self::Learnt { .. } => "learnt",
            Self::TriageAttach(_) => "triage_attach",
            Self::TriageSilence(_) => "triage_silence",
        }
    }

    /// What comes back with the answers: the incident, and what else they need.
    pub fn written(&self, incident: Option<&str>) -> String {
        let more = match self {
            Self::Declare { from, .. } => {
                return from.as_ref().and_then(|from| serde_json::to_string(from).ok()).unwrap_or_default();
            }
            // Ids of alerts may contain spaces, so they come last.
            Self::TriageAttach(card) | Self::TriageSilence(card) => {
                return format!("{} {} {}", card.channel, card.ts, card.alert);
            }
            Self::Skip { step } => step.to_string(),
            Self::Notify(whom) => whom.as_str().to_owned(),
            Self::Look(look) => look.as_str().to_owned(),
            Self::Roles { shown } => {
                let shown = shown.iter().map(|(role, person)| format!("{}:{person}", role.as_str()));
                shown.collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        };
        format!("{} {more}", incident.unwrap_or_default()).trim().to_owned()
    }

    /// Reads a form that was sent, and the number of its incident. `None` for a form from another version of Muster.
    pub fn read(id: &str, written: &str) -> Option<(Option<u64>, Self)> {
        let mut words = written.split_whitespace();
        let number = written.split_whitespace().next().and_then(incident::number);
        if number.is_some() {
            words.next();
        }
        let card = || {
            let mut parts = written.splitn(3, ' ').map(str::to_owned);
            Some(TriageCard { channel: parts.next()?.into(), ts: parts.next()?, alert: parts.next()? })
        };
        let form = match id {
            "declare" | "declare_anyway" => {
                Self::Declare { anyway: id == "declare_anyway", from: serde_json::from_str(written).ok() }
            }
            "assign_roles" => Self::Roles {
                shown: words
                    .filter_map(|shown| shown.split_once(':'))
                    .filter_map(|(role, person)| Some((Role::parse(role)?, person.into())))
                    .collect(),
            },
            "severity" => Self::Severity,
            "runbook" => Self::Runbook,
            "update" => Self::Update,
            "resolve" => Self::Resolve,
            "reopen" => Self::Reopen,
            "skip" => Self::Skip { step: words.next()?.parse().ok()? },
            "notify" => Self::Notify(Whom::parse(words.next()?)?),
            "look" => Self::Look(Look::parse(words.next()?)?),
            "task" => Self::Task { begun: String::new() },
            "more" => Self::More,
            "why" => Self::Why,
            "cause" => Self::Cause { kind: None },
            "learnt" => Self::Learnt { what: None },
            "triage_attach" => Self::TriageAttach(card()?),
            "triage_silence" => Self::TriageSilence(card()?),
            _ => return None,
        };
        Some((number, form))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forms() -> Vec<Form> {
        let card = TriageCard { channel: "C1".into(), ts: "1.2".into(), alert: "soda/orders are late".into() };
        let at = MessageRef { channel: "C1".into(), ts: "1.2".to_owned() };
        let from = Some(Box::new((at, "U1".into(), "orders\nare late".to_owned())));
        vec![
            Form::Declare { anyway: false, from: None },
            Form::Declare { anyway: true, from },
            Form::Roles { shown: vec![(Role::Commander, "U1".into()), (Role::Responder, "U2".into())] },
            Form::Severity,
            Form::Runbook,
            Form::Update,
            Form::Resolve,
            Form::Reopen,
            Form::Skip { step: 3 },
            Form::Notify(Whom::Upstream),
            Form::Look(Look::Code),
            Form::Task { begun: String::new() },
            Form::More,
            Form::Why,
            Form::Cause { kind: None },
            Form::Learnt { what: None },
            Form::TriageAttach(card.clone()),
            Form::TriageSilence(card),
        ]
    }

    #[test]
    fn a_form_comes_back_as_it_went() {
        let mut ids: Vec<_> = forms().iter().map(Form::id).collect();
        for form in forms() {
            let written = form.written(Some("INC-12"));
            let about_one = !matches!(form, Form::Declare { .. } | Form::TriageAttach(_) | Form::TriageSilence(_));
            assert_eq!(Form::read(form.id(), &written), Some((about_one.then_some(12), form)));
        }
        ids.sort_unstable();
        assert_eq!(ids, FORMS);
    }

    fn presses() -> Vec<Press> {
        let by_button = |form: &Form| Press::read(form.id(), "").is_some_and(|press| press == Press::Ask(form.clone()));
        let mut presses: Vec<_> = forms().into_iter().filter(by_button).map(Press::Ask).collect();
        presses.extend([
            Press::Acknowledge,
            Press::TakeCommand,
            Press::Take(Role::Scribe),
            Press::Leave(Role::Scribe),
            Press::AnswerHandover { request: "01J".to_owned(), accept: true },
            Press::AnswerHandover { request: "01J".to_owned(), accept: false },
            Press::Impact,
            Press::Remind(Some(15)),
            Press::Remind(None),
            Press::Subscribe,
            Press::Unsubscribe,
            Press::Judge(Verdict::Expected),
            Press::DraftPostmortem,
            Press::Review,
            Press::StepDone(2),
            Press::TaskDone(2),
            Press::TaskTake(2),
            Press::Ask(Form::Roles { shown: Vec::new() }),
            Press::Ask(Form::Skip { step: 3 }),
            Press::Ask(Form::Notify(Whom::Downstream)),
        ]);
        presses
    }

    #[test]
    fn a_button_comes_back_as_it_went() {
        let mut actions = vec![
            Action::Again { place: 2, line: "INC-1 take responder".to_owned() },
            Action::Declare { asset: None },
            Action::Declare { asset: Some("warehouse.orders".to_owned()) },
        ];
        actions.extend(presses().into_iter().map(|press| Action::On { incident: "INC-12".to_owned(), press }));
        let alert = "soda/orders are late".to_owned();
        actions.extend(Triage::ALL.into_iter().map(|what| Action::Triage { what, alert: alert.clone() }));
        let mut ids: Vec<String> = Vec::new();
        for action in actions {
            let (id, value) = action.written();
            ids.push(id.split(':').next().unwrap_or_default().to_owned());
            assert_eq!(Action::read(&id, &value), Some(action));
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, BUTTONS);
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_panics(id in "[a-z_:0-9]{0,30}", value in "\\PC{0,60}") {
            let _ = (Action::read(&id, &value), Form::read(&id, &value));
        }
    }
}
