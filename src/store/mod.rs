//! FLOOR 1. Where everything is kept: typed records, one commit for all that belongs together, and the engines behind it.
//!
//! A [`Record`] says its kind, its shape and how old shapes are read; an [`Id`] says which record of a type is meant. A [`Batch`] is a list of
//! steps of which all happen or none, durable before it is answered. Secondary indexes, dedup keys, timers and outbox entries are records in
//! the same batch. What the records mean is not known here: `records` has the table.
//!
//! An [`Engine`] keeps text under ids. It tells one [`Follower`] of every committed change, in the order of the commits, before anybody who
//! waits for the commit has the answer; so what is held in memory is never behind what was answered, whoever hangs up meanwhile.

mod batch;
mod codec;
mod committer;
mod journal;
mod mark;
mod memory;
mod memtable;
pub mod postgres;
mod queues;
mod record;
mod room;
mod round;
pub mod sled;
pub mod transfer;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use batch::Batch;
pub use committer::Committed;
pub use memory::MemoryEngine;
pub use record::{Id, Page, Range, Rec, Record, Typed};

/// Milliseconds since 1970, UTC.
pub type Millis = i64;

/// The kinds: each with its byte in an embedded store and its name in exports and databases, neither of which ever changes, and with the
/// newest shape of what is kept under it.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $byte:literal $name:literal shape $shape:literal,)*) => {
        /// What a record is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $kind = $byte,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name in exports and databases.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// The newest shape that this Muster writes and reads.
            pub const fn shape(self) -> u32 {
                match self {
                    $(Self::$kind => $shape,)*
                }
            }
        }

        /// Counts the shapes of all kinds: another shape or another kind makes it larger. A store remembers it, so that an older Muster
        /// does not open what it could not read.
        pub const EDITION: u32 = 0 $(+ $shape)*;
    };
}

kinds! {
    /// Counters, and what Muster knows of its workspace.
    Meta = b'0' "meta" shape 2,
    /// Incidents, by uid.
    Incident = b'I' "incident" shape 2,
    /// uid by number, newest first.
    Number = b'N' "number" shape 1,
    /// uid of open incidents, by number, newest first.
    Open = b'o' "open" shape 1,
    /// uid by asset and number, newest first.
    ByAsset = b'b' "by_asset" shape 1,
    /// Timeline entries, by uid and place.
    Timeline = b'T' "timeline" shape 3,
    /// Alerts, by uid and alert id.
    Alert = b'A' "alert" shape 2,
    /// The incident and alert of a source's key.
    AlertKey = b'K' "alert_key" shape 1,
    /// The incident of an asset.
    Asset = b'a' "asset" shape 1,
    /// Tasks, by uid and number.
    Task = b't' "task" shape 1,
    /// Messages of incidents' channels, by uid and timestamp.
    Message = b'm' "message" shape 1,
    /// uid by Slack channel.
    Channel = b'c' "channel" shape 1,
    /// Pinned messages, by channel and timestamp.
    Pin = b'p' "pin" shape 1,
    /// What the outside must do.
    Outbox = b'O' "outbox" shape 3,
    /// What was given up.
    Dead = b'D' "dead" shape 3,
    /// Deliveries seen, by day.
    Delivery = b'd' "delivery" shape 1,
    /// People of the workspace.
    Person = b'P' "person" shape 1,
    /// Assets of the catalog, by the name that people see.
    Catalog = b'n' "catalog" shape 1,
    /// What happened to an asset lately, by its name.
    Changes = b'h' "changes" shape 1,
    /// Which columns an asset's columns are made of, by its name.
    Columns = b'l' "columns" shape 1,
    /// uid of incidents that an asset was the root of, by asset and number.
    RootOf = b'r' "root_of" shape 1,
    /// Who was told of an incident, by uid and key.
    Notification = b'u' "told" shape 1,
    /// Which assets a commit of the catalog changed, by its number.
    CatalogLog = b'g' "catalog_log" shape 1,
    /// What a check is about, by the check's own id.
    Check = b'k' "check" shape 1,
    /// What monitors posted, many bodies in a block, compressed, by the time the block was begun.
    Received = b'R' "received" shape 3,
    /// Alerts that open nothing yet, by source and key.
    SuppressedAlert = b'e' "held" shape 1,
    /// Silences, by number.
    Silence = b's' "silence" shape 1,
    /// When a heartbeat was last heard, by source and name.
    Heartbeat = b'B' "heartbeat" shape 1,
    /// What people said of a monitor's alerts, by source and key.
    Verdict = b'V' "verdict" shape 1,
    /// Who is in a user group or on a schedule, by its id.
    Roster = b'q' "roster" shape 1,
    /// Who wants to hear of incidents of an asset or team, by that and by who it is.
    Subscription = b'U' "subscription" shape 1,
    /// What somebody has to do: roles in open incidents, and open tasks; by person, then by incident, newest first.
    Mine = b'w' "mine" shape 1,
    /// uid of incidents whose post-mortem was reviewed, by when, newest first.
    Reviewed = b'v' "reviewed" shape 1,
    /// When an alert came and went, by source and key; from the second time on.
    Flap = b'f' "flap" shape 1,
    /// uid of incidents that are over, by when they ended, the latest first.
    Ended = b'z' "ended" shape 1,
}

