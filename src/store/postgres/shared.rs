//! What the engine, the writer and the feed of one process share: connections, and the last known state of the database.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use parking_lot::Mutex;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connect::{pooled, said};
use super::following::Feed;
use crate::clock::Stopwatch;
use crate::store::ReadError;

/// If a write takes longer than this, `health` says so, as with the embedded engine.
pub(super) const SLOW_SECONDS: f64 = 10.0;
/// The limit for a read, whatever limits the server has: the server, or the way to it, may be frozen.
const READ: Duration = Duration::from_secs(15);

/// Which clock says when a lease is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseClock {
    /// The database's: the one clock that all processes share.
    Database,
    /// The clock of the caller: for tests, which move their clock by hand.
    Caller,
}

/// The last known state of the database.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) unreadable: Option<String>,
    /// Why the last write failed, and since when that is known.
    pub(super) unwritable: Option<(String, Stopwatch)>,
    /// When it last answered a look.
    pub(super) looked: Option<Stopwatch>,
    /// When the oldest waiting commit began to wait for its answer.
    pub(super) writing: Option<Stopwatch>,
    pub(super) bytes: u64,
}

/// Shared by the engine, the writer and the feed.
pub(super) struct Shared {
    pub(super) readers: Pool,
    pub(super) writers: Pool,
    pub(super) writer: String,
    /// The channel on which other processes hear of a round. It is only a hint.
    pub(super) channel: String,
    pub(super) leases: LeaseClock,
    pub(super) feed: Feed,
    pub(super) seen: Mutex<Seen>,
}

/// The database's clock, in milliseconds.
pub(super) const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl Shared {
    pub(super) async fn client(&self) -> Result<Object, ReadError> {
        let client = self.readers.get().await;
        client.map_err(|error| ReadError::new(format!("the database cannot be reached: {}", pooled(&error))))
    }

    pub(super) async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, ReadError> {
        let client = self.client().await?;
        let asked = tokio::time::timeout(READ, async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, params).await
        });
        let answer = match asked.await {
            Ok(answer) => answer.map_err(|error| ReadError::new(said(&error))),
            Err(_) => Err(ReadError::new(format!("the database has not answered in {} s", READ.as_secs()))),
        };
        if answer.is_err() {
            // Its prepared statements, and the answers that it waits for, go with it.
            drop(Object::take(client));
        }
        answer
    }

    /// Whether the last look was answered.
    pub(super) fn can_read(&self, result: Result<(), String>) {
        let mut seen = self.seen.lock();
        tell(seen.unreadable.as_ref(), result.as_ref().err(), "read");
        seen.unreadable = result.err();
    }

    /// Whether the last round could be written.
    pub(super) fn can_write(&self, result: Result<(), String>) {
        let mut seen = self.seen.lock();
        tell(seen.unwritable.as_ref().map(|(why, _)| why), result.as_ref().err(), "written");
        seen.unwritable = result.err().map(|why| (why, Stopwatch::start()));
    }

    /// Whether a round failed, and no newer round has shown since then whether writing works again.
    pub(super) fn is_doubtful(&self) -> bool {
        let seen = self.seen.lock();
        seen.writing.is_none() && seen.unwritable.as_ref().is_some_and(|(_, since)| since.seconds() > SLOW_SECONDS)
    }
}

/// Logs once that the database cannot be used, and once that it can be used again.
fn tell(before: Option<&String>, now: Option<&String>, what: &str) {
    match (before, now) {
        (None, Some(why)) => tracing::error!(error = %why, "the database cannot be {what}"),
        (Some(_), None) => tracing::info!("the database can be {what} again"),
        _ => {}
    }
}
