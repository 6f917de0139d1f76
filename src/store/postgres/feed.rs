//! What was written, told to the follower in the order of the rounds: this process's own rounds as they are written, those of others by reading
//! what the rounds since changed. A notification only hastens the next look; a look every second is what counts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::connect::Database;
use super::{Shared, kind, restored, said};
use crate::store::round::Round;
use crate::store::{Change, Follower, Kind, ReadError};

/// How often it is looked for rounds of others.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who missed more rounds than this loads everything anew; it costs less.
const MOST_MISSED: i64 = 5_000;

/// How many looks pass between tidying up.
const TIDY_EVERY: u32 = 15;

/// What is deleted: rounds that everybody has read long ago, and processes that are gone.
const TIDY: &str = "DELETE FROM muster_feed WHERE at < now() - interval '1 minute'; \
    DELETE FROM muster_writer WHERE at < now() - interval '7 days'";

/// Every changed record of the rounds after `$1`, as it is now, in one moment. `$2` are the kinds that are followed.
const MISSED: &str = "WITH head AS (SELECT seq FROM muster_head),
    missed AS (SELECT kinds, ids FROM muster_feed WHERE seq > $1 AND (SELECT seq FROM head) - $1 <= $3),
    keys AS (SELECT DISTINCT k.kind, k.id FROM missed, unnest(missed.kinds, missed.ids) AS k(kind, id) WHERE k.kind = ANY($2))
    SELECT head.seq, (SELECT count(*) FROM missed), keys.kind, keys.id, r.shape, r.body
    FROM head LEFT JOIN keys ON true LEFT JOIN muster_record r ON r.kind = keys.kind AND r.id = keys.id";

/// Who is told, and up to which round.
struct Told {
    follower: Option<Arc<dyn Follower>>,
    seq: i64,
}

/// The follower, and how far it was told.
pub(super) struct Feed {
    told: Mutex<Told>,
    /// The last round of when the store was opened.
    opened: i64,
    /// Whose turn it is to tell. The writer has it while it commits, so that its own rounds are told by itself.
    turn: tokio::sync::Mutex<()>,
    hint: Notify,
}

impl Feed {
    /// Nobody is told yet; this was the last round.
    pub(super) fn from(seq: i64) -> Self {
        let told = Mutex::new(Told { follower: None, seq });
        Self { told, opened: seq, turn: tokio::sync::Mutex::default(), hint: Notify::new() }
    }

    pub(super) fn follow(&self, follower: Arc<dyn Follower>) {
        // What happened since the store was opened is told again: it may have been read before.
        *self.told() = Told { follower: Some(follower), seq: self.opened };
        self.hint.notify_one();
    }

    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Option<(Arc<dyn Follower>, i64)> {
        let told = self.told();
        told.follower.clone().map(|follower| (follower, told.seq))
    }

    /// This one was told so far; unless it is another's turn by now.
    fn advance(&self, follower: &Arc<dyn Follower>, seq: i64) {
        let mut told = self.told();
        if told.follower.as_ref().is_some_and(|current| Arc::ptr_eq(current, follower)) {
            told.seq = seq;
        }
    }
}

/// Tells of a round of this process that is written. Whoever calls has the turn.
pub(super) async fn tell(shared: &Shared, seq: i64, round: &Round) {
    let Some((follower, told)) = shared.feed.state() else {
        return;
    };
    if told + 1 == seq {
        round.tell(&*follower);
        shared.feed.advance(&follower, seq);
    } else if let Err(error) = read(shared).await {
        // The round is written; what others wrote before it is read with the next look.
        tracing::warn!(%error, "what other processes wrote is not read yet");
        round.tell(&*follower);
    }
}

/// Reads what was missed and tells it. Whoever calls has the turn.
async fn read(shared: &Shared) -> Result<(), ReadError> {
    let Some((follower, told)) = shared.feed.state() else {
        return Ok(());
    };
    let followed: Vec<&str> =
        Kind::ALL.iter().filter(|kind| follower.follows(**kind)).map(|kind| kind.name()).collect();
    let rows = shared.query(MISSED, &[&told, &followed, &MOST_MISSED]).await?;
    let Some(first) = rows.first() else {
        return Err(ReadError::new("the table muster_head is empty"));
    };
    let (head, missed): (i64, i64) = (first.get(0), first.get(1));
    if missed != head - told {
        // Rounds are gone from the feed, or the database is an older one, brought back.
        follower.lost();
    } else {
        let mut changes = Vec::new();
        for row in &rows {
            let (Some(name), Some(id)) = (row.get::<_, Option<&str>>(2), row.get::<_, Option<String>>(3)) else {
                continue;
            };
            let shape = row.get::<_, Option<i64>>(4).map(|shape| u32::try_from(shape).unwrap_or(u32::MAX));
            changes.push((kind(name)?, restored(id), shape.zip(row.get::<_, Option<&str>>(5))));
        }
        changes.sort_unstable_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let changes: Vec<_> =
            changes.iter().map(|(kind, id, now)| Change { kind: *kind, id, now: *now, typed: None }).collect();
        if !changes.is_empty() {
            follower.apply(&changes);
        }
    }
    shared.feed.advance(&follower, head);
    Ok(())
}

/// Looks once how the database is and whether others wrote.
pub(super) async fn look(shared: &Shared) -> Result<(), ReadError> {
    let rows = shared.query("SELECT seq FROM muster_head", &[]).await?;
    let head: i64 = rows.first().map_or(0, |row| row.get(0));
    if shared.feed.state().is_some_and(|(_, told)| told != head) {
        let _turn = shared.feed.turn().await;
        read(shared).await?;
    }
    Ok(())
}

/// Measures the tables, and deletes what nobody reads any more.
async fn tidy(shared: &Shared) -> Result<(), ReadError> {
    let size = "SELECT (pg_total_relation_size('muster_record') + pg_total_relation_size('muster_feed'))::bigint";
    if let Some(row) = shared.query(size, &[]).await?.first() {
        shared.seen().bytes = row.get::<_, i64>(0).cast_unsigned();
    }
    let client = shared.client().await?;
    client.batch_execute(TIDY).await.map_err(|error| ReadError::new(said(&error)))
}

/// Follows the database for as long as this runs.
pub(super) async fn run(shared: Arc<Shared>, database: Database) {
    let listening = async {
        loop {
            let heard = |writer: &str| {
                if writer != shared.writer {
                    shared.feed.hint.notify_one();
                }
            };
            // Without it others are heard of a second later.
            let ended = database.listen(&shared.channel, heard).await;
            tracing::debug!(?ended, "notifications of the database end; listening again");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let looking = async {
        let mut looks = 0;
        loop {
            tokio::select! {
                () = shared.feed.hint.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {
                    looks += 1;
                    if looks % TIDY_EVERY == 1 && let Err(error) = tidy(&shared).await {
                        tracing::debug!(%error, "the database is not tidied up");
                    }
                }
            }
            let result = look(&shared).await.map_err(|error| error.why);
            shared.answered(result);
        }
    };
    tokio::join!(listening, looking);
}
