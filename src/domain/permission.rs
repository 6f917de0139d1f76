//! Who may do what. One table lists what each standing may do, and denies the rest. The operator's rules can only take more away.
//! `Command::verb` says which of these verbs a command needs: to resolve is to change the status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Principal;
use crate::domain::worded;

worded! {
    /// What a command does, as the permission table knows it. Its words fit into "guests cannot …".
    pub enum Verb {
        Read = "read incidents",
        Declare = "declare an incident",
        Receive = "send alerts",
        Acknowledge = "acknowledge an incident",
        Take = "take a role",
        Assign = "assign roles",
        AnswerHandover = "answer for the commander",
        Severity = "change the severity",
        Update = "post updates",
        Note = "write on the timeline",
        Runbook = "work on the runbook",
        Stamp = "record times and fixes",
        Task = "add or finish tasks",
        Page = "page people",
        Status = "change the status",
        Postmortem = "draft the post-mortem",
        Notify = "tell owners and consumers",
        Triage = "silence alerts or decide what becomes of them",
        PagerSays = "speak for PagerDuty",
        Deliver = "report deliveries",
    }
}

impl Verb {
    /// The verbs that people can be allowed or denied, in the order of the work.
    pub fn of_people() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|verb| allowed(Standing::Member, *verb))
    }

    /// Whether it is about one incident.
    pub fn is_about_an_incident(self) -> bool {
        !matches!(self, Self::Declare | Self::Read | Self::Triage)
    }
}

worded! {
    /// Which members may do something. Its words fit into "only … may".
    #[derive(Default)]
    pub enum Who {
        #[default]
        Everyone = "every member of the workspace",
        /// The people and groups of `[permissions] team`.
        Team = "the data team",
        /// Everybody who has a role in the incident.
        Responders = "whoever has a role in the incident",
        Commander = "the commander of the incident",
        /// The people and groups of `[permissions] admins`, who may do everything.
        Admins = "admins",
    }
}

impl Who {
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
    /// Nobody whom Slack knows in our workspace.
    Unknown,
    /// Slack has not answered who this is.
    Unanswered,
    Monitor,
    /// PagerDuty, after its signature was checked.
    Pager,
    Muster,
}

impl Standing {
    #[rustfmt::skip]
    pub const ALL: [Self; 9] = [
        Self::Member, Self::Guest, Self::Stranger, Self::Barred, Self::Unknown, Self::Unanswered, Self::Monitor, Self::Pager,
        Self::Muster,
    ];
}

pub fn allowed(standing: Standing, verb: Verb) -> bool {
    match standing {
        Standing::Member => !matches!(verb, Verb::Receive | Verb::PagerSays | Verb::Deliver),
        Standing::Guest => matches!(verb, Verb::Read),
        Standing::Stranger | Standing::Barred | Standing::Unknown | Standing::Unanswered => false,
        Standing::Monitor => matches!(verb, Verb::Receive),
        Standing::Pager => matches!(verb, Verb::PagerSays),
        Standing::Muster => matches!(verb, Verb::Deliver | Verb::Runbook),
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
        assert_eq!(row(Standing::Unanswered), "");
        assert_eq!(row(Standing::Monitor), "Receive");
        assert_eq!(row(Standing::Pager), "PagerSays");
        assert_eq!(row(Standing::Muster), "Runbook Deliver");
    }
}
