//! Tells the follower of all writes, in the order of the rounds. It tells this process's own rounds as they are written. For those of other
//! processes it reads what the newer rounds changed. It looks every second; a notification only makes it look earlier.
//!
//! A round has a number and a stamp. If the database has another stamp for the last round that was told, its history was replaced (by an older
//! copy, or a standby that was behind). Then everything is loaded anew.

use std::sync::Arc;
use std::time::Duration;

use super::connect::{Database, said};
use super::following::Mark;
use super::row::{kind, restored};
use super::shared::Shared;
use crate::clock::Stopwatch;
use crate::store::round::Round;
use crate::store::{Change, Kind, ReadError};

/// How often it looks for rounds of other processes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const _: () =
    assert!(LOOK_EVERY.as_millis() <= 1000, "docs/postgres.md promises a second, also where nothing is heard");

/// How often it deletes old rounds.
const TIDY_EVERY: Duration = Duration::from_secs(15);
/// A process that missed more rounds than this loads everything anew, because that costs less.
const MOST_MISSED: i64 = 5_000;

/// Deletes rounds that every process has read long ago, and processes that are gone. The last rounds stay, for a process that looks after a pause.
const TIDY: &str =
    "DELETE FROM muster_feed WHERE at < now() - interval '1 minute' AND seq < (SELECT seq FROM muster_head) - 1000;

    DELETE FROM muster_writer WHERE at < now() - interval '7 days'";

/// Every record that changed in the rounds after `$1`, as it is now, read at one moment. Also the last round, and the number of rounds after
/// `$1`. Round `$1` must have the stamp `$4`. `$2` are the kinds that are followed.
const MISSED: &str = "WITH head AS (SELECT seq, stamp FROM muster_head),
    known AS (SELECT $1::bigint = 0 OR EXISTS (SELECT FROM muster_feed WHERE seq = $1 AND stamp = $4::text) OR EXISTS (SELECT FROM head WHERE seq = $1 AND stamp = $4) AS it),
    missed AS (SELECT kinds, ids FROM muster_feed WHERE seq > $1 AND (SELECT seq FROM head) - $1 <= $3::bigint),
    keys AS (SELECT DISTINCT k.kind, k.id FROM missed, unnest(missed.kinds, missed.ids) AS k(kind, id) WHERE k.kind = ANY($2))
    SELECT head.seq, head.stamp, known.it AND (SELECT count(*) FROM missed) = head.seq - $1, keys.kind, keys.id, r.shape, r.body
    FROM head CROSS JOIN known LEFT JOIN keys ON true LEFT JOIN muster_record r ON r.kind = keys.kind AND r.id = keys.id";

/// Tells of a round that this process has written. `before` is the round before it. The caller holds the turn.
pub(super) async fn tell(shared: &Shared, before: &Mark, mark: Mark, round: &Round) {
    let Some((follower, told)) = shared.feed.state() else {
        return;
    };
    if told == *before {
        round.tell(&*follower);
        shared.feed.advance(&follower, mark);
    } else if let Err(error) = read(shared).await {
        // The round is written. The next look reads what others wrote before it.
        tracing::warn!(%error, "what other processes wrote is not read yet");
        round.tell(&*follower);
    }
}

/// Reads missed rounds and tells them. The caller holds the turn.
async fn read(shared: &Shared) -> Result<(), ReadError> {
    let Some((follower, told)) = shared.feed.state() else {
        return Ok(());
    };
    let followed: Vec<&str> =
        Kind::ALL.iter().filter(|kind| follower.follows(**kind)).map(|kind| kind.name()).collect();
    let rows = shared.query(MISSED, &[&told.seq, &followed, &MOST_MISSED, &told.stamp]).await?;
    let Some(first) = rows.first() else {
        return Err(ReadError::new("the table muster_head is empty"));
    };
    let mark = Mark { seq: first.get(0), stamp: first.get(1) };
    if first.get::<_, bool>(2) {
        let mut changes = Vec::new();
        for row in &rows {
            let (Some(name), Some(id)) = (row.get::<_, Option<&str>>(3), row.get::<_, Option<String>>(4)) else {
                continue;
            };
            let shape = row.get::<_, Option<i64>>(5).map(|shape| u32::try_from(shape).unwrap_or(u32::MAX));
            changes.push((kind(name)?, restored(id), shape.zip(row.get::<_, Option<&str>>(6))));
        }
        changes.sort_unstable_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let changes: Vec<_> =
            changes.iter().map(|(kind, id, now)| Change { kind: *kind, id, now: *now, typed: None }).collect();
        if !changes.is_empty() {
            follower.apply(&changes);
        }
    } else {
        // Some rounds are gone from the feed, or it is the feed of another history.
        follower.lost();
    }
    shared.feed.advance(&follower, mark);
    Ok(())
}

/// Looks once at the state of the database, and whether others wrote.
pub(super) async fn look(shared: &Shared) -> Result<(), ReadError> {
    let rows = shared.query("SELECT seq, stamp FROM muster_head", &[]).await?;
    let head = rows.first().map(|row| Mark { seq: row.get(0), stamp: row.get(1) });
    if shared.feed.state().is_some_and(|(_, told)| Some(told) != head) {
        let _turn = shared.feed.turn().await;
        read(shared).await?;
    }
    Ok(())
}

/// Writes the same value again, to see whether writing works.
async fn try_to_write(shared: &Shared) -> Result<(), ReadError> {
    shared.query("UPDATE muster_head SET stamp = stamp", &[]).await.map(drop)
}

/// Measures the tables, and deletes what no process needs any more.
async fn tidy(shared: &Shared) -> Result<(), ReadError> {
    let size = "SELECT (pg_total_relation_size('muster_record') + pg_total_relation_size('muster_feed'))::bigint";
    if let Some(row) = shared.query(size, &[]).await?.first() {
        shared.seen.lock().bytes = row.get::<_, i64>(0).cast_unsigned();
    }
    let client = shared.client().await?;
    client.batch_execute(TIDY).await.map_err(|error| ReadError::new(said(&error)))
}

/// Follows the database for as long as the engine lives.
pub(super) async fn run(shared: Arc<Shared>, database: Database) {
    let listening = async {
        loop {
            let heard = |writer: &str| {
                if writer != shared.writer {
                    shared.feed.hint.notify_one();
                }
            };
            // Without it, writes of others are noticed a second later.
            let ended = database.listen(&shared.channel, heard).await;
            tracing::debug!(?ended, "notifications of the database end; listening again");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let looking = async {
        loop {
            let looked = look(&shared).await;
            if looked.is_ok() {
                shared.seen.lock().looked = Some(Stopwatch::start());
            }
            shared.can_read(looked.map_err(|error| error.why));
            // Clients that are told that nothing can be written send nothing, so Muster must try by itself.
            if shared.is_doubtful() {
                shared.can_write(try_to_write(&shared).await.map_err(|error| error.why));
            }
            tokio::select! {
                () = shared.feed.hint.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    };
    let tidying = async {
        loop {
            if let Err(error) = tidy(&shared).await {
                tracing::debug!(%error, "the database is not tidied up");
            }
            tokio::time::sleep(TIDY_EVERY).await;
        }
    };
    tokio::join!(listening, looking, tidying);
}
