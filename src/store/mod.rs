//! FLOOR 1. Where everything is kept: one record trait, and the engines behind it.
//!
//! A commit is a list of [`Op`]s of which all happen or none, durable before it is answered. Secondary indexes, dedup
//! keys, timers and outbox entries are records in the same commit. What the records mean is not known here.

mod codec;
mod committer;
mod memory;
mod queues;
pub mod sled;
pub mod transfer;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

pub use committer::Committed;
pub use memory::MemoryEngine;

/// Milliseconds since 1970, UTC.
pub type Millis = i64;

/// What a record is. The byte is its place in the store and never changes; the name is used in exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// Counters, and what Muster knows of its workspace.
    Meta = b'0',
    /// Incidents, by uid.
    Incident = b'I',
    /// uid by number, newest first.
    Number = b'N',
    /// uid of open incidents, by number, newest first.
    Open = b'o',
    /// uid by asset and number, newest first.
    ByAsset = b'b',
    /// Timeline entries, by uid and place.
    Timeline = b'T',
    /// Alerts, by uid and alert id.
    Alert = b'A',
    /// The incident and alert of a source's key.
    AlertKey = b'K',
    /// The incident of an asset.
    Asset = b'a',
    /// Tasks, by uid and number.
    Task = b't',
    /// Messages of incidents' channels, by uid and timestamp.
    Message = b'm',
    /// uid by Slack channel.
    Channel = b'c',
    /// Pinned messages, by channel and timestamp.
    Pin = b'p',
    /// What the outside must do.
    Outbox = b'O',
    /// What was given up.
    Dead = b'D',
    /// Deliveries seen, by day.
    Delivery = b'd',
    /// People of the workspace.
    Person = b'P',
    /// Assets of the catalog, by the name that people see.
    Catalog = b'n',
    /// What happened to an asset lately, by its name.
    Changes = b'h',
    /// Which columns an asset's columns are made of, by its name.
    Columns = b'l',
    /// uid of incidents that an asset was the root of, by asset and number.
    RootOf = b'r',
    /// Who was told of an incident, by uid and key.
    Told = b'u',
    /// Which assets a commit of the catalog changed, by its number.
    CatalogLog = b'g',
    /// What a check is about, by the check's own id.
    Check = b'k',
    /// What monitors posted, compressed, by the time it came.
    Received = b'R',
    /// Alerts that open nothing yet, by source and key.
    Held = b'e',
    /// Silences, by number.
    Silence = b's',
    /// When a heartbeat was last heard, by source and name.
    Heartbeat = b'B',
    /// What people said of a monitor's alerts, by source and key.
    Verdict = b'V',
    /// Who is in a user group or on a schedule, by its id.
    Roster = b'q',
    /// Who wants to hear of incidents of an asset or team, by that and by who it is.
    Subscription = b'U',
    /// What somebody has to do: roles in open incidents, and open tasks; by person, then by incident, newest first.
    Mine = b'w',
    /// uid of incidents whose post-mortem was reviewed, by when, newest first.
    Reviewed = b'v',
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 33] = [
        Self::Meta,
        Self::Incident,
        Self::Number,
        Self::Open,
        Self::ByAsset,
        Self::Timeline,
        Self::Alert,
        Self::AlertKey,
        Self::Asset,
        Self::Task,
        Self::Message,
        Self::Channel,
        Self::Pin,
        Self::Outbox,
        Self::Dead,
        Self::Delivery,
        Self::Person,
        Self::Catalog,
        Self::Changes,
        Self::Columns,
        Self::RootOf,
        Self::Told,
        Self::CatalogLog,
        Self::Check,
        Self::Received,
        Self::Held,
        Self::Silence,
        Self::Heartbeat,
        Self::Verdict,
        Self::Roster,
        Self::Subscription,
        Self::Mine,
        Self::Reviewed,
    ];
}

