//! A record as an engine keeps it: text under an id, with a version and a place in a queue. Also the reasons why one cannot be read.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Kind;

/// Milliseconds since 1970, UTC.
pub type Millis = i64;

/// The name of a queue: its lane, and the name of what must be delivered in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueName(String);

impl QueueName {
    /// The queue of a lane with this name.
    pub fn new(lane: &str, of: &str) -> Self {
        Self(format!("{lane}/{of}"))
    }

    pub fn lane(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(lane, _)| lane)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A queue from the text that an engine keeps.
    pub(crate) fn stored(name: String) -> Self {
        Self(name)
    }
}

/// A record's place in a queue. Only the first record of a queue (the smallest id) can be claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    pub queue: QueueName,
    pub due: Millis,
}

/// A record as an engine keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    pub kind: Kind,
    /// Its id, unique in its kind. Ids are ordered by their bytes.
    pub id: String,
    /// Counts its changes, from 1.
    pub ver: u64,
    /// Its place in a queue, if it has one.
    pub queued: Option<Queued>,
    /// How often it was claimed since it was last written.
    pub claims: u32,
    /// The version of its shape: [`Record::SHAPE`](super::Record::SHAPE) at the time of writing.
    pub shape: u32,
    /// Its content as JSON.
    pub body: String,
}

/// Why a record, or the store, cannot be read.
#[derive(Debug, Clone, Error)]
#[error("the store cannot be read: {why}")]
pub struct ReadError {
    pub why: String,
    /// Only this record is damaged. Others can be read.
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
