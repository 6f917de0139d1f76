//! The one task that writes. It takes all waiting commits into a round and writes the round in one transaction. The first trip to the database
//! locks the head and reads the records of the round. The second trip writes and commits. So many commits together cost two trips.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::future::try_join_all;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Row, Statement};

use super::connect::{pooled, said};
use super::following::Mark;
use super::row::{COLUMNS, kind, raw, restored, stored};
use super::shared::{LeaseClock, NOW, Shared};
use super::{feed, schema};
use crate::clock::{Clock, Stopwatch};
use crate::store::round::{Before, Request, Round, drain};
use crate::store::{CommitError, Kind, Millis, Raw};

/// How often to try a round again if the database ended it in favour of another.
const TRIES: u32 = 5;
/// The limit for a trip, whatever limits the server has: the server, or the way to it, may be frozen.
const TRIP: Duration = Duration::from_secs(20);
/// Locks the head, and returns the number and the stamp of the last round.
const LOCK: &str = "SELECT seq, stamp FROM muster_head FOR UPDATE";

const COUNT: &str = "UPDATE muster_head SET seq = $1, stamp = $2";

const LAYOUT: &str = "SELECT layout FROM muster_layout";

const READ: &str =
    "SELECT r.kind, r.id, r.ver, r.claims, r.lane, r.queue FROM unnest($1::text[], $2::text[]) AS k(kind, id)
    JOIN muster_record r ON r.kind = k.kind COLLATE \"C\" AND r.id = k.id COLLATE \"C\"";

const PUT: &str = "INSERT INTO muster_record (kind, id, ver, claims, shape, queue, due, leased_until, lane, body)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[])
    ON CONFLICT (kind, id) DO UPDATE SET ver = excluded.ver, claims = excluded.claims, shape = excluded.shape, queue = excluded.queue,
    due = excluded.due, leased_until = excluded.leased_until, lane = excluded.lane, body = excluded.body";

const DELETE: &str = "DELETE FROM muster_record r USING unnest($1::text[], $2::text[]) AS k(kind, id)
    WHERE r.kind = k.kind COLLATE \"C\" AND r.id = k.id COLLATE \"C\"";

/// Finds the new first record of each of these queues.
const QUEUES: &str = "WITH heads AS (
        SELECT q.lane, q.queue, first.id, first.due, greatest(first.due, first.leased_until) AS ready
        FROM unnest($1::text[], $2::text[]) AS q(lane, queue) LEFT JOIN LATERAL (
            SELECT id, due, leased_until FROM muster_record r
            WHERE r.lane = q.lane COLLATE \"C\" AND r.queue = q.queue COLLATE \"C\" ORDER BY r.id LIMIT 1) AS first ON true),
    gone AS (DELETE FROM muster_queue q USING heads WHERE heads.id IS NULL
        AND q.lane = heads.lane COLLATE \"C\" AND q.queue = heads.queue COLLATE \"C\")
    INSERT INTO muster_queue (lane, queue, id, due, ready) SELECT lane, queue, id, due, ready FROM heads WHERE id IS NOT NULL
    ON CONFLICT (lane, queue) DO UPDATE SET id = excluded.id, due = excluded.due, ready = excluded.ready";

const FEED: &str = "INSERT INTO muster_feed (seq, stamp, kinds, ids) VALUES ($1, $2, $3, $4)";

const WRITER: &str = "INSERT INTO muster_writer (writer, stamp) VALUES ($1, $2)
    ON CONFLICT (writer) DO UPDATE SET stamp = excluded.stamp, at = excluded.at";

const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// The outcome of a request.
enum Answered {
    Commit(Result<(), CommitError>),
    Claim(Result<Vec<Raw>, CommitError>),
}

impl Answered {
    fn of(request: &Request, error: CommitError) -> Self {
        match request {
            Request::Commit { .. } => Self::Commit(Err(error)),
            Request::Claim { .. } => Self::Claim(Err(error)),
        }
    }
}

/// Why a round was not written, not even in part.
enum Failed {
    /// The database ended it in favour of another. It may be tried again.
    Again(String),
    /// The database refuses something in it, and always will.
    Never(String),
    NotNow(String),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        let why = said(&error);
        match error.code() {
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => Self::Again(why),
            // Data that the database cannot take, and limits of its program.
            Some(code) if code.code().starts_with("22") || code.code().starts_with("54") => Self::Never(why),
            _ => Self::NotNow(why),
        }
    }
}

impl From<tokio::time::error::Elapsed> for Failed {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::NotNow(format!("no answer in {} s", TRIP.as_secs()))
    }
}

