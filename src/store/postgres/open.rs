//! Opens, checks and reads a database.

use std::sync::Arc;

use anyhow::Context as _;
use deadpool_postgres::{Object, Pool, PoolError};
use parking_lot::Mutex;

use super::connect::{pooled, said};
use super::following::{Feed, Mark};
use super::row::{COLUMNS, raw, stored};
use super::shared::{LeaseClock, NOW, SLOW_SECONDS, Shared};
use super::{connect, feed, schema, writer};
use crate::clock::{Clock, Stopwatch};
use crate::store::round::Requests;
use crate::store::{
    Answer, Backlog, CommitError, Engine, Follower, Kind, Millis, Op, QueueName, Raw, ReadError, Store,
};

struct Postgres {
    shared: Arc<Shared>,
    requests: Requests,
    /// The writer; `None` if it was awaited.
    writing: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// Follows the database until the engine is closed or dropped.
    following: tokio::task::JoinHandle<()>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Opens the database at this address, and makes or updates its tables.
///
/// # Errors
/// Says what is wrong with the address, the database, or its tables, but never shows the password.
pub async fn open(url: &str, leases: LeaseClock) -> anyhow::Result<Store> {
    let (database, readers, client) = reach(url).await?;
    schema::prepare(&client).await?;
    let row = client
        .query_one("SELECT seq, stamp, current_schema()::text FROM muster_head", &[])
        .await
        .map_err(|error| unreadable(&error))?;
    let (mark, schema) = (Mark { seq: row.get(0), stamp: row.get(1) }, row.get::<_, String>(2));
    drop(client);
    let shared = Arc::new(Shared {
        readers,
        writers: database.pool(connect::WRITERS)?,
        writer: Clock::wall().fresh_id(),
        // The name of a channel must be short; the name of a schema may be long.
        channel: format!("muster_{:08x}", crc32fast::hash(schema.as_bytes())),
        leases,
        feed: Feed::from(mark),
        seen: Mutex::default(),
    });
    feed::look(&shared).await.context("the database cannot be read")?;
    let (requests, inbox) = Requests::queue();
    let writing = tokio::sync::Mutex::new(Some(tokio::spawn(writer::run(shared.clone(), inbox))));
    let following = tokio::spawn(feed::run(shared.clone(), database));
    Ok(Store::new(Arc::new(Postgres { shared, requests, writing, following })))
}

/// Reads an address without connecting to it.
///
/// # Errors
/// Says what is wrong with it, but never shows the password.
pub fn read_address(url: &str) -> anyhow::Result<()> {
    connect::Database::of(url).map(drop)
}

/// Checks whether the database at this address can be used, and whether its tables fit this Muster. Changes nothing.
///
/// # Errors
/// Says what is wrong with the address or the database, but never shows the password.
pub async fn check(url: &str) -> anyhow::Result<bool> {
    let (_, _, client) = reach(url).await?;
    let may = client
        .query_one(
            "SELECT has_schema_privilege(current_schema(), 'CREATE'), to_regclass('muster_layout') IS NOT NULL",
            &[],
        )
        .await
        .map_err(|error| unreadable(&error))?;
    if !may.get::<_, bool>(0) && !may.get::<_, bool>(1) {
        anyhow::bail!(
            "the role may not make tables there. Allow it with GRANT CREATE ON SCHEMA … TO …, or make it the owner of the database"
        );
    }
    schema::is_up_to_date(&client).await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &tokio_postgres::Error) -> anyhow::Error {
    anyhow::anyhow!("the database cannot be read: {}", said(error))
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
            // Asking whether anything is ready takes no round.
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
        vec![("bytes", self.shared.seen.lock().bytes)]
    }

    fn close(&self) -> Answer<'_, anyhow::Result<()>> {
        Box::pin(async move {
            self.requests.close();
            self.following.abort();
            match self.writing.lock().await.take() {
                Some(writing) => writing.await.context("the writer of the database broke off"),
                None => Ok(()),
            }
        })
    }

    fn health(&self) -> Result<(), String> {
        let seen = self.shared.seen.lock();
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
