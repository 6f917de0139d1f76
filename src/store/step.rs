//! What a commit is made of: steps, each with what it expects of its record. And why a commit does not happen.

use thiserror::Error;

use super::{Kind, Queued, Typed};

/// Sled moves larger leaves into files that it never syncs, so no record is larger.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// An index of PostgreSQL holds no longer ones; and what fits into one engine fits into all.
pub const MAX_ID_BYTES: usize = 2048;

/// What must hold of a record for a commit to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is none.
    Absent,
    /// There is one of this version.
    Ver(u64),
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
    pub kind: Kind,
    pub id: String,
    pub step: Step,
}

/// What a step does with its record.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Put(Expect, Written),
    /// Write it, unless one waits there that nobody has claimed since it was put: then that one will do, and nothing is written.
    Ensure(Written),
    Del(Expect),
    /// Remove it if it is still of this version; else leave it, and that is well too.
    End(u64),
    /// Change nothing, but insist.
    Check(Expect),
    /// Write it as it was exported, version and all; there must be none.
    Restore {
        /// Its version.
        ver: u64,
        claims: u32,
        written: Written,
    },
}

/// Why a commit did not happen. Nothing of it was written.
#[derive(Debug, Clone, Error)]
pub enum CommitError {
    #[error("{kind:?} `{id}` changed meanwhile")]
    Conflict { kind: Kind, id: String },
    /// A record is larger than [`MAX_RECORD_BYTES`]. It will be so next time, too.
    #[error("{kind:?} `{id}` has {bytes} bytes, more than the {MAX_RECORD_BYTES} a record may have")]
    TooLarge { kind: Kind, id: String, bytes: usize },
    /// A record's id, with the name of its queue, is longer than [`MAX_ID_BYTES`]. It will be so next time, too.
    #[error("the name of {kind:?} `{id}` has {bytes} bytes, more than the {MAX_ID_BYTES} a name may have")]
    LongName { kind: Kind, id: String, bytes: usize },
    /// A record cannot be written as JSON. It will be so next time, too.
    #[error("{kind:?} `{id}` cannot be written: {why}")]
    Unwritable { kind: Kind, id: String, why: String },
    /// The store cannot write now.
    #[error("the store cannot write now: {0}")]
    Unavailable(String),
}