impl Shared {
    /// The moment of a claim; `None` if the database's own clock counts.
    pub(super) fn now(&self, now: Millis) -> Option<Millis> {
        (self.leases == LeaseClock::Caller).then_some(now)
    }
}

/// Writes rounds until the last caller is gone.
pub(super) async fn run(shared: Arc<Shared>, mut inbox: mpsc::Receiver<Request>) {
    while let Some(first) = inbox.recv().await {
        shared.seen.lock().writing = Some(first.asked());
        let requests = drain(first, &mut inbox);
        let outcomes = write(&shared, &requests.iter().collect::<Vec<_>>()).await;
        shared.seen.lock().writing = None;
        for (request, outcome) in requests.into_iter().zip(outcomes) {
            // If the caller gave up, nobody listens. The write still counts.
            match (request, outcome) {
                (Request::Commit { answer, .. }, Answered::Commit(result)) => drop(answer.send(result)),
                (Request::Claim { answer, .. }, Answered::Claim(result)) => drop(answer.send(result)),
                _ => {}
            }
        }
    }
}

/// Writes a round, and returns the outcome of each request. If the database refuses something in it for good, each request is tried as a round
/// of its own, so that only the bad one is refused.
async fn write(shared: &Shared, requests: &[&Request]) -> Vec<Answered> {
    match attempts(shared, requests).await {
        Ok(outcomes) => {
            shared.can_write(Ok(()));
            outcomes
        }
        Err(Failed::Never(why)) if requests.len() == 1 => requests
            .iter()
            .map(|request| {
                let first = match request {
                    Request::Commit { ops, .. } => ops.first(),
                    Request::Claim { .. } => None,
                };
                let (kind, id) = first.map_or((Kind::Outbox, String::new()), |op| (op.kind, op.id.clone()));
                Answered::of(request, CommitError::Unwritable { kind, id, why: why.clone() })
            })
            .collect(),
        Err(Failed::Never(_)) => {
            let mut outcomes = Vec::new();
            for request in requests {
                outcomes.extend(Box::pin(write(shared, &[request])).await);
            }
            outcomes
        }
        Err(Failed::Again(why) | Failed::NotNow(why)) => {
            shared.can_write(Err(why.clone()));
            requests.iter().map(|request| Answered::of(request, CommitError::Unavailable(why.clone()))).collect()
        }
    }
}

