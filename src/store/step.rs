//! The steps of a commit, each with what it expects of its record. Also the reasons why a commit does not happen.

use thiserror::Error;

use super::{Kind, Queued, Typed};

/// The largest record. Sled moves larger leaves into files that it never syncs.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// The longest id. An index of PostgreSQL cannot hold longer ones, and every engine has the same limit.
pub const MAX_ID_BYTES: usize = 2048;

/// What must be true of a record for a commit to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is no such record.
    Absent,
    /// The record has this version.
    Ver(u64),
    Any,
}

impl Expect {
    /// What to expect of the record after a write that expected this.
    pub fn once_written(self) -> Self {
        match self {
            Self::Absent => Self::Ver(1),
            Self::Ver(ver) => Self::Ver(ver + 1),
            Self::Any => Self::Any,
        }
    }
}

/// The new content of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub queued: Option<Queued>,
    /// The version of its shape.
    pub shape: u32,
    /// Its content as JSON.
    pub body: String,
    /// The value that was encoded, if a follower reads it.
    pub typed: Option<Typed>,
}

/// One step of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Op {
    pub kind: Kind,
    pub id: String,
    pub step: Step,
}

/// What a step does with its record.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Put(Expect, Written),
    /// Write it, unless the record already waits and nobody has claimed it since it was written. Then the waiting one is enough.
    Ensure(Written),
    Del(Expect),
    /// Remove it if it still has this version. Otherwise leave it; that is no conflict.
    End(u64),
    /// Change nothing, but insist on what is expected.
    Check(Expect),
    /// Write it as it was exported, with its version. There must be no such record yet.
    Restore {
        ver: u64,
        claims: u32,
        written: Written,
    },
}

/// Why a commit did not happen. No part of it was written.
#[derive(Debug, Clone, Error)]
pub enum CommitError {
    #[error("{kind:?} `{id}` changed meanwhile")]
    Conflict { kind: Kind, id: String },
    /// A record is larger than [`MAX_RECORD_BYTES`]. Trying again does not help.
    #[error("{kind:?} `{id}` has {bytes} bytes, more than the {MAX_RECORD_BYTES} a record may have")]
    TooLarge { kind: Kind, id: String, bytes: usize },
    /// A record's id, with the name of its queue, is longer than [`MAX_ID_BYTES`]. Trying again does not help.
    #[error("the name of {kind:?} `{id}` has {bytes} bytes, more than the {MAX_ID_BYTES} a name may have")]
    LongName { kind: Kind, id: String, bytes: usize },
    /// A record cannot be written as JSON. Trying again does not help.
    #[error("{kind:?} `{id}` cannot be written: {why}")]
    Unwritable { kind: Kind, id: String, why: String },
    /// The store cannot write now.
    #[error("the store cannot write now: {0}")]
    Unavailable(String),
}
