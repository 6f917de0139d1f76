//! What every engine can do.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use super::{CommitError, Follower, Kind, Millis, Op, QueueName, Raw, ReadError};

/// What waits in a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub count: usize,
    /// Since when the first head of a queue is due.
    pub oldest: Option<Millis>,
}

/// What an engine answers, in its own time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An engine: text under ids, with versions and queues. [`Store`](super::Store) is what everybody else uses.
pub trait Engine: Send + Sync + 'static {
    /// The record, if there is one.
    fn get<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Result<Option<Raw>, ReadError>>;

    /// Records with `from <= id < to` (an empty `to` means to the end), in the order of their ids' bytes, at most `limit`.
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
    fn health(&self) -> Result<(), String>;
}
