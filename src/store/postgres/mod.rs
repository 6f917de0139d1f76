//! The engine for several machines: plain tables in PostgreSQL, which several processes may use at once.
//!
//! `connect` reaches the database, `schema` makes and updates the tables, `writer` writes rounds, `feed` tells the follower what was written, by
//! this process and by others. Here are the reads, and how a record lies in a row.
//!
//! Every round locks the one row of `muster_head` and counts it on. So rounds have numbers without gaps, in the order in which they happened, on
//! however many machines; and what a round reads cannot change before it is written. No lock lasts longer than a transaction, so that a process
//! that hangs holds nobody up for longer than the database lets a transaction idle.

mod connect;
mod feed;
mod schema;
mod writer;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use deadpool_postgres::{Object, Pool, PoolError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::round::Requests;
use super::{
    Answer, Backlog, CommitError, Engine, Follower, Kind, Millis, Op, QueueName, Queued, Raw, ReadError, Store,
};
use crate::clock::{Clock, Stopwatch};

/// A write that takes longer than this is said, as the embedded engine says it.
const SLOW_SECONDS: f64 = 10.0;

/// Whose clock says when a lease is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseClock {
    /// The database's: the one clock that all processes share.
    Database,
    /// That of whoever claims: for tests, which move their clock by hand.
    Caller,
}

/// A read takes no longer than this, whatever the server's own limits come to: it, or the way to it, may be frozen.
const READ: Duration = Duration::from_secs(15);

/// What was last seen of the database.
#[derive(Default)]
struct Seen {
    /// Why it cannot be read.
    unreadable: Option<String>,
    /// Why it could not be written last, and since when that is known.
    unwritable: Option<(String, Stopwatch)>,
    /// When a look at it was answered last.
    looked: Option<Stopwatch>,
    /// Since when the oldest commit waits for its answer.
    writing: Option<Stopwatch>,
    /// How large the tables are.
    bytes: u64,
}

/// What the engine, the writer and the feed share.
struct Shared {
    readers: Pool,
    writers: Pool,
    /// Names this process in the database.
    writer: String,
    /// On this channel others hear of a round. A hint only.
    channel: String,
    leases: LeaseClock,
    feed: feed::Feed,
    seen: Mutex<Seen>,
}

/// The engine.
struct Postgres {
    shared: Arc<Shared>,
    requests: Requests,
    /// Follows the database until the engine is let go.
    following: tokio::task::JoinHandle<()>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Opens the database of this address, and makes or updates its tables.
///
/// # Errors
/// What is wrong with the address, the database, or its tables; never the password.
pub async fn open(url: &str, leases: LeaseClock) -> anyhow::Result<Store> {
    let (database, readers, client) = reach(url).await?;
    schema::prepare(&client).await?;
    let row = client
        .query_one("SELECT seq, stamp, current_schema()::text FROM muster_head", &[])
        .await
        .map_err(|error| anyhow::anyhow!("the database cannot be read: {}", said(&error)))?;
    let (mark, schema) = (feed::Mark { seq: row.get(0), stamp: row.get(1) }, row.get::<_, String>(2));
    drop(client);
    let shared = Arc::new(Shared {
        readers,
        writers: database.pool(connect::WRITERS)?,
        writer: Clock::wall().fresh_id(),
        // A channel's name is short, and a schema's may not be.
        channel: format!("muster_{:08x}", crc32fast::hash(schema.as_bytes())),
        leases,
        feed: feed::Feed::from(mark),
        seen: Mutex::default(),
    });
    feed::look(&shared).await.context("the database cannot be read")?;
    let (requests, inbox) = Requests::queue();
    tokio::spawn(writer::run(shared.clone(), inbox));
    let following = tokio::spawn(feed::run(shared.clone(), database));
    Ok(Store::new(Arc::new(Postgres { shared, requests, following })))
}

/// Reads an address, and asks nobody.
///
/// # Errors
/// What is wrong with it; never the password.
pub fn read_address(url: &str) -> anyhow::Result<()> {
    connect::Database::of(url).map(drop)
}

/// Looks whether the database of this address can be used, and whether its tables are those of this Muster; changes nothing.
///
/// # Errors
/// What is wrong with the address or the database; never the password.
pub async fn check(url: &str) -> anyhow::Result<bool> {
    let (_, _, client) = reach(url).await?;
    let may = client
        .query_one(
            "SELECT has_schema_privilege(current_schema(), 'CREATE'), to_regclass('muster_layout') IS NOT NULL",
            &[],
        )
        .await;
    let may = may.map_err(|error| anyhow::anyhow!("the database cannot be read: {}", said(&error)))?;
    if !may.get::<_, bool>(0) && !may.get::<_, bool>(1) {
        anyhow::bail!(
            "the role may not make tables there; let it: GRANT CREATE ON SCHEMA … TO …, or make it the owner of the database"
        );
    }
    let tables = schema::is_up_to_date(&client).await;
    tables.map_err(|error| anyhow::anyhow!("the database cannot be read: {}", said(&error)))
}

async fn reach(url: &str) -> anyhow::Result<(connect::Database, Pool, Object)> {
    let database = connect::Database::of(url)?;
    let readers = database.pool(connect::READERS)?;
    let client = readers.get().await;
    let client = client.map_err(|error| match &error {
        PoolError::Backend(of) if of.as_db_error().is_some() => {
            anyhow::anyhow!("the database refuses us: {}", pooled(&error))
        }
        _ => anyhow::anyhow!("the database cannot be reached: {}", pooled(&error)),
    })?;
    connect::check(&client).await?;
    Ok((database, readers, client))
}

/// What the database, or the way to it, said.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => {
            let source = std::error::Error::source(error);
            source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        }
    }
}

