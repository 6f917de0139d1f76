//! The one task that writes. It drains what waits into a round and writes that in one transaction: the first trip to the database locks the
//! head and reads what the round is about, the second writes and commits. So many commits cost two trips together.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::future::try_join_all;
use tokio::sync::mpsc;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::{COLUMNS, HEADS, Shared, feed, kind, raw, restored, said, stored};
use crate::clock::Stopwatch;
use crate::store::round::{Before, Request, Round, drain};
use crate::store::{CommitError, Kind, Millis, Raw};

/// The database's clock, in milliseconds.
pub(super) const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// How often a round is tried again that the database ended in favour of another.
const TRIES: u32 = 5;

const LOCK: &str = "UPDATE muster_head SET seq = seq + 1 RETURNING seq";

const READ: &str = "SELECT r.kind, r.id, r.ver, r.claims FROM unnest($1::text[], $2::text[]) AS k(kind, id)
    JOIN muster_record r ON r.kind = k.kind COLLATE \"C\" AND r.id = k.id COLLATE \"C\"";

const PUT: &str = "INSERT INTO muster_record (kind, id, ver, claims, shape, queue, due, leased_until, lane, body)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[])
    ON CONFLICT (kind, id) DO UPDATE SET ver = excluded.ver, claims = excluded.claims, shape = excluded.shape, queue = excluded.queue,
    due = excluded.due, leased_until = excluded.leased_until, lane = excluded.lane, body = excluded.body";

const DELETE: &str = "DELETE FROM muster_record r USING unnest($1::text[], $2::text[]) AS k(kind, id)
    WHERE r.kind = k.kind COLLATE \"C\" AND r.id = k.id COLLATE \"C\"";

const FEED: &str = "INSERT INTO muster_feed (seq, kinds, ids) VALUES ($1, $2, $3)";

const WRITER: &str = "INSERT INTO muster_writer (writer, seq) VALUES ($1, $2)
    ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq, at = excluded.at";

const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// What a request comes to.
enum Outcome {
    Commit(Result<(), CommitError>),
    Claim(Result<Vec<Raw>, CommitError>),
}

/// Why a round was not written. Nothing of it was.
enum Failed {
    /// The database ended it in favour of another; it may be tried again.
    Again(String),
    /// The database cannot.
    Cannot(String),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        let again = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        if error.code().is_some_and(|code| again.contains(code)) {
            Self::Again(said(&error))
        } else {
            Self::Cannot(said(&error))
        }
    }
}

impl Shared {
    /// The moment of a claim for the database; its own clock where that counts.
    pub(super) fn now(&self, now: Millis) -> Option<Millis> {
        (self.leases == super::LeaseClock::Caller).then_some(now)
    }

    /// How the database answered last.
    pub(super) fn answered(&self, result: Result<(), String>) {
        let failed = result.err().map(|why| format!("the database cannot be used: {why}"));
        let mut seen = self.seen();
        match (&seen.failed, &failed) {
            (None, Some(why)) => tracing::error!(error = %why, "nothing can be saved until the database answers"),
            (Some(_), None) => tracing::info!("the database answers again"),
            _ => {}
        }
        seen.failed = failed;
    }
}

/// Writes rounds until nobody can ask any more.
pub(super) async fn run(shared: Arc<Shared>, mut inbox: mpsc::Receiver<Request>) {
    while let Some(first) = inbox.recv().await {
        let requests = drain(first, &mut inbox);
        shared.seen().writing = Some(Stopwatch::start());
        let outcomes = write(&shared, &requests).await;
        shared.seen().writing = None;
        for (request, outcome) in requests.into_iter().zip(outcomes) {
            // Nobody listens any more when a request was given up; what is written stands all the same.
            match (request, outcome) {
                (Request::Commit { answer, .. }, Outcome::Commit(result)) => drop(answer.send(result)),
                (Request::Claim { answer, .. }, Outcome::Claim(result)) => drop(answer.send(result)),
                _ => {}
            }
        }
    }
}

/// Writes a round; what each request comes to.
async fn write(shared: &Shared, requests: &[Request]) -> Vec<Outcome> {
    let mut tries = 0;
    loop {
        tries += 1;
        let why = match attempt(shared, requests).await {
            Ok(outcomes) => {
                shared.answered(Ok(()));
                return outcomes;
            }
            Err(Failed::Again(_)) if tries < TRIES => continue,
            Err(Failed::Again(why) | Failed::Cannot(why)) => why,
        };
        shared.answered(Err(why.clone()));
        let unavailable = || CommitError::Unavailable(why.clone());
        return requests
            .iter()
            .map(|request| match request {
                Request::Commit { .. } => Outcome::Commit(Err(unavailable())),
                Request::Claim { .. } => Outcome::Claim(Err(unavailable())),
            })
            .collect();
    }
}

