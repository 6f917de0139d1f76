//! FLOOR 1. The store: typed records, one commit for all that belongs together, and the engines behind it.
//!
//! A [`Record`] says its kind, its shape and how old shapes are read. An [`Id`] names one record of a type. A [`Batch`] is a list of
//! steps: all of them happen or none, and they are durable before the answer. Secondary indexes, dedup keys, timers and outbox entries are
//! records in the same batch. The store does not know what records mean: `records` has the table.
//!
//! An [`Engine`] keeps text under ids. It tells one [`Follower`] of every committed change, in the order of the commits, before it answers
//! the callers of the commit. So the read models in memory are never behind an answer, even if a caller hangs up.

mod batch;
mod bytes;
mod codec;
mod committer;
mod engine;
mod follower;
mod handle;
mod kind;
mod memory;
pub mod postgres;
mod queues;
mod raw;
mod round;
pub mod sled;
mod step;
pub mod transfer;
mod typed;

pub use batch::Batch;
pub use committer::Committed;
pub use engine::{Answer, Backlog, Engine};
pub use follower::{Change, Follower, KeptChange};
pub use handle::Store;
pub use kind::{EDITION, Kind};
pub use memory::MemoryEngine;
pub use raw::{Millis, QueueName, Queued, Raw, ReadError};
pub use step::{CommitError, Expect, MAX_ID_BYTES, MAX_RECORD_BYTES, Op, Step, Written};
pub use typed::{Id, Page, Range, Rec, Record, Typed};