/// The name of a queue: its lane, and what waits for one another in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueName(String);

impl QueueName {
    /// The queue of a lane for what belongs together.
    pub fn new(lane: &str, of: &str) -> Self {
        Self(format!("{lane}/{of}"))
    }

    /// The lane that it is in.
    pub fn lane(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(lane, _)| lane)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The queue of this text, as an engine keeps it.
    pub(crate) fn stored(name: String) -> Self {
        Self(name)
    }
}

/// A record's place in a queue. Only the first record of a queue (the smallest id) can be claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The queue.
    pub queue: QueueName,
    /// Not before this.
    pub due: Millis,
}

/// A record as an engine keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// What it is.
    pub kind: Kind,
    /// Its id, unique in its kind; ids sort bytewise.
    pub id: String,
    /// Counts its changes, from 1.
    pub ver: u64,
    /// Its place in a queue, if it has one.
    pub queued: Option<Queued>,
    /// How often it was claimed since it was last put.
    pub claims: u32,
    /// The version of its shape; [`Record::SHAPE`] of when it was written.
    pub shape: u32,
    /// What it says: JSON.
    pub body: String,
}

/// What must hold of a record for a commit to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is none.
    Absent,
    /// There is one of this version.
    Ver(u64),
    /// Whatever there is.
    Any,
}

impl Expect {
    /// What is expected of a record next, once it was written as this expected.
    pub fn once_written(self) -> Self {
        match self {
            Self::Absent => Self::Ver(1),
            Self::Ver(ver) => Self::Ver(ver + 1),
            Self::Any => Self::Any,
        }
    }
}

/// What is written of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its place in a queue.
    pub queued: Option<Queued>,
    /// The version of its shape.
    pub shape: u32,
    /// What it says: JSON.
    pub body: String,
    /// The value that was encoded, where a follower reads it.
    pub typed: Option<Typed>,
}

/// One step of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Op {
    /// What it is about.
    pub kind: Kind,
    /// Which.
    pub id: String,
    /// What is done.
    pub step: Step,
}

/// What a step does with its record.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Write it.
    Put(Expect, Written),
    /// Write it, unless one waits there that nobody has claimed since it was put: then that one will do, and nothing is written.
    Ensure(Written),
    /// Remove it.
    Del(Expect),
    /// Remove it if it is still of this version; else leave it, and that is well too.
    End(u64),
    /// Change nothing, but insist.
    Check(Expect),
    /// Write it as it was exported, version and all; there must be none.
    Restore {
        /// Its version.
        ver: u64,
        /// How often it was claimed.
        claims: u32,
        /// What it says.
        written: Written,
    },
}

/// Why a commit did not happen. Nothing of it was written.
#[derive(Debug, Clone, Error)]
pub enum CommitError {
    /// Somebody else was first.
    #[error("{kind:?} `{id}` changed meanwhile")]
    Conflict {
        /// What.
        kind: Kind,
        /// Which.
        id: String,
    },
    /// A record is larger than [`MAX_RECORD_BYTES`]. It will be so next time, too.
    #[error("{kind:?} `{id}` has {bytes} bytes, more than the {MAX_RECORD_BYTES} a record may have")]
    TooLarge {
        /// What.
        kind: Kind,
        /// Which.
        id: String,
        /// How large it would be.
        bytes: usize,
    },
    /// A record's id, with the name of its queue, is longer than [`MAX_ID_BYTES`]. It will be so next time, too.
    #[error("the name of {kind:?} `{id}` has {bytes} bytes, more than the {MAX_ID_BYTES} a name may have")]
    LongName {
        /// What.
        kind: Kind,
        /// Which.
        id: String,
        /// How long it would be.
        bytes: usize,
    },
    /// A record cannot be written as JSON. It will be so next time, too.
    #[error("{kind:?} `{id}` cannot be written: {why}")]
    Unwritable {
        /// What.
        kind: Kind,
        /// Which.
        id: String,
        /// Why.
        why: String,
    },
    /// The store cannot write now.
    #[error("the store cannot write now: {0}")]
    Unavailable(String),
}