/// A record's place in a queue. Only the first record of a queue (the smallest id) can be claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The queue, `lane/…`.
    pub queue: String,
    /// Not before this.
    pub due: Millis,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rec {
    /// What it is.
    pub kind: Kind,
    /// Its id, unique in its kind; ids sort bytewise.
    pub id: String,
    /// Counts its changes, from 1.
    pub ver: u64,
    /// Its place in a queue, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Queued>,
    /// How often it was claimed since it was last put.
    #[serde(default)]
    pub claims: u32,
    /// What it says.
    pub body: Value,
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

/// One step of a commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Write a record.
    Put {
        /// What it is.
        kind: Kind,
        /// Its id.
        id: String,
        /// What must hold before.
        expect: Expect,
        /// Its place in a queue.
        queued: Option<Queued>,
        /// What it says.
        body: Value,
    },
    /// Remove a record.
    Del {
        /// What it is.
        kind: Kind,
        /// Its id.
        id: String,
        /// What must hold before.
        expect: Expect,
    },
    /// Write a record as it was exported, version and all; there must be none.
    Restore(Rec),
    /// Change nothing, but insist.
    Check {
        /// What it is.
        kind: Kind,
        /// Its id.
        id: String,
        /// What must hold.
        expect: Expect,
    },
}

impl Op {
    /// Writes a record without a queue.
    pub fn put(kind: Kind, id: impl Into<String>, expect: Expect, body: Value) -> Self {
        Self::Put { kind, id: id.into(), expect, queued: None, body }
    }

    /// The record it is about.
    pub fn key(&self) -> (Kind, &str, Expect) {
        match self {
            Self::Put { kind, id, expect, .. } | Self::Del { kind, id, expect } | Self::Check { kind, id, expect } => {
                (*kind, id, *expect)
            }
            Self::Restore(rec) => (rec.kind, &rec.id, Expect::Absent),
        }
    }
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
    /// A record is larger than [`MAX_RECORD_BYTES`].
    #[error("{kind:?} `{id}` has {bytes} bytes, more than the {MAX_RECORD_BYTES} a record may have")]
    TooLarge {
        /// What.
        kind: Kind,
        /// Which.
        id: String,
        /// How large it would be.
        bytes: usize,
    },
    /// The store cannot write now.
    #[error("the store cannot write now: {0}")]
    Unavailable(String),
}

/// A record that cannot be read.
#[derive(Debug, Clone, Error)]
#[error("the store cannot be read: {0}")]
pub struct ReadError(pub String);

/// Sled moves larger leaves into files that it never syncs, so no record is larger.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An engine. Reads are cheap and block shortly; writes go through one committer and are awaited.
pub trait Engine: Send + Sync + 'static {
    /// The record, if there is one.
    ///
    /// # Errors
    /// The engine cannot read.
    fn get(&self, kind: Kind, id: &str) -> Result<Option<Rec>, ReadError>;

    /// Records with `from <= id < to` (an empty `to` means to the end), in the order of their ids, at most `limit`.
    ///
    /// # Errors
    /// The engine cannot read.
    fn scan(&self, kind: Kind, from: &str, to: &str, limit: usize) -> Result<Vec<Rec>, ReadError>;

    /// As [`Self::scan`], for reading very many: each body as the JSON text it is kept as; the last id, if there may be more.
    ///
    /// # Errors
    /// The engine cannot read.
    fn texts(
        &self,
        kind: Kind,
        from: &str,
        limit: usize,
        each: &mut dyn FnMut(&str),
    ) -> Result<Option<String>, ReadError>;

    /// All or nothing, durable when it answers; the new version of each op's record.
    fn commit(&self, ops: Vec<Op>) -> Answer<'_, Result<Vec<u64>, CommitError>>;

    /// Leases the first records of queues whose names begin with `lane`, that are due at `now` and not leased.
    /// A leased record is claimed again once its lease is over.
    fn claim(&self, lane: &str, now: Millis, lease: Millis, limit: usize) -> Answer<'_, Result<Vec<Rec>, CommitError>>;

    /// When the next record of a lane can be claimed, for waking up.
    fn next_due(&self, lane: &str) -> Option<Millis>;

    /// How many records wait in a lane, and since when the first of them is due.
    fn backlog(&self, lane: &str) -> (usize, Option<Millis>);

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

/// A store, shared.
pub type Store = Arc<dyn Engine>;

/// The smallest string that is larger than every string with this prefix, for [`Engine::scan`].
pub fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

/// All records with this prefix, read page by page.
///
/// # Errors
/// The engine cannot read.
pub fn scan_prefix(store: &dyn Engine, kind: Kind, prefix: &str) -> Result<Vec<Rec>, ReadError> {
    let to = after_prefix(prefix);
    let mut from = prefix.to_owned();
    let mut all = Vec::new();
    loop {
        let page = store.scan(kind, &from, &to, 500)?;
        let more = page.len() == 500;
        if let Some(last) = page.last() {
            from = format!("{}\0", last.id);
        }
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}
