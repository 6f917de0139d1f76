//! FLOOR 1. Where everything is kept: typed records, one commit for all that belongs together, and the engines behind it.
//!
//! A [`Record`] says its kind, its shape and how old shapes are read; an [`Id`] says which record of a type is meant. A [`Batch`] is a list of
//! steps of which all happen or none, durable before it is answered. Secondary indexes, dedup keys, timers and outbox entries are records in
//! the same batch. What the records mean is not known here: `records` has the table.
//!
//! An [`Engine`] keeps text under ids. It tells one [`Follower`] of every committed change, in the order of the commits, before anybody who
//! waits for the commit has the answer; so what is held in memory is never behind what was answered, whoever hangs up meanwhile.

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