fn pooled(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => said(error),
        PoolError::Timeout(_) => "no connection in time".to_owned(),
        other => other.to_string(),
    }
}

fn unreadable(error: &tokio_postgres::Error) -> ReadError {
    ReadError::new(said(error))
}

/// Text as it lies in a column. PostgreSQL knows no text with a NUL in it; the order of the bytes stays.
fn stored(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\u{1}']) {
        Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Text as it was before it was [`stored`].
fn restored(text: String) -> String {
    if text.contains('\u{1}') { text.replace("\u{1}\u{1}", "\0").replace("\u{1}\u{2}", "\u{1}") } else { text }
}

/// The kind of this name.
fn kind(name: &str) -> Result<Kind, ReadError> {
    Kind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
        ReadError::damaged(format!("a record of the unknown kind `{name}`; was it written by a newer Muster?"))
    })
}

/// The columns that [`raw`] reads.
const COLUMNS: &str = "kind, id, ver, claims, shape, queue, due, body";

/// A record of a row.
fn raw(row: &Row) -> Result<Raw, ReadError> {
    let column = |error: tokio_postgres::Error| ReadError::damaged(said(&error));
    let queue: Option<String> = row.try_get(5).map_err(column)?;
    let due: Option<i64> = row.try_get(6).map_err(column)?;
    Ok(Raw {
        kind: kind(row.try_get(0).map_err(column)?)?,
        id: restored(row.try_get(1).map_err(column)?),
        ver: row.try_get::<_, i64>(2).map_err(column)?.cast_unsigned(),
        claims: u32::try_from(row.try_get::<_, i64>(3).map_err(column)?).unwrap_or(u32::MAX),
        shape: u32::try_from(row.try_get::<_, i64>(4).map_err(column)?).unwrap_or(u32::MAX),
        queued: queue.zip(due).map(|(queue, due)| Queued { queue: QueueName::stored(restored(queue)), due }),
        body: row.try_get(7).map_err(column)?,
    })
}