async fn attempt(shared: &Shared, requests: &[Request]) -> Result<Vec<Outcome>, Failed> {
    let client = shared.client().await.map_err(|error| Failed::Cannot(error.why))?;
    match transact(shared, &client, requests).await {
        Ok(outcomes) => Ok(outcomes),
        Err(failed) => {
            // Its transaction may be open still; the database ends that with the connection.
            drop(Object::take(client));
            Err(failed)
        }
    }
}

async fn transact(shared: &Shared, client: &Object, requests: &[Request]) -> Result<Vec<Outcome>, Failed> {
    let (seq, before, heads) = begin(shared, client, requests).await?;
    let mut round = Round::default();
    let mut heads = heads.into_iter();
    let outcomes = requests
        .iter()
        .map(|request| match request {
            Request::Commit { ops, .. } => {
                Outcome::Commit(round.apply(ops.clone(), |kind, id| Ok(before.get(&(kind, id.to_owned())).copied())))
            }
            Request::Claim { lease, .. } => {
                Outcome::Claim(lease_all(&mut round, &heads.next().unwrap_or_default(), *lease))
            }
        })
        .collect();
    if round.is_empty() {
        client.batch_execute("ROLLBACK").await?;
        return Ok(outcomes);
    }
    let _turn = shared.feed.turn().await;
    if let Err(error) = commit(shared, client, seq, &round).await {
        let failed = Failed::from(error);
        // The answer may be lost although it was written.
        if !was_written(shared, seq).await {
            return Err(failed);
        }
    }
    feed::tell(shared, seq, &round).await;
    Ok(outcomes)
}

/// What a round begins with: its number, the records it is about as they are, and for each claim the rows that can be claimed.
type Begun = (i64, HashMap<(Kind, String), Before>, Vec<Vec<Row>>);

/// The first trip: begins a transaction, locks the head, and reads under the lock.
async fn begin(shared: &Shared, client: &Object, requests: &[Request]) -> Result<Begun, Failed> {
    let mut keys = BTreeSet::new();
    let mut claims = Vec::new();
    for request in requests {
        match request {
            Request::Commit { ops, .. } => keys.extend(ops.iter().map(|op| (op.kind, op.id.as_str()))),
            Request::Claim { lane, now, limit, .. } => {
                claims.push((lane.as_str(), shared.now(*now), i64::try_from(*limit).unwrap_or(i64::MAX)));
            }
        }
    }
    let kinds: Vec<_> = keys.iter().map(|(kind, _)| kind.name()).collect();
    let ids: Vec<_> = keys.iter().map(|(_, id)| stored(id)).collect();
    let claim = format!(
        "{HEADS}, moment AS (SELECT coalesce($2, {NOW}) AS now),
        ready AS (SELECT heads.queue, heads.id, heads.ready FROM heads, moment WHERE ready <= now ORDER BY ready, queue LIMIT $3)
        SELECT {}, moment.now FROM moment, ready JOIN muster_record r ON r.kind = '{}' AND r.id = ready.id ORDER BY ready.ready, ready.queue",
        COLUMNS.split(", ").map(|column| format!("r.{column}")).collect::<Vec<_>>().join(", "),
        Kind::Outbox.name(),
    );
    let (lock, read) = (client.prepare_cached(LOCK).await?, client.prepare_cached(READ).await?);
    let claim = if claims.is_empty() { None } else { Some(client.prepare_cached(&claim).await?) };
    let claims = claims.iter().map(|(lane, now, limit)| {
        let claim = claim.as_ref();
        async move {
            match claim {
                Some(claim) => client.query(claim, &[lane, now, limit]).await,
                None => Ok(Vec::new()),
            }
        }
    });
    // All of it is sent at once, in this order; the database does one after the other.
    let ((), seq, rows, heads) = futures_util::try_join!(
        client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
        client.query_one(&lock, &[]),
        async { client.query(&read, &[&kinds, &ids]).await },
        try_join_all(claims),
    )?;
    let mut before = HashMap::with_capacity(rows.len());
    for row in rows {
        let kind = kind(row.get(0)).map_err(|error| Failed::Cannot(error.why))?;
        let claims = u32::try_from(row.get::<_, i64>(3)).unwrap_or(u32::MAX);
        before.insert((kind, restored(row.get(1))), Before { ver: row.get::<_, i64>(2).cast_unsigned(), claims });
    }
    Ok((seq.get(0), before, heads))
}

