//! What the outbox holds: an incident's effect, or an errand of Muster's own.

use serde::{Deserialize, Serialize};

use crate::domain::{Effect, Lane, Time};
use crate::messages::Button;
use crate::store::{Expect, Kind, Op, Queued};

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of this record's shape.
    pub v: u32,
    /// What is to be done.
    pub job: Job,
    /// When it was decided.
    pub at: Time,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether a try may have been done although no answer came.
    pub maybe_done: bool,
    /// What the last try ran into.
    pub last_error: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// An effect of a decision about an incident.
    Of {
        /// The incident.
        uid: String,
        /// The effect.
        effect: Effect,
    },
    /// Ask Slack for everybody, a page at a time.
    SyncPeople {
        /// Where the next page begins.
        cursor: Option<String>,
    },
    /// Ask Slack which channels are shared with other workspaces, a page at a time.
    SyncChannels {
        /// Where the next page begins.
        cursor: Option<String>,
    },
    /// Ask Slack who somebody is.
    MeetPerson {
        /// The Slack id.
        id: String,
    },
    /// Show assets below links to their pages.
    Unfurl {
        /// Where.
        channel: String,
        /// In which message.
        ts: String,
        /// The asset of each link.
        assets: std::collections::BTreeMap<String, String>,
    },
    /// Put a message on the timeline that Muster has not heard itself: its own, or one of before it was in the channel.
    Pin {
        /// Which.
        message: crate::domain::incident::MessageRef,
        /// Who wants it there.
        user: String,
        /// The event that said so.
        event: String,
    },
    /// Place a held alert anew.
    Release {
        /// Its id.
        held: String,
        /// When.
        at: Time,
    },
    /// Take an alert for over that nobody repeated.
    Expire {
        /// Whose.
        source: String,
        /// Which.
        key: String,
        /// When it fired.
        since: Time,
        /// When.
        at: Time,
    },
    /// Look whether a heartbeat is late.
    CheckBeat {
        /// Whose.
        source: String,
        /// Which.
        name: String,
        /// When.
        at: Time,
        /// Since which start it is watched; the watch of an earlier one ends.
        #[serde(default)]
        watch: String,
    },
    /// Show somebody the app's home.
    PublishHome {
        /// To whom.
        user: String,
        /// Tells this opening from others.
        session: String,
        /// When.
        at: Time,
    },
    /// Read who is in a user group or on a schedule, again and again.
    ReadRoster {
        /// `S…` of Slack, or `P…` of PagerDuty.
        id: String,
        /// When.
        at: Time,
        /// Tells this reading from the next.
        turn: bool,
    },
    /// Post something that belongs to no incident.
    Announce {
        /// Where; in the announcement channel without.
        channel: Option<String>,
        /// What, Markdown.
        markdown: String,
        /// With these buttons below it.
        buttons: Vec<Button>,
        /// The held alert that it asks people about.
        #[serde(default)]
        asks: Option<String>,
    },
    /// Replace such a message.
    Replace {
        /// Where.
        channel: String,
        /// Which.
        ts: String,
        /// By what, Markdown.
        markdown: String,
    },
    /// Confirm a subscription of SNS, whose message was verified.
    Confirm {
        /// Where.
        url: String,
    },
    /// Tell something to one person only, where they pressed a button: Slack shows nothing of the HTTP answer to a press.
    Whisper {
        /// Where.
        channel: String,
        /// To whom.
        user: String,
        /// What, Markdown.
        markdown: String,
        /// With these buttons below it.
        #[serde(default)]
        buttons: Vec<Button>,
    },
}

impl Job {
    /// The queue it goes through.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Of { effect, .. } => effect.lane(),
            Self::Release { .. } | Self::Expire { .. } | Self::CheckBeat { .. } => Lane::Timer,
            _ => Lane::Slack,
        }
    }

    /// The op that puts it into the outbox under a name; a name that is taken is a conflict.
    pub fn enqueue(self, name: &str, now: Time) -> Op {
        let (queue, due) = match &self {
            // A timer waits for its own time and for nothing else.
            Self::Of { uid, effect: Effect::Remind { at, .. } | Effect::LookAgain { at } } => {
                (format!("timer/{uid}/{name}"), *at)
            }
            // One look at the lineage after another; it shows the present.
            Self::Of { uid, effect: Effect::Assess } => (format!("timer/{uid}/assess"), now),
            // One person is told at once, whatever the channel waits for.
            Self::Of { uid, effect: Effect::Direct { person, .. } } => (format!("slack/{uid}/{person}"), now),
            // People outside wait for nobody else, and nobody in the incident's channel waits for them.
            Self::Of { uid, effect: effect @ (Effect::Tell { recipient, .. } | Effect::Mail { recipient, .. }) } => {
                (format!("{}/{uid}/{}", effect.lane().as_str(), recipient.key), now)
            }
            Self::Of { uid, effect } => (format!("{}/{uid}", effect.lane().as_str()), now),
            // Errands wait for nothing but themselves, and their time.
            Self::ReadRoster { at, .. } | Self::PublishHome { at, .. } => (format!("slack/-{name}"), *at),
            Self::Release { at, .. } | Self::Expire { at, .. } | Self::CheckBeat { at, .. } => {
                (format!("timer/-{name}"), *at)
            }
            errand => (format!("{}/-{name}", errand.lane().as_str()), now),
        };
        let entry = Entry { v: 1, job: self, at: now, attempts: 0, maybe_done: false, last_error: None };
        Op::Put {
            kind: Kind::Outbox,
            id: name.to_owned(),
            expect: Expect::Absent,
            queued: Some(Queued { queue, due: due.timestamp_millis() }),
            body: serde_json::to_value(entry).unwrap_or_default(),
        }
    }
}