/// The database's clock, in milliseconds.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl Shared {
    async fn client(&self) -> Result<Object, ReadError> {
        let client = self.readers.get().await;
        client.map_err(|error| ReadError::new(format!("the database cannot be reached: {}", pooled(&error))))
    }

    async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, ReadError> {
        let client = self.client().await?;
        let asked = tokio::time::timeout(READ, async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, params).await
        });
        let answer = match asked.await {
            Ok(answer) => answer.map_err(|error| unreadable(&error)),
            Err(_) => Err(ReadError::new(format!("the database has not answered in {} s", READ.as_secs()))),
        };
        if answer.is_err() {
            // Whatever it has prepared, or still waits for, goes with it.
            drop(Object::take(client));
        }
        answer
    }

    /// Whether the last look was answered.
    fn can_read(&self, result: Result<(), String>) {
        let mut seen = self.seen();
        tell(seen.unreadable.as_ref(), result.as_ref().err(), "read");
        seen.unreadable = result.err();
    }

    /// Whether the last round could be written.
    fn can_write(&self, result: Result<(), String>) {
        let mut seen = self.seen();
        tell(seen.unwritable.as_ref().map(|(why, _)| why), result.as_ref().err(), "written");
        seen.unwritable = result.err().map(|why| (why, Stopwatch::start()));
    }

    /// Whether a round failed, and none came for a while that would show how it is now.
    fn is_doubtful(&self) -> bool {
        let seen = self.seen();
        seen.writing.is_none() && seen.unwritable.as_ref().is_some_and(|(_, since)| since.seconds() > SLOW_SECONDS)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says once that the database cannot be used, and once that it can again.
fn tell(before: Option<&String>, now: Option<&String>, what: &str) {
    match (before, now) {
        (None, Some(why)) => tracing::error!(error = %why, "the database cannot be {what}"),
        (Some(_), None) => tracing::info!("the database can be {what} again"),
        _ => {}
    }
}

impl Engine for Postgres {
    fn get<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Result<Option<Raw>, ReadError>> {
        Box::pin(async move {
            let sql = format!("SELECT {COLUMNS} FROM muster_record WHERE kind = $1 AND id = $2");
            let rows = self.shared.query(&sql, &[&kind.name(), &stored(id)]).await?;
            rows.first().map(raw).transpose()
        })
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, ReadError>> {
        Box::pin(async move {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let (name, from) = (kind.name(), stored(from));
            let rows = if to.is_empty() {
                let sql =
                    format!("SELECT {COLUMNS} FROM muster_record WHERE kind = $1 AND id >= $2 ORDER BY id LIMIT $3");
                self.shared.query(&sql, &[&name, &from, &limit]).await?
            } else {
                let sql = format!(
                    "SELECT {COLUMNS} FROM muster_record WHERE kind = $1 AND id >= $2 AND id < $4 ORDER BY id LIMIT $3"
                );
                self.shared.query(&sql, &[&name, &from, &limit, &stored(to)]).await?
            };
            rows.iter().map(raw).collect()
        })
    }

    fn commit(&self, ops: Vec<Op>) -> Answer<'_, Result<(), CommitError>> {
        if ops.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.requests.commit(ops))
    }

    fn claim<'a>(
        &'a self,
        lane: &'a str,
        now: Millis,
        lease: Millis,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, CommitError>> {
        Box::pin(async move {
            // Whether anything is ready costs no round.
            let sql = format!("SELECT 1 FROM muster_queue WHERE lane = $1 AND ready <= coalesce($2, {NOW}) LIMIT 1");
            let ready = self.shared.query(&sql, &[&lane, &self.shared.now(now)]).await;
            if ready.map_err(|error| CommitError::Unavailable(error.why))?.is_empty() {
                return Ok(Vec::new());
            }
            self.requests.claim(lane, now, lease, limit).await
        })
    }

    fn next_due<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Option<Millis>, ReadError>> {
        Box::pin(async move {
            let sql = "SELECT min(ready) FROM muster_queue WHERE lane = $1";
            let rows = self.shared.query(sql, &[&lane]).await?;
            Ok(rows.first().and_then(|row| row.get(0)))
        })
    }

    fn backlog<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Backlog, ReadError>> {
        Box::pin(async move {
            let sql = "SELECT (SELECT count(*) FROM muster_record WHERE lane = $1), (SELECT min(due) FROM muster_queue WHERE lane = $1)";
            let rows = self.shared.query(sql, &[&lane]).await?;
            Ok(rows.first().map_or_else(Backlog::default, |row| Backlog {
                count: usize::try_from(row.get::<_, i64>(0)).unwrap_or(0),
                oldest: row.get(1),
            }))
        })
    }

    fn waiting<'a>(&'a self, queue: &'a QueueName) -> Answer<'a, Result<usize, ReadError>> {
        Box::pin(async move {
            let sql = "SELECT count(*) FROM muster_record WHERE lane = $1 AND queue = $2";
            let rows = self.shared.query(sql, &[&stored(queue.lane()), &stored(queue.as_str())]).await?;
            Ok(rows.first().map_or(0, |row| usize::try_from(row.get::<_, i64>(0)).unwrap_or(0)))
        })
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        self.shared.feed.follow(follower);
    }

    fn figures(&self) -> Vec<(&'static str, u64)> {
        vec![("bytes", self.shared.seen().bytes)]
    }

    fn health(&self) -> Result<(), String> {
        let seen = self.shared.seen();
        let slow = |since: &Option<Stopwatch>| {
            since.as_ref().map(Stopwatch::seconds).filter(|seconds| *seconds > SLOW_SECONDS)
        };
        if let Some(since) = slow(&seen.writing) {
            return Err(format!(
                "the database has not answered a write for {since:.0} s; nothing can be saved until it does"
            ));
        }
        if let Some((why, _)) = &seen.unwritable {
            return Err(format!("the database cannot be written: {why}"));
        }
        if let Some(why) = &seen.unreadable {
            return Err(format!("the database cannot be read: {why}"));
        }
        match slow(&seen.looked) {
            Some(since) => Err(format!("the database has not answered for {since:.0} s")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{restored, stored};

    proptest! {
        #[test]
        fn text_comes_back_and_keeps_its_order(one in "[\0\u{1}\u{2}\u{3}a]{0,6}", other in "[\0\u{1}\u{2}\u{3}a]{0,6}") {
            prop_assert!(!stored(&one).contains('\0'));
            prop_assert_eq!(restored(stored(&one).into_owned()), one.clone());
            prop_assert_eq!(stored(&one).as_bytes().cmp(stored(&other).as_bytes()), one.as_bytes().cmp(other.as_bytes()));
        }
    }
}