/// A record, or the store, that cannot be read.
#[derive(Debug, Clone, Error)]
#[error("the store cannot be read: {why}")]
pub struct ReadError {
    /// Why.
    pub why: String,
    /// It is this one record; others can be read.
    pub damaged: bool,
}

impl ReadError {
    /// The store cannot be read.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), damaged: false }
    }

    /// One record cannot be read.
    pub fn damaged(why: impl Into<String>) -> Self {
        Self { why: why.into(), damaged: true }
    }
}

/// Sled moves larger leaves into files that it never syncs, so no record is larger.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// An index of PostgreSQL holds no longer ones; and what fits into one engine fits into all.
pub const MAX_ID_BYTES: usize = 2048;

/// One record that a commit wrote or removed.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// What it is.
    pub kind: Kind,
    /// Which.
    pub id: &'a str,
    /// Its shape and what it says now; `None` when it is gone.
    pub now: Option<(u32, &'a str)>,
    /// The value itself, where this process wrote it and handed it on.
    pub typed: Option<&'a Typed>,
}

/// A change, kept for later.
#[derive(Debug, Clone)]
pub struct KeptChange {
    kind: Kind,
    id: String,
    now: Option<(u32, String)>,
    typed: Option<Typed>,
}

impl Change<'_> {
    /// The same, to be kept.
    pub fn keep(&self) -> KeptChange {
        let now = self.now.map(|(shape, body)| (shape, body.to_owned()));
        KeptChange { kind: self.kind, id: self.id.to_owned(), now, typed: self.typed.cloned() }
    }
}

impl KeptChange {
    /// The change that was kept.
    pub fn change(&self) -> Change<'_> {
        let now = self.now.as_ref().map(|(shape, body)| (*shape, body.as_str()));
        Change { kind: self.kind, id: &self.id, now, typed: self.typed.as_ref() }
    }
}

/// Whoever follows what is committed.
pub trait Follower: Send + Sync {
    /// Whether it wants to hear of changes of this kind.
    fn follows(&self, kind: Kind) -> bool;

    /// What was committed, in the order of the commits; those of one commit are never told apart. It must not wait for anything.
    fn apply(&self, changes: &[Change<'_>]);

    /// Changes of another process were missed: what was followed must be loaded anew.
    fn lost(&self);
}

/// What waits in a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many records.
    pub count: usize,
    /// Since when the first head of a queue is due.
    pub oldest: Option<Millis>,
}

/// What an engine answers, in its own time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An engine: text under ids, with versions and queues. [`Store`] is what everybody else uses.
pub trait Engine: Send + Sync + 'static {
    /// The record, if there is one.
    ///
    /// # Errors
    /// The engine cannot read.
    fn get<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Result<Option<Raw>, ReadError>>;

    /// Records with `from <= id < to` (an empty `to` means to the end), in the order of their ids' bytes, at most `limit`.
    ///
    /// # Errors
    /// The engine cannot read.
    fn scan<'a>(
        &'a self,
        kind: Kind,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, ReadError>>;

    /// All or nothing, durable when it answers. Later steps see what earlier ones did.
    fn commit(&self, ops: Vec<Op>) -> Answer<'_, Result<(), CommitError>>;

    /// Leases the first records of a lane's queues that are due at `now` and not leased. A leased record is claimed again once its lease
    /// is over. Claiming counts the record's version on, so that whoever lost the lease cannot end it.
    fn claim<'a>(
        &'a self,
        lane: &'a str,
        now: Millis,
        lease: Millis,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, CommitError>>;

    /// When the next record of a lane can be claimed, for waking up.
    fn next_due<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Option<Millis>, ReadError>>;

    /// What waits in a lane.
    fn backlog<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Backlog, ReadError>>;

    /// How many records wait in one queue.
    fn waiting<'a>(&'a self, queue: &'a QueueName) -> Answer<'a, Result<usize, ReadError>>;

    /// From now on tells this one, and no other, of every change, also of those that other processes commit; beginning with what was
    /// committed since the engine was opened, of which the follower may know already.
    fn follow(&self, follower: Arc<dyn Follower>);

