//! What the outbox holds: effects of incidents, and errands for Muster itself. The names of entries and queues are made only here.

use serde::{Deserialize, Serialize};

use crate::domain::incident::MessageRef;
use crate::domain::{ChannelId, Effect, IncidentId, Lane, Time, Undelivered, UserId};
use crate::render::Button;
use crate::store::{Batch, Expect, Id, QueueName, Queued};

/// The id of an entry of the outbox.
pub type EntryId = Id<Entry>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub job: Job,
    pub at: Time,
    pub attempts: u32,
    /// Whether an earlier try may have succeeded, although no answer came.
    pub maybe_done: bool,
    pub last_error: Option<Undelivered>,
}

/// A job of the outbox. What is said of an incident is worded when it is sent. Only `Announce`, `Replace` and `Ephemeral` hold a rendered message:
/// they belong to no incident that could be asked again, and they are kept only until they are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Job {
    /// An effect of a decision about an incident.
    Of { uid: IncidentId, effect: Effect },
    /// Ask Slack for all people, one page of the list at a time.
    SyncPeople { cursor: Option<String> },
    /// Ask Slack which channels are shared with other workspaces, one page of the list at a time.
    SyncChannels { cursor: Option<String> },
    /// Ask Slack who somebody is.
    MeetPerson { id: UserId },
    /// Show assets below links to their pages.
    Unfurl { channel: ChannelId, ts: String, assets: std::collections::BTreeMap<String, String> },
    /// Put a message on the timeline that Muster did not receive: its own, or one from before it was in the channel.
    /// `event`: the event that announced it.
    Pin { message: crate::domain::incident::MessageRef, user: UserId, event: String },
    /// Decide again what becomes of a suppressed alert.
    Release { #[serde(rename = "held")] alert: String, at: Time },
    /// Resolve an alert that its monitor no longer repeats.
    Expire { source: String, key: String, since: Time, at: Time },
    /// Check whether a heartbeat is late.
    /// `watch`: the start of the process that watches it. Watches of earlier starts end.
    CheckBeat { source: String, name: String, at: Time, #[serde(default)] watch: String },
    /// Show somebody the app's home.
    PublishHome { user: UserId, session: String, at: Time },
    /// Read who is in a user group or on a schedule, again and again.
    /// `id`: `S…` of Slack, or `P…` of PagerDuty.
    ReadRoster { id: String, at: Time, turn: bool },
    /// Post something that belongs to no incident.
    /// `channel`: where. If there is none, in the announcement channel.
    /// `markdown`: the text, in Markdown.
    Announce { channel: Option<String>, markdown: String, buttons: Vec<Button>, asks: Option<String> },
    /// Replace such a message.
    /// `markdown`: the new text, in Markdown.
    Replace { channel: ChannelId, ts: String, markdown: String },
    /// Confirm a subscription of SNS after its message was verified.
    Confirm { url: String },
    /// Tell something only to the person who pressed a button. Slack does not show the HTTP answer to a press.
    /// `markdown`: the text, in Markdown.
    #[serde(rename = "whisper")]
    Ephemeral { channel: ChannelId, user: UserId, markdown: String, #[serde(default)] buttons: Vec<Button> },
}

impl EntryId {
    /// An effect of a decision. The incident's version grows with every commit, so these sort in the order of decisions.
    pub fn decided(uid: &IncidentId, ver: u64, index: usize) -> Self {
        Self::new(format!("{uid}/{ver:010}.{index:04}"))
    }

    /// An effect that shows an incident's present state. Each kind has one, after all decided effects. The most visible comes first.
    pub fn present(uid: &IncidentId, effect: &Effect) -> Self {
        let place = match effect {
            Effect::ShowCard => 'a',
            Effect::ShowTopic => 'b',
            Effect::ShowAnnouncement => 'c',
            _ => 'd',
        };
        Self::new(format!("{uid}/~{place}-{}", effect.name()))
    }

    /// The same effect again, after everything decided so far.
    pub fn behind(uid: &IncidentId, fresh: &str) -> Self {
        Self::new(format!("{uid}/~{fresh}"))
    }

    /// An errand that is never looked up by its name.
    pub fn fresh(fresh: &str) -> Self {
        Self::new(format!("t-{fresh}"))
    }

    /// Asking Slack for all shared channels. At most one of this errand waits at a time. The same is true of each errand below.
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

    /// Reading a roster. Two names take turns, since an entry cannot follow itself in one commit.
    pub fn roster(id: &str, turn: bool) -> Self {
        Self::new(format!("roster-{id}-{}", if turn { "b" } else { "a" }))
    }

    /// Showing assets below the links of a message.
    pub fn unfurl(channel: &ChannelId, ts: &str) -> Self {
        Self::new(format!("unfurl-{channel}-{ts}"))
    }

    /// Putting a message on the timeline.
    pub fn pin(message: &MessageRef) -> Self {
        Self::new(format!("pin-{}-{}", message.channel, message.ts))
    }

    /// Showing somebody the app's home that they opened in this session.
    pub fn home(person: &UserId, session: &str) -> Self {
        Self::new(format!("home-{person}-{session}"))
    }

    /// Checking it again at this time.
    pub fn home_again(person: &UserId, session: &str, at: Time) -> Self {
        Self::new(format!("home-{person}-{session}-{}", at.timestamp()))
    }
}

impl Entry {
    /// An entry that was not tried yet.
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

    /// The queue where it waits under this id, and from when.
    fn place(&self, id: &EntryId, now: Time) -> Queued {
        let queue = |lane: Lane, of: &str| QueueName::new(lane.as_str(), of);
        let (queue, due) = match self {
            // A timer waits for its own time and for nothing else.
            Self::Of { uid, effect: Effect::Remind { at, .. } | Effect::LookAgain { at } } => {
                (queue(Lane::Timer, &format!("{uid}/{id}")), *at)
            }
            // Only one look at the lineage at a time. It shows the present.
            Self::Of { uid, effect: Effect::Assess } => (queue(Lane::Timer, &format!("{uid}/assess")), now),
            // One person is told at once, whatever the channel waits for.
            Self::Of { uid, effect: Effect::Direct { person, .. } } => {
                (queue(Lane::Slack, &format!("{uid}/{person}")), now)
            }
            // Messages to people outside wait for nobody else. Nobody in the incident's channel waits for them.
            Self::Of { uid, effect: effect @ (Effect::Tell { recipient, .. } | Effect::Mail { recipient, .. }) } => {
                (queue(effect.lane(), &format!("{uid}/{}", recipient.key)), now)
            }
            Self::Of { uid, effect } => (queue(effect.lane(), uid), now),
            // Errands wait only for themselves and for their time.
            Self::ReadRoster { at, .. }
            | Self::PublishHome { at, .. }
            | Self::Release { at, .. }
            | Self::Expire { at, .. }
            | Self::CheckBeat { at, .. } => (queue(self.lane(), &format!("-{id}")), *at),
            errand => (queue(errand.lane(), &format!("-{id}")), now),
        };
        Queued { queue, due: due.timestamp_millis() }
    }

    /// The queue where a failed effect of this kind waits aside.
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
impl Batch {
    /// Puts a job into the outbox under an id. If the id is there already, nothing happens: the batch was done before.
    pub fn enqueue(&mut self, id: &EntryId, job: Job, now: Time) {
        let place = job.place(id, now);
        self.enqueue_at(id, job, now, place);
    }

    /// The same, for a moment.
    pub fn enqueue_for(&mut self, id: &EntryId, job: Job, now: Time, due: Time) {
        let place = Queued { due: due.timestamp_millis(), ..job.place(id, now) };
        self.enqueue_at(id, job, now, place);
    }

    fn enqueue_at(&mut self, id: &EntryId, job: Job, now: Time, place: Queued) {
        self.queue(id, Expect::Absent, place, &Entry::new(job, now));
        self.counts_once(id);
    }

    /// Puts a job into the outbox for a moment, unless a job with this id waits there and was not started.
    pub fn enqueue_present(&mut self, id: &EntryId, job: Job, now: Time, due: Time) {
        let place = Queued { due: due.timestamp_millis(), ..job.place(id, now) };
        self.ensure(id, place, &Entry::new(job, now));
    }

    /// Puts an entry back if it still has this version. Otherwise another worker has it or has finished it.
    pub fn put_back(&mut self, id: &EntryId, ver: u64, entry: &Entry, queue: QueueName, due: Time) {
        self.queue(id, Expect::Ver(ver), Queued { queue, due: due.timestamp_millis() }, entry);
        self.counts_once(id);
    }
}
