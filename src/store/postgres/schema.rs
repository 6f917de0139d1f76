//! The tables and their migrations: one for each layout. The first process that starts applies it, once.

use anyhow::bail;
use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;

use super::connect::said;
use crate::store::EDITION;

/// Each migration brings the tables to the next layout. Never change one that was released. Add another.
const MIGRATIONS: [&str; 1] = ["
CREATE TABLE muster_record (
    kind text COLLATE \"C\" NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    ver bigint NOT NULL,
    claims bigint NOT NULL,
    shape bigint NOT NULL,
    queue text COLLATE \"C\",
    due bigint,
    leased_until bigint,
    lane text COLLATE \"C\",
    body text NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 85);
CREATE INDEX muster_record_waits ON muster_record (lane, queue, id) WHERE lane IS NOT NULL;

CREATE TABLE muster_queue (
    lane text COLLATE \"C\" NOT NULL,
    queue text COLLATE \"C\" NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    due bigint NOT NULL,
    ready bigint NOT NULL,
    PRIMARY KEY (lane, queue)
) WITH (fillfactor = 70);
CREATE INDEX muster_queue_ready ON muster_queue (lane, ready, queue);
COMMENT ON TABLE muster_queue IS 'the first record of every queue, and when it can be claimed';
COMMENT ON TABLE muster_record IS 'what Muster keeps; body is JSON; due and leased_until are milliseconds since 1970';
COMMENT ON COLUMN muster_record.lane IS 'set for what waits for delivery: the part of queue before the slash';

CREATE TABLE muster_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    stamp text NOT NULL
);
INSERT INTO muster_head (seq, stamp) VALUES (0, '');
COMMENT ON TABLE muster_head IS 'the number and the stamp of the last round; whoever writes locks this row first';

CREATE TABLE muster_feed (
    seq bigint PRIMARY KEY,
    stamp text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kinds text[] NOT NULL,
    ids text[] NOT NULL
);
CREATE INDEX muster_feed_at ON muster_feed (at);
COMMENT ON TABLE muster_feed IS 'which records a round changed, for a while';

CREATE TABLE muster_writer (
    writer text COLLATE \"C\" PRIMARY KEY,
    stamp text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE muster_writer IS 'the last round of every process: how it learns whether a round was written whose answer was lost';
"];

/// The layout that this Muster writes.
pub(super) fn layout() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Whether the tables fit this Muster. Changes nothing.
pub(super) async fn is_up_to_date(client: &Object) -> Result<bool, tokio_postgres::Error> {
    if !client.query_one("SELECT to_regclass('muster_layout') IS NOT NULL", &[]).await?.get::<_, bool>(0) {
        return Ok(false);
    }
    let row = client.query_one("SELECT layout, edition FROM muster_layout", &[]).await?;
    Ok((row.get::<_, i64>(0), row.get::<_, i64>(1)) == (layout(), i64::from(EDITION)))
}

/// Makes the tables, or brings them up to date.
pub(super) async fn prepare(client: &Object) -> anyhow::Result<()> {
    let mut tries = 0;
    loop {
        match migrate(client).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(newer)) => {
                bail!(
                    "the database was written by a newer Muster ({newer}); nothing was changed. Start the newer Muster"
                )
            }
            Err(error) => {
                // Two processes that start at once may both try to make the first table.
                let at_once = [
                    SqlState::UNIQUE_VIOLATION,
                    SqlState::DUPLICATE_TABLE,
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    SqlState::T_R_DEADLOCK_DETECTED,
                ];
                tries += 1;
                let again = tries < 10 && error.code().is_some_and(|code| at_once.contains(code));
                let _ = client.batch_execute("ROLLBACK").await;
                if !again {
                    bail!("the tables cannot be made or updated: {}", said(&error));
                }
            }
        }
    }
}

/// Migrates in one transaction. The inner error says what a newer Muster wrote.
async fn migrate(client: &Object) -> Result<Result<(), String>, tokio_postgres::Error> {
    client
        .batch_execute(
            "BEGIN;
            SET LOCAL statement_timeout = 0;
            CREATE TABLE IF NOT EXISTS muster_layout (
                one boolean PRIMARY KEY DEFAULT true CHECK (one), layout bigint NOT NULL, edition bigint NOT NULL DEFAULT 0);
            INSERT INTO muster_layout (layout) VALUES (0) ON CONFLICT DO NOTHING",
        )
        .await?;
    // The row is locked until the end, so that a process that starts at the same moment waits.
    let row = client.query_one("SELECT layout, edition FROM muster_layout FOR UPDATE", &[]).await?;
    let (known, reads) = (layout(), i64::from(EDITION));
    let (layout, edition): (i64, i64) = (row.get(0), row.get(1));
    let newer = if layout > known {
        Some(format!("layout {layout}; this one knows {known}"))
    } else if edition > reads {
        Some(format!("records of edition {edition}; this one knows {reads}"))
    } else {
        None
    };
    if let Some(newer) = newer {
        client.batch_execute("ROLLBACK").await?;
        return Ok(Err(newer));
    }
    if layout > 0 {
        // A process that is writing may finish. It finds the new layout with its next round.
        client.execute("SELECT FROM muster_head FOR UPDATE", &[]).await?;
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(layout).unwrap_or(0)) {
        client.batch_execute(migration).await?;
    }
    let update = "UPDATE muster_layout SET layout = $1, edition = $2 WHERE layout <> $1 OR edition <> $2";
    client.execute(update, &[&known, &reads]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(Ok(()))
}