    /// Figures an operator watches: `bytes` on disk, and `blobs`, the files that sled never syncs and that must not exist.
    fn figures(&self) -> Vec<(&'static str, u64)>;

    /// A folder for what can be made again from the records; `None` where nothing is kept in files.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// Whether it still takes writes; with the reason if not.
    ///
    /// # Errors
    /// Why it does not.
    fn health(&self) -> Result<(), String>;
}

/// A store, shared: an engine, and the types of what is kept in it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// How many records a page has when all of them are read.
const PAGE: usize = 500;

impl Store {
    /// A store on an engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// The record with its version, if there is one.
    ///
    /// # Errors
    /// The engine cannot read, or the record is damaged or of a newer Muster.
    pub async fn get<T: Record>(&self, id: &Id<T>) -> Result<Option<Rec<T>>, ReadError> {
        self.engine.get(T::KIND, id.as_str()).await?.map(record::read).transpose()
    }

    /// What a record says, if there is one.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn value<T: Record>(&self, id: &Id<T>) -> Result<Option<T>, ReadError> {
        Ok(self.get(id).await?.map(|rec| rec.value))
    }

    /// As [`Self::value`]; one that is damaged is logged, and taken for none.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn readable<T: Record>(&self, id: &Id<T>) -> Result<Option<T>, ReadError> {
        match self.value(id).await {
            Err(error) if error.damaged => {
                tracing::error!(%error, "a record is left out");
                Ok(None)
            }
            other => other,
        }
    }

    /// A page of records in the order of their ids, at most `limit`. One that cannot be read is logged and left out.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn scan<T: Record>(&self, range: &Range<T>, limit: usize) -> Result<Page<T>, ReadError> {
        let read = self.engine.scan(T::KIND, range.from(), range.to(), limit).await?;
        let next = (read.len() == limit).then(|| read.last().map(|last| last.id.clone())).flatten();
        let records = read.into_iter().filter_map(|raw| {
            record::read(raw).inspect_err(|error| tracing::error!(%error, "a record is left out")).ok()
        });
        Ok(Page { records: records.collect(), next })
    }

    /// The ids of a range in their order, at most `limit`, also of records that cannot be read: for forgetting what is old.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn ids<T: Record>(&self, range: &Range<T>, limit: usize) -> Result<Vec<Id<T>>, ReadError> {
        let read = self.engine.scan(T::KIND, range.from(), range.to(), limit).await?;
        Ok(read.into_iter().map(|raw| Id::new(raw.id)).collect())
    }

    /// All records of a range, read page by page. One that cannot be read is logged and left out.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn all<T: Record>(&self, range: Range<T>) -> Result<Vec<Rec<T>>, ReadError> {
        let (mut range, mut all) = (range, Vec::new());
        loop {
            let page = self.scan(&range, PAGE).await?;
            all.extend(page.records);
            match page.next {
                Some(last) => range = range.after(&last),
                None => return Ok(all),
            }
        }
    }

    /// What all records of a range say.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn values<T: Record>(&self, range: Range<T>) -> Result<Vec<T>, ReadError> {
        Ok(self.all(range).await?.into_iter().map(|rec| rec.value).collect())
    }

    /// All or nothing, durable when it answers.
    ///
    /// # Errors
    /// Nothing was written then.
    pub async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let ops = batch.into_ops()?;
        if ops.is_empty() { Ok(()) } else { self.engine.commit(ops).await }
    }

    /// Leases what is due in a lane; see [`Engine::claim`].
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn claim(&self, lane: &str, now: Millis, lease: Millis, limit: usize) -> Result<Vec<Raw>, CommitError> {
        self.engine.claim(lane, now, lease, limit).await
    }

    /// When the next record of a lane can be claimed.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn next_due(&self, lane: &str) -> Result<Option<Millis>, ReadError> {
        self.engine.next_due(lane).await
    }

    /// What waits in a lane.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn backlog(&self, lane: &str) -> Result<Backlog, ReadError> {
        self.engine.backlog(lane).await
    }

    /// How many records wait in one queue.
    ///
    /// # Errors
    /// The engine cannot read.
    pub async fn waiting(&self, queue: &QueueName) -> Result<usize, ReadError> {
        self.engine.waiting(queue).await
    }

    /// Tells this one of every change from now on; see [`Engine::follow`].
    pub fn follow(&self, follower: Arc<dyn Follower>) {
        self.engine.follow(follower);
    }

    /// Figures an operator watches.
    pub fn figures(&self) -> Vec<(&'static str, u64)> {
        self.engine.figures()
    }

    /// A folder for what can be made again from the records.
    pub fn folder(&self) -> Option<&Path> {
        self.engine.folder()
    }

    /// Whether it still takes writes.
    ///
    /// # Errors
    /// Why it does not.
    pub fn health(&self) -> Result<(), String> {
        self.engine.health()
    }

    /// The engine, for what has no type: export and import, and whoever tests it.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }
}