async fn attempts(shared: &Shared, requests: &[&Request]) -> Result<Vec<Answered>, Failed> {
    let mut tries = 1;
    loop {
        match attempt(shared, requests).await {
            Err(Failed::Again(_)) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

async fn attempt(shared: &Shared, requests: &[&Request]) -> Result<Vec<Answered>, Failed> {
    let client = shared.writers.get().await;
    let client = client.map_err(|error| Failed::NotNow(format!("it cannot be reached: {}", pooled(&error))))?;
    match transact(shared, &client, requests).await {
        Ok(outcomes) => Ok(outcomes),
        Err(failed) => {
            // Its transaction may still be open. The database ends it with the connection.
            drop(Object::take(client));
            Err(failed)
        }
    }
}

async fn transact(shared: &Shared, client: &Object, requests: &[&Request]) -> Result<Vec<Answered>, Failed> {
    let begun_at = Stopwatch::start();
    let statements = timeout(TRIP, Statements::of(client)).await??;
    let begun = timeout(TRIP, begin(shared, client, &statements, requests)).await??;
    let mut round = Round::default();
    let mut ready = begun.ready.iter();
    let mut outcomes: Vec<Answered> =
        requests
            .iter()
            .map(|request| match request {
                Request::Commit { ops, .. } => Answered::Commit(round.apply(ops.clone(), |kind, id| {
                    Ok(begun.known.get(&(kind, id.to_owned())).map(|known| known.before))
                })),
                Request::Claim { lease, .. } => {
                    Answered::Claim(lease_all(&mut round, ready.next().map_or(&[], Vec::as_slice), *lease))
                }
            })
            .collect();
    if round.is_empty() {
        timeout(TRIP, client.batch_execute("ROLLBACK")).await??;
        return Ok(outcomes);
    }
    let mark = Mark { seq: begun.before.seq + 1, stamp: Clock::wall().fresh_id() };
    let _turn = shared.feed.turn().await;
    let committed = match timeout(TRIP, commit(shared, client, &statements, &begun, &mark, &round)).await {
        Ok(committed) => committed.map_err(Failed::from),
        Err(elapsed) => Err(elapsed.into()),
    };
    if let Err(failed) = committed {
        // It may have been written, and only the answer was lost.
        if !was_written(shared, &mark.stamp).await {
            return Err(failed);
        }
        for (request, outcome) in requests.iter().zip(&mut outcomes) {
            // By now, another worker may have the lease.
            if let (Request::Claim { lease, .. }, Answered::Claim(claimed)) = (request, outcome)
                && begun_at.seconds() * 2000.0 > *lease as f64
            {
                *claimed = Ok(Vec::new());
            }
        }
    }
    feed::tell(shared, &begun.before, mark, &round).await;
    Ok(outcomes)
}

/// Prepares the statements before a transaction begins, so that nothing in it waits for that.
struct Statements {
    lock: Statement,
    count: Statement,
    layout: Statement,
    read: Statement,
    claim: Statement,
    put: Statement,
    delete: Statement,
    queues: Statement,
    feed: Statement,
    writer: Statement,
    notify: Statement,
}

impl Statements {
    async fn of(client: &Object) -> Result<Self, tokio_postgres::Error> {
        let claim = format!(
            "WITH moment AS (SELECT coalesce($2, {NOW}) AS now)
            SELECT {}, moment.now FROM moment, muster_queue q JOIN muster_record r ON r.kind = '{}' AND r.id = q.id
            WHERE q.lane = $1 AND q.ready <= moment.now ORDER BY q.ready, q.queue LIMIT $3",
            COLUMNS.split(", ").map(|column| format!("r.{column}")).collect::<Vec<_>>().join(", "),
            Kind::Outbox.name(),
        );
        Ok(Self {
            lock: client.prepare_cached(LOCK).await?,
            count: client.prepare_cached(COUNT).await?,
            layout: client.prepare_cached(LAYOUT).await?,
            read: client.prepare_cached(READ).await?,
            claim: client.prepare_cached(&claim).await?,
            put: client.prepare_cached(PUT).await?,
            delete: client.prepare_cached(DELETE).await?,
            queues: client.prepare_cached(QUEUES).await?,
            feed: client.prepare_cached(FEED).await?,
            writer: client.prepare_cached(WRITER).await?,
            notify: client.prepare_cached(NOTIFY).await?,
        })
    }
}

/// A record as it is stored before a round.
struct Known {
    before: Before,
    /// The lane and the queue in which it waits.
    waits: Option<(String, String)>,
}

/// What a round knows when it begins.
struct Begun {
    before: Mark,
    /// The records that it is about.
    known: HashMap<(Kind, String), Known>,
    /// For each claim, the rows that can be claimed.
    ready: Vec<Vec<Row>>,
}

/// The first trip: begins a transaction, locks the head, and reads under the lock.
async fn begin(
    shared: &Shared,
    client: &Object,
    statements: &Statements,
    requests: &[&Request],
) -> Result<Begun, Failed> {
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
    let claims = claims
        .iter()
        .map(|(lane, now, limit)| async move { client.query(&statements.claim, &[lane, now, limit]).await });
    // All statements are sent at once. The database executes them in this order.
    let ((), locked, layout, rows, ready) = futures_util::try_join!(
        client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
        client.query_one(&statements.lock, &[]),
        client.query_one(&statements.layout, &[]),
        async { client.query(&statements.read, &[&kinds, &ids]).await },
        try_join_all(claims),
    )?;
    if layout.get::<_, i64>(0) != schema::layout() {
        return Err(Failed::NotNow("another Muster has changed its tables; start that version".to_owned()));
    }
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        let kind = kind(row.get(0)).map_err(|error| Failed::NotNow(error.why))?;
        let claims = u32::try_from(row.get::<_, i64>(3)).unwrap_or(u32::MAX);
        let before = Before { ver: row.get::<_, i64>(2).cast_unsigned(), claims };
        let waits = row.get::<_, Option<String>>(4).zip(row.get(5));
        known.insert((kind, restored(row.get(1))), Known { before, waits });
    }
    let before = Mark { seq: locked.get(0), stamp: locked.get(1) };
    Ok(Begun { before, known, ready })
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
    ids: Vec<Cow<'a, str>>,
    vers: Vec<i64>,
    claims: Vec<i64>,
    shapes: Vec<i64>,
    queues: Vec<Option<Cow<'a, str>>>,
    dues: Vec<Option<i64>>,
    leases: Vec<Option<i64>>,
    lanes: Vec<Option<Cow<'a, str>>>,
    bodies: Vec<&'a str>,
}

/// The second trip: writes a round and commits it. After an error, it may or may not be written.
async fn commit(
    shared: &Shared,
    client: &Object,
    statements: &Statements,
    begun: &Begun,
    mark: &Mark,
    round: &Round,
) -> Result<(), tokio_postgres::Error> {
    let (mut put, mut gone, mut changed) = (Columns::default(), Columns::default(), Columns::default());
    // The queues in which a record waited before, or waits now.
    let mut queues: BTreeSet<(String, String)> = BTreeSet::new();
    for (kind, id, entry) in round.writes() {
        changed.kinds.push(kind.name());
        changed.ids.push(stored(id));
        if kind == Kind::Outbox {
            let claimed = begun.ready.iter().flatten().find(|row| restored(row.get(1)) == id);
            let waited = begun.known.get(&(kind, id.to_owned())).and_then(|known| known.waits.clone());
            queues.extend(waited);
            queues.extend(claimed.and_then(|row| {
                let queue: String = row.get(5);
                Some((queue.split_once('/')?.0.to_owned(), queue))
            }));
        }
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
        // Only outbox entries are ever claimed.
        let claimable = queued.filter(|_| kind == Kind::Outbox);
        put.lanes.push(claimable.map(|queued| stored(queued.queue.lane())));
        queues.extend(
            claimable
                .map(|queued| (stored(queued.queue.lane()).into_owned(), stored(queued.queue.as_str()).into_owned())),
        );
        put.bodies.push(&entry.written.body);
    }
    let (lanes, queues): (Vec<_>, Vec<_>) = queues.into_iter().unzip();
    let puts = async {
        if put.kinds.is_empty() {
            return Ok(0);
        }
        let Columns { kinds, ids, vers, claims, shapes, queues, dues, leases, lanes, bodies } = &put;
        client.execute(&statements.put, &[kinds, ids, vers, claims, shapes, queues, dues, leases, lanes, bodies]).await
    };
    let deletes = async {
        if gone.kinds.is_empty() { Ok(0) } else { client.execute(&statements.delete, &[&gone.kinds, &gone.ids]).await }
    };
    let heads =
        async { if lanes.is_empty() { Ok(0) } else { client.execute(&statements.queues, &[&lanes, &queues]).await } };
    // If one of these fails, the commit after it ends the transaction without writing anything, and does not count as an error. So check
    // all of them.
    futures_util::try_join!(
        puts,
        deletes,
        heads,
        async { client.execute(&statements.count, &[&mark.seq, &mark.stamp]).await },
        async { client.execute(&statements.feed, &[&mark.seq, &mark.stamp, &changed.kinds, &changed.ids]).await },
        async { client.execute(&statements.writer, &[&shared.writer, &mark.stamp]).await },
        async { client.execute(&statements.notify, &[&shared.channel, &shared.writer]).await },
        client.batch_execute("COMMIT"),
    )?;
    Ok(())
}

/// Whether the round with this stamp was written. It asks until the database answers. Until then nobody can know, and no caller is answered.
async fn was_written(shared: &Shared, stamp: &str) -> bool {
    let ask = async || -> Result<bool, String> {
        let client = shared.writers.get().await.map_err(|error| pooled(&error))?;
        let client = Object::take(client);
        let asked = timeout(TRIP, async {
            // The lock waits for the transaction in question, if it is still open. A statement that begins after that sees what it wrote.
            client.batch_execute("BEGIN; SELECT FROM muster_head FOR UPDATE").await?;
            client.query_opt("SELECT stamp FROM muster_writer WHERE writer = $1", &[&shared.writer]).await
        });
        let row = asked.await.map_err(|_| "no answer".to_owned())?.map_err(|error| said(&error))?;
        Ok(row.is_some_and(|row| row.get::<_, &str>(0) == stamp))
    };
    let mut pause = Duration::from_millis(50);
    loop {
        match ask().await {
            Ok(written) => return written,
            Err(why) => shared.can_write(Err(why)),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}
