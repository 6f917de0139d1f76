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
    /// When the longest overdue head of a queue became due.
    pub oldest: Option<Millis>,
}

/// The future answer of an engine.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An engine: text under ids, with versions and queues. The rest of Muster uses [`Store`](super::Store).
pub trait Engine: Send + Sync + 'static {
    /// The record, if there is one.
    fn get<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Result<Option<Raw>, ReadError>>;

    /// At most `limit` records with `from <= id < to` (an empty `to` means to the end), in the order of their ids' bytes.
    fn scan<'a>(
        &'a self,
        kind: Kind,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, ReadError>>;

    /// Writes all or nothing. It is durable when this answers. Later steps see what earlier ones did.
    fn commit(&self, ops: Vec<Op>) -> Answer<'_, Result<(), CommitError>>;

    /// Leases the first records of a lane's queues that are due at `now` and not leased. A leased record can be claimed again when its lease
    /// is over. A claim raises the record's version, so that a worker that lost the lease cannot end the record.
    fn claim<'a>(
        &'a self,
        lane: &'a str,
        now: Millis,
        lease: Millis,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, CommitError>>;

    /// When the next record of a lane can be claimed, so that a worker wakes up then.
    fn next_due<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Option<Millis>, ReadError>>;

    /// What waits in a lane.
    fn backlog<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Backlog, ReadError>>;

    /// How many records wait in one queue.
    fn waiting<'a>(&'a self, queue: &'a QueueName) -> Answer<'a, Result<usize, ReadError>>;

    /// From now on, tells this one follower of every change, including changes by other processes. It begins with what was
    /// committed since the engine was opened. The follower may know some of that already.
    fn follow(&self, follower: Arc<dyn Follower>);

    /// Figures for operators: `bytes` on disk, and `blobs`, files that sled never syncs and that must not exist.
    fn figures(&self) -> Vec<(&'static str, u64)>;

    /// A folder for data that can be made again from the records; `None` if nothing is kept in files.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// Whether it takes writes; if not, why.
    fn health(&self) -> Result<(), String>;

    /// Ends it, whoever still holds it: what was asked for is written, everything after that is refused, and all of it is closed. To close it
    /// again does nothing.
    ///
    /// # Errors
    /// It was not closed cleanly. Nothing that was answered is lost, but the next start takes longer.
    fn close(&self) -> Answer<'_, anyhow::Result<()>>;
}
