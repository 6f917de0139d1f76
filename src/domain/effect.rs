//! What the outside must do, as values. They are stored in the commit that decided on them and carried out by `delivery`.

use serde::{Deserialize, Serialize};

use super::{Actor, Command, Event, PersonId};

/// Queues that never wait for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// To PagerDuty. Retried for ever.
    Page,
    /// To Slack, in order within an incident.
    Slack,
    /// To ourselves, at a later time.
    Timer,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Page, Self::Slack, Self::Timer];

    /// The word in ids and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Slack => "slack",
            Self::Timer => "timer",
        }
    }
}

/// One thing to be done outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Page a target under this key.
    Page {
        /// Makes a repeat the same page.
        key: String,
        /// A service's name or a person.
        target: String,
        /// What it says.
        text: String,
    },
    /// Tell PagerDuty that somebody has it.
    AcknowledgePage {
        /// Which.
        key: String,
        /// Whom it was for.
        target: String,
    },
    /// Tell PagerDuty that it is over.
    ResolvePage {
        /// Which.
        key: String,
        /// Whom it was for.
        target: String,
    },
    /// Make the incident's channel.
    OpenChannel,
    /// Bring people into the channel.
    Invite {
        /// Who.
        people: Vec<PersonId>,
    },
    /// Make the channel's topic true.
    ShowTopic,
    /// Post the card, or make it true.
    ShowCard,
    /// Post the line in the announcement channel, or make it true.
    ShowAnnouncement,
    /// Post the checklist, or make it true.
    ShowChecklist,
    /// Add a bookmark to the channel.
    Bookmark {
        /// Its name.
        title: String,
        /// Where it leads; always `https`, or `http` for a sandbox.
        url: String,
    },
    /// Say in the channel that something happened.
    Say {
        /// What.
        event: Box<Event>,
        /// Who did it.
        actor: Actor,
    },
    /// Write the post-mortem draft and post it as a file.
    PostPostmortem,
    /// Come back with this command at a later time.
    Remind {
        /// The command.
        command: Box<Command>,
        /// When.
        at: super::Time,
    },
}

impl Effect {
    /// The queue it goes through.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Page { .. } | Self::AcknowledgePage { .. } | Self::ResolvePage { .. } => Lane::Page,
            Self::Remind { .. } => Lane::Timer,
            _ => Lane::Slack,
        }
    }

    /// Whether a later one of the same kind makes this one needless: it shows the state as it is when it is carried out.
    pub fn shows_present_state(&self) -> bool {
        matches!(self, Self::ShowTopic | Self::ShowCard | Self::ShowAnnouncement | Self::ShowChecklist)
    }

    /// What it is, for people who read about a delivery that failed.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Page { .. } => "a page",
            Self::AcknowledgePage { .. } => "the acknowledgement of a page",
            Self::ResolvePage { .. } => "the end of a page",
            Self::OpenChannel => "the incident's channel",
            Self::Invite { .. } => "an invitation to the channel",
            Self::ShowTopic => "the channel's topic",
            Self::ShowCard => "the incident's card",
            Self::ShowAnnouncement => "the announcement",
            Self::ShowChecklist => "the runbook's checklist",
            Self::Bookmark { .. } => "a bookmark",
            Self::Say { .. } => "a message",
            Self::PostPostmortem => "the post-mortem draft",
            Self::Remind { .. } => "a reminder",
        }
    }
}
