//! Who may do what. One table lists what each standing may do, and denies the rest. The operator's rules can only take more away.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Principal;

/// What a command does, as the permission table knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Read,
    Declare,
    Receive,
    Acknowledge,
    Take,
    Assign,
    AnswerHandover,
    Severity,
    Update,
    Note,
    Runbook,
    Stamp,
    Task,
    Page,
    Status,
    Postmortem,
    Notify,
    Triage,
    PagerSays,
    Outcome,
}

impl Verb {
    #[rustfmt::skip]
    pub const ALL: [Self; 20] = [
        Self::Read, Self::Declare, Self::Receive, Self::Acknowledge, Self::Take, Self::Assign, Self::AnswerHandover,
        Self::Severity, Self::Update, Self::Note, Self::Runbook, Self::Stamp, Self::Task, Self::Page, Self::Status,
        Self::Postmortem, Self::Notify, Self::Triage, Self::PagerSays, Self::Outcome,
    ];

    /// The verbs that people can be allowed or denied, in the order of the work.
    pub fn of_people() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|verb| allowed(Standing::Member, *verb))
    }

    /// Whether it is about one incident.
    pub fn is_about_an_incident(self) -> bool {
        !matches!(self, Self::Declare | Self::Read | Self::Triage)
    }

    /// The verb in a sentence: "guests cannot …".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read incidents",
            Self::Declare => "declare an incident",
            Self::Receive => "send alerts",
            Self::Acknowledge => "acknowledge an incident",
            Self::Take => "take a role",
            Self::Assign => "assign roles",
            Self::AnswerHandover => "answer for the commander",
            Self::Severity => "change the severity",
            Self::Update => "post updates",
            Self::Note => "write on the timeline",
            Self::Runbook => "work on the runbook",
            Self::Stamp => "record times and fixes",
            Self::Task => "add or finish tasks",
            Self::Page => "page people",
            Self::Status => "change the status",
            Self::Postmortem => "draft the post-mortem",
            Self::Notify => "tell owners and consumers",
            Self::Triage => "silence alerts or decide what becomes of them",
            Self::PagerSays => "speak for PagerDuty",
            Self::Outcome => "report outcomes",
        }
    }
}

/// Which members may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Every member of the workspace.
    #[default]
    Everyone,
    /// The people and groups of `[permissions] team`.
    Team,
    /// Everybody who has a role in the incident.
    Responders,
    /// The commander of the incident.
    Commander,
    /// The people and groups of `[permissions] admins`, who may do everything.
    Admins,
}

impl Who {
    /// In a sentence: "only … may".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "every member of the workspace",
            Self::Team => "the data team",
            Self::Responders => "whoever has a role in the incident",
            Self::Commander => "the commander of the incident",
            Self::Admins => "admins",
        }
    }

    /// Whether it depends on an incident.
    pub fn needs_incident(self) -> bool {
        matches!(self, Self::Responders | Self::Commander)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Who may do what. Everyone may do what is not listed here.
    pub rules: BTreeMap<Verb, Who>,
    /// Who may do everything.
    pub admins: Vec<Principal>,
    pub team: Vec<Principal>,
}

impl Permissions {
    pub fn who(&self, verb: Verb) -> Who {
        self.rules.get(&verb).copied().unwrap_or_default()
    }
}

/// What Muster knows about the person who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A full member of our workspace.
    Member,
    /// A guest of our workspace (single- or multi-channel).
    Guest,
    /// Somebody from another workspace in a shared channel.
    Stranger,
    /// Deactivated, or a bot.
    Barred,
    /// A member of our workspace, but Slack has not said yet what kind.
    Unknown,
    Monitor,
    /// PagerDuty, after its signature was checked.
    Pager,
    Muster,
}

impl Standing {
    pub const ALL: [Self; 8] = [
        Self::Member,
        Self::Guest,
        Self::Stranger,
        Self::Barred,
        Self::Unknown,
        Self::Monitor,
        Self::Pager,
        Self::Muster,
    ];
}

pub fn allowed(standing: Standing, verb: Verb) -> bool {
    match standing {
        Standing::Member => !matches!(verb, Verb::Receive | Verb::PagerSays | Verb::Outcome),
        Standing::Guest => matches!(verb, Verb::Read),
        Standing::Stranger | Standing::Barred | Standing::Unknown => false,
        Standing::Monitor => matches!(verb, Verb::Receive),
        Standing::Pager => matches!(verb, Verb::PagerSays),
        Standing::Muster => matches!(verb, Verb::Outcome | Verb::Runbook),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, with one line for each standing, so that a change of any cell shows here.
    #[test]
    fn the_table_is_this() {
        let row = |standing| {
            Verb::ALL
                .into_iter()
                .filter(|verb| allowed(standing, *verb))
                .map(|verb| format!("{verb:?}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            row(Standing::Member),
            "Read Declare Acknowledge Take Assign AnswerHandover Severity Update Note Runbook Stamp Task Page Status Postmortem Notify Triage"
        );
        assert_eq!(row(Standing::Guest), "Read");
        assert_eq!(row(Standing::Stranger), "");
        assert_eq!(row(Standing::Barred), "");
        assert_eq!(row(Standing::Unknown), "");
        assert_eq!(row(Standing::Monitor), "Receive");
        assert_eq!(row(Standing::Pager), "PagerSays");
        assert_eq!(row(Standing::Muster), "Runbook Outcome");
    }
}
