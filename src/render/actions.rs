//! Every button, form and shortcut, and how each one is encoded in what Slack sends back. The effect of a press is in `chat`. This file is on a
//! lower floor, because cards and messages carry the buttons.
//!
//! An id that was sent once is read as long as its message exists. So an id never gets another meaning.

use crate::domain::incident::Verdict;
use crate::domain::{Role, worded};

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
    /// Opens a form. The words say what it is about: a step, whom to tell.
    Ask(Form, String),
}

worded! {
    /// The decision on an alert that a person was asked about. Its words are the ids of its buttons.
    pub enum Triage {
        Open = "triage_open",
        Attach = "triage_attach",
        Silence = "triage_silence",
        Dismiss = "triage_dismiss",
    }
}

/// A form, by the id that comes back when it is sent. Its questions, and what its answers do, are in `chat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
#[rustfmt::skip]
pub enum Form {
    AssignRoles, Cause, Declare, DeclareAnyway, Learnt, Look, More, Notify, Reopen, Resolve, Runbook, Severity, Skip,
    Task, TriageAttach, TriageSilence, Update, Why,
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

impl Action {
    /// The id of the button, and the value that comes back with it.
    pub fn written(&self) -> (String, String) {
        match self {
            Self::Again { place, line } => (format!("again:{place}"), line.clone()),
            Self::Declare { asset } => ("declare".to_owned(), asset.clone().unwrap_or_else(|| "declare".to_owned())),
            Self::Triage { what, alert } => (what.as_str().to_owned(), alert.clone()),
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
        if let Some(what) = Triage::ALL.into_iter().find(|what| what.as_str() == id) {
            return Some(Self::Triage { what, alert: value.to_owned() });
        }
        let mut words = value.split_whitespace();
        let incident = words.next().unwrap_or_default().to_owned();
        Some(Self::On { incident, press: Press::read(id, words.next().unwrap_or_default())? })
    }
}

impl Press {
    /// Opens a form that is about nothing but the incident.
    pub fn ask(form: Form) -> Self {
        Self::Ask(form, String::new())
    }

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
            Self::Ask(Form::Skip, step) => format!("step_skip:{step}"),
            Self::Ask(form, words) => format!("{}:{words}", <&str>::from(form)).trim_end_matches(':').to_owned(),
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
            "step_skip" => Self::Ask(Form::Skip, of.to_owned()),
            _ => Self::Ask(what.parse().ok()?, of.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rustfmt::skip]
    fn presses() -> Vec<Press> {
        let forms = [
            Form::AssignRoles, Form::Cause, Form::Learnt, Form::More, Form::Reopen, Form::Resolve, Form::Runbook,
            Form::Severity, Form::Update, Form::Why,
        ];
        let mut presses: Vec<_> = forms.map(Press::ask).into();
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
            Press::Ask(Form::Skip, "3".to_owned()),
            Press::Ask(Form::Notify, "downstream".to_owned()),
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
            let _ = Action::read(&id, &value);
        }
    }
}
