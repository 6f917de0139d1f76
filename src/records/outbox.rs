//! What the outbox holds: effects of incidents, and errands for Muster itself. The names of entries and queues are made only here.

use serde::{Deserialize, Serialize};

use crate::domain::incident::MessageRef;
use crate::domain::{Effect, IncidentId, Lane, Time, UserId};
use crate::render::Button;
use crate::store::{Batch, Expect, Id, QueueName, Queued};

/// Which entry of the outbox.
pub type EntryId = Id<Entry>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub job: Job,
    pub at: Time,
    pub attempts: u32,
    /// Whether a try may have been done although no answer came.
    pub maybe_done: bool,
    pub last_error: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Job {
    /// An effect of a decision about an incident.
    Of { uid: IncidentId, effect: Effect },
    /// Ask Slack for everybody, a page at a time.
    SyncPeople { cursor: Option<String> },
    /// Ask Slack which channels are shared with other workspaces, a page at a time.
    SyncChannels { cursor: Option<String> },
    /// Ask Slack who somebody is.
    MeetPerson { id: UserId },
    /// Show assets below links to their pages.
    Unfurl { channel: String, ts: String, assets: std::collections::BTreeMap<String, String> },
    /// Put a message on the timeline that Muster has not heard itself: its own, or one of before it was in the channel.
    /// `event`: the event that said so.
    Pin { message: crate::domain::incident::MessageRef, user: UserId, event: String },
    /// Place a held alert anew.
    Release { held: String, at: Time },
    /// Take an alert for over that nobody repeated.
    Expire { source: String, key: String, since: Time, at: Time },
    /// Look whether a heartbeat is late.
    /// `watch`: since which start it is watched; the watch of an earlier one ends.
    CheckBeat { source: String, name: String, at: Time, #[serde(default)] watch: String },
    /// Show somebody the app's home.
    PublishHome { user: UserId, session: String, at: Time },
    /// Read who is in a user group or on a schedule, again and again.
    /// `id`: `S…` of Slack, or `P…` of PagerDuty.
    ReadRoster { id: String, at: Time, turn: bool },
    /// Post something that belongs to no incident.
    /// `channel`: where; in the announcement channel without.
    /// `markdown`: what, Markdown.
    Announce { channel: Option<String>, markdown: String, buttons: Vec<Button>, #[serde(default)] asks: Option<String> },
    /// Replace such a message.
    /// `markdown`: by what, Markdown.
    Replace { channel: String, ts: String, markdown: String },
    /// Confirm a subscription of SNS, whose message was verified.
    Confirm { url: String },
    /// Tell something to one person only, where they pressed a button: Slack shows nothing of the HTTP answer to a press.
    /// `markdown`: what, Markdown.
    #[serde(rename = "whisper")]
    Ephemeral { channel: String, user: UserId, markdown: String, #[serde(default)] buttons: Vec<Button> },
}

impl EntryId {
    /// An effect of a decision. The incident's version grows with every commit, so that these sort in the order of decisions.
    pub fn decided(uid: &IncidentId, ver: u64, index: usize) -> Self {
        Self::new(format!("{uid}/{ver:010}.{index:04}"))
    }

    /// What shows the present state of an incident: one for each kind, behind all that was decided; what people look at first comes first.
    pub fn present(uid: &IncidentId, effect: &Effect) -> Self {
        let place = match effect {
            Effect::ShowCard => 'a',
            Effect::ShowTopic => 'b',
            Effect::ShowAnnouncement => 'c',
            _ => 'd',
        };
        Self::new(format!("{uid}/~{place}-{}", effect.name()))
    }

    /// The same effect again, behind all that was decided until now.
    pub fn behind(uid: &IncidentId, fresh: &str) -> Self {
        Self::new(format!("{uid}/~{fresh}"))
    }

    /// An errand that nobody looks for by its name.
    pub fn fresh(fresh: &str) -> Self {
        Self::new(format!("t-{fresh}"))
    }

    /// Asking Slack for all channels that are shared. Of this errand, and of those below, one that waits is enough.
    pub fn sync_channels() -> Self {
        Self::new("sync-channels")
    }

    pub fn sync_people() -> Self {
        Self::new("sync-people")
    }

    /// Asking Slack who somebody is.
    pub fn meet(person: &UserId) -> Self {
        Self::new(format!("meet-{person}"))
    }

    /// Reading a roster; this and the next time take turns, since an entry cannot follow itself in one commit.
    pub fn roster(id: &str, turn: bool) -> Self {
        Self::new(format!("roster-{id}-{}", if turn { "b" } else { "a" }))
    }

    /// Showing assets below the links of a message.
    pub fn unfurl(channel: &str, ts: &str) -> Self {
        Self::new(format!("unfurl-{channel}-{ts}"))
    }

    /// Putting a message on the timeline.
    pub fn pin(message: &MessageRef) -> Self {
        Self::new(format!("pin-{}-{}", message.channel, message.ts))
    }

    /// Showing somebody the home that was opened in this session.
    pub fn home(person: &UserId, session: &str) -> Self {
        Self::new(format!("home-{person}-{session}"))
    }

    /// Looking at it again at this time.
    pub fn home_again(person: &UserId, session: &str, at: Time) -> Self {
        Self::new(format!("home-{person}-{session}-{}", at.timestamp()))
    }
}

impl Entry {
    /// An entry that nobody has tried.
    fn new(job: Job, at: Time) -> Self {
        Self { job, at, attempts: 0, maybe_done: false, last_error: None }
    }
}

impl Job {
    /// The lane it goes through.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Of { effect, .. } => effect.lane(),
            Self::Release { .. } | Self::Expire { .. } | Self::CheckBeat { .. } => Lane::Timer,
            _ => Lane::Slack,
        }
    }

    /// The queue it waits in under this id, and from when on.
    fn place(&self, id: &EntryId, now: Time) -> Queued {
        let queue = |lane: Lane, of: &str| QueueName::new(lane.as_str(), of);
        let (queue, due) = match self {
            // A timer waits for its own time and for nothing else.
            Self::Of { uid, effect: Effect::Remind { at, .. } | Effect::LookAgain { at } } => {
                (queue(Lane::Timer, &format!("{uid}/{id}")), *at)
            }
            // One look at the lineage after another; it shows the present.
            Self::Of { uid, effect: Effect::Assess } => (queue(Lane::Timer, &format!("{uid}/assess")), now),
            // One person is told at once, whatever the channel waits for.
            Self::Of { uid, effect: Effect::Direct { person, .. } } => {
                (queue(Lane::Slack, &format!("{uid}/{person}")), now)
            }
            // People outside wait for nobody else, and nobody in the incident's channel waits for them.
            Self::Of { uid, effect: effect @ (Effect::Tell { recipient, .. } | Effect::Mail { recipient, .. }) } => {
                (queue(effect.lane(), &format!("{uid}/{}", recipient.key)), now)
            }
            Self::Of { uid, effect } => (queue(effect.lane(), uid), now),
            // Errands wait for nothing but themselves, and their time.
            Self::ReadRoster { at, .. }
            | Self::PublishHome { at, .. }
            | Self::Release { at, .. }
            | Self::Expire { at, .. }
            | Self::CheckBeat { at, .. } => (queue(self.lane(), &format!("-{id}")), *at),
            errand => (queue(errand.lane(), &format!("-{id}")), now),
        };
        Queued { queue, due: due.timestamp_millis() }
    }

    /// Where what steps aside waits with others of its kind.
    pub fn aside(&self) -> Option<QueueName> {
        match self {
            Self::Of { uid, effect } if effect.steps_aside() => {
                Some(QueueName::new(effect.lane().as_str(), &format!("{uid}/{}", effect.name())))
            }
            _ => None,
        }
    }
}

/// Putting things into the outbox.
pub trait Outbox {
    /// Puts a job into the outbox under an id. One that is there already is enough: then the batch was done before.
    fn enqueue(&mut self, id: &EntryId, job: Job, now: Time);

    /// Puts a job into the outbox for a moment, unless one of this id waits there that nobody has begun with.
    fn enqueue_present(&mut self, id: &EntryId, job: Job, now: Time, due: Time);

    /// Puts an entry back, if it is still of this version: else somebody else has it, or has ended it.
    fn put_back(&mut self, id: &EntryId, ver: u64, entry: &Entry, queue: QueueName, due: Time);
}

impl Outbox for Batch {
    fn enqueue(&mut self, id: &EntryId, job: Job, now: Time) {
        let place = job.place(id, now);
        self.queue(id, Expect::Absent, place, &Entry::new(job, now));
        self.counts_once(id);
    }

    fn enqueue_present(&mut self, id: &EntryId, job: Job, now: Time, due: Time) {
        let place = Queued { due: due.timestamp_millis(), ..job.place(id, now) };
        self.ensure(id, place, &Entry::new(job, now));
    }

    fn put_back(&mut self, id: &EntryId, ver: u64, entry: &Entry, queue: QueueName, due: Time) {
        self.queue(id, Expect::Ver(ver), Queued { queue, due: due.timestamp_millis() }, entry);
        self.counts_once(id);
    }
}
