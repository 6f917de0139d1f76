//! What must be done outside Muster, as values. They are stored in the commit that decided on them, and `delivery` carries them out.

use serde::{Deserialize, Serialize};

use super::incident::Recipient;
pub use super::notice::Notice;
use super::{Actor, ChannelId, Command, Event, IncidentId, Principal, UserId};
use crate::domain::worded;

worded! {
    /// Queues that never wait for each other. Its words are in ids and metrics.
    pub enum Lane {
        /// To PagerDuty. It is retried for ever.
        Page = "page",
        /// To Slack, in order within an incident.
        Slack = "slack",
        Mail = "mail",
        /// To Muster itself, at a later time.
        Timer = "timer",
    }
}

/// One thing that must be done outside Muster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type", rename_all = "snake_case")]
#[rustfmt::skip]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Page a target under this key.
    /// `target`: a service's name or a person.
    Page { key: String, target: String, text: super::reason::PageText },
    /// Tell PagerDuty that somebody has acknowledged it.
    AcknowledgePage { key: String, target: String },
    /// Tell PagerDuty that it is over.
    ResolvePage { key: String, target: String },
    /// Move the firing alerts, and the people who were told, to the incident that this one was merged into.
    MoveAlerts { into: IncidentId },
    /// Move an alert to the incident that somebody says it belongs to.
    /// `into`: the incident's uid. If there is none, a new incident.
    PlaceAlert { signal: Box<super::Signal>, into: Option<IncidentId>, because: super::reason::JoinReason },
    /// Count a verdict for the monitors of its alerts.
    CountVerdict { verdict: super::incident::Verdict, before: Option<super::incident::Verdict> },
    /// Check whether alerts that were only here because of an asset upstream still fire now that it is mended.
    LookAgain { at: super::Time },
    OpenChannel,
    /// Work in an existing channel.
    LinkChannel { channel: ChannelId, by: UserId },
    ArchiveChannel { channel: ChannelId },
    /// Tell one person something about the incident, directly.
    Direct { person: UserId, event: Box<Event> },
    /// Bring people into the channel.
    Invite { people: Vec<Principal> },
    /// Update the channel's topic.
    ShowTopic,
    /// Tell somebody who got a role what they have to do now.
    Brief { person: UserId, role: super::Role },
    /// Add or remove a reaction on a message. It shows that the message is on the timeline.
    /// `on`: add it if true, remove it if false.
    Mark { message: super::incident::MessageRef, on: bool },
    /// Post the card, or update it.
    ShowCard,
    /// Post the line in the announcement channel, or update it.
    ShowAnnouncement,
    /// Post the checklist, or update it.
    ShowChecklist,
    /// Make one of the incident's messages easy to find: the card with a pin, the checklist with a bookmark.
    Pin { slot: super::incident::Slot },
    /// `url`: its target. Always `https`, or `http` for a sandbox.
    Bookmark { title: String, url: String },
    /// Say in the channel that something happened.
    Say { event: Box<Event>, actor: Actor },
    /// Ask the lineage where the incident started and what it reaches.
    Assess,
    /// Draw the lineage and post the picture, if it shows something new.
    ShowPicture,
    /// Tell somebody outside in Slack.
    Tell { recipient: Recipient, notice: Notice },
    /// Tell somebody outside by e-mail.
    Mail { recipient: Recipient, notice: Notice },
    /// Write the post-mortem draft and post it as a file.
    PostPostmortem,
    /// Run this command at a later time.
    Remind { command: Box<Command>, at: super::Time },
}

impl Effect {
    /// The queue it goes through.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Page { .. } | Self::AcknowledgePage { .. } | Self::ResolvePage { .. } => Lane::Page,
            Self::Remind { .. } | Self::Assess => Lane::Timer,
            Self::LookAgain { .. } | Self::CountVerdict { .. } | Self::MoveAlerts { .. } | Self::PlaceAlert { .. } => {
                Lane::Timer
            }
            Self::Mail { .. } => Lane::Mail,
            _ => Lane::Slack,
        }
    }

    /// Whether a later one of the same kind replaces this one, because it shows the state at the time when it is carried out.
    pub fn shows_present_state(&self) -> bool {
        matches!(
            self,
            Self::ShowTopic
                | Self::ShowCard
                | Self::ShowAnnouncement
                | Self::ShowChecklist
                | Self::ShowPicture
                | Self::Assess
        )
    }

    /// Whether no later message in the channel depends on it. If it fails for now, it waits aside and does not hold up the others.
    pub fn steps_aside(&self) -> bool {
        match self {
            Self::Invite { .. } | Self::ShowTopic | Self::ShowAnnouncement | Self::ShowPicture => true,
            Self::Bookmark { .. } | Self::PostPostmortem | Self::ArchiveChannel { .. } => true,
            other => other.is_best_effort(),
        }
    }

    /// Whether nobody needs to be told if it cannot be done.
    pub fn is_best_effort(&self) -> bool {
        matches!(self, Self::Pin { .. } | Self::Mark { .. } | Self::Brief { .. })
    }

    /// The name of its kind, as it is stored: `show_card`.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// The word for a channel that could not be made, when the incident lives in a thread.
pub const OWN_CHANNEL: &str = "own_channel";