/// Leases the records of these rows.
fn lease_all(round: &mut Round, rows: &[Row], lease: Millis) -> Result<Vec<Raw>, CommitError> {
    let mut leased = Vec::new();
    for row in rows {
        let now: i64 = row.get(8);
        let raw = raw(row).map_err(|error| CommitError::Unavailable(error.why))?;
        leased.extend(round.lease(raw, now.saturating_add(lease)));
    }
    Ok(leased)
}

/// The rows of a round, column by column.
#[derive(Default)]
struct Columns<'a> {
    kinds: Vec<&'static str>,
    ids: Vec<std::borrow::Cow<'a, str>>,
    vers: Vec<i64>,
    claims: Vec<i64>,
    shapes: Vec<i64>,
    queues: Vec<Option<std::borrow::Cow<'a, str>>>,
    dues: Vec<Option<i64>>,
    leases: Vec<Option<i64>>,
    lanes: Vec<Option<std::borrow::Cow<'a, str>>>,
    bodies: Vec<&'a str>,
}

/// The second trip: writes a round and commits it. An error says nothing of whether it was written.
async fn commit(shared: &Shared, client: &Object, seq: i64, round: &Round) -> Result<(), tokio_postgres::Error> {
    let (mut put, mut gone) = (Columns::default(), Columns::default());
    let mut changed = Columns::default();
    for (kind, id, entry) in round.writes() {
        changed.kinds.push(kind.name());
        changed.ids.push(stored(id));
        let Some(entry) = entry else {
            gone.kinds.push(kind.name());
            gone.ids.push(stored(id));
            continue;
        };
        let queued = entry.written.queued.as_ref();
        put.kinds.push(kind.name());
        put.ids.push(stored(id));
        put.vers.push(entry.ver.cast_signed());
        put.claims.push(entry.claims.into());
        put.shapes.push(entry.written.shape.into());
        put.queues.push(queued.map(|queued| stored(queued.queue.as_str())));
        put.dues.push(queued.map(|queued| queued.due));
        put.leases.push(entry.leased_until);
        // Only what is in the outbox is ever claimed.
        let claimable = queued.filter(|_| kind == Kind::Outbox);
        put.lanes.push(claimable.map(|queued| stored(queued.queue.lane())));
        put.bodies.push(&entry.written.body);
    }
    let (putting, deleting) = (client.prepare_cached(PUT).await?, client.prepare_cached(DELETE).await?);
    let (feeding, signing, notifying) = (
        client.prepare_cached(FEED).await?,
        client.prepare_cached(WRITER).await?,
        client.prepare_cached(NOTIFY).await?,
    );
    let puts = async {
        if put.kinds.is_empty() {
            return Ok(0);
        }
        let Columns { kinds, ids, vers, claims, shapes, queues, dues, leases, lanes, bodies } = &put;
        client.execute(&putting, &[kinds, ids, vers, claims, shapes, queues, dues, leases, lanes, bodies]).await
    };
    let deletes = async {
        if gone.kinds.is_empty() { Ok(0) } else { client.execute(&deleting, &[&gone.kinds, &gone.ids]).await }
    };
    // Where one of these fails, the commit behind it ends the transaction without writing anything, and that is no error of its own. So all
    // of them are looked at.
    futures_util::try_join!(
        puts,
        deletes,
        async { client.execute(&feeding, &[&seq, &changed.kinds, &changed.ids]).await },
        async { client.execute(&signing, &[&shared.writer, &seq]).await },
        async { client.execute(&notifying, &[&shared.channel, &shared.writer]).await },
        client.batch_execute("COMMIT"),
    )?;
    Ok(())
}

/// Whether this round was written, asked until the database answers. Until then nobody knows, and nobody is told anything.
async fn was_written(shared: &Shared, seq: i64) -> bool {
    let ask = async || -> Result<bool, String> {
        let client = shared.client().await.map_err(|error| error.why)?;
        // The lock waits for the transaction in question, if it is open still.
        let sql = "SELECT coalesce((SELECT seq FROM muster_writer WHERE writer = $1), 0) FROM muster_head FOR UPDATE";
        let statement = client.prepare_cached(sql).await.map_err(|error| said(&error))?;
        let row = client.query_one(&statement, &[&shared.writer]).await.map_err(|error| said(&error))?;
        Ok(row.get::<_, i64>(0) == seq)
    };
    let mut pause = Duration::from_millis(50);
    loop {
        match ask().await {
            Ok(written) => return written,
            Err(why) => shared.answered(Err(why)),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}
