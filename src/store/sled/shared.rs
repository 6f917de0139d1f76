//! What the threads of an open store share, and reopening the database while they run.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::{Condvar, Mutex, RwLock};

use super::database::{Database, head_of, open_soon, remove_half_made_snapshots, take};
use super::directory::{DATABASE, JOURNAL};
use super::journal::Journal;
use super::mark::MarkFile;
use super::memtable::Memtable;
use super::room::Room;
use super::segments;
use super::sidecar::Sidecar;

/// How often the threads check for work.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// How often backups are made while the store is open, and how many are kept.
#[derive(Debug, Clone, Copy)]
pub struct Backups {
    /// How often; `None` means never.
    pub every: Option<Duration>,
    pub keep: usize,
}

/// Shared by the committer's thread and the upkeep.
pub(super) struct Shared {
    /// Sled; `None` while it is being opened again, and after it was closed.
    pub(super) db: RwLock<Option<Database>>,
    pub(super) directory: PathBuf,
    pub(super) journal: Mutex<Journal>,
    pub(super) sidecar: Mutex<Sidecar>,
    pub(super) mark: MarkFile,
    /// Rounds that are in the journal but not yet in sled.
    pub(super) recent: Memtable,
    /// The last round of the journal, and the last round in sled.
    pub(super) last: AtomicU64,
    pub(super) head: AtomicU64,
    /// Bytes journalled since the last checkpoint, and since the last base.
    pub(super) since_checkpoint: AtomicU64,
    pub(super) since_base: AtomicU64,
    pub(super) base_bytes: AtomicU64,
    /// Whether a base is due but there is no room for it.
    pub(super) base_waits: AtomicBool,
    pub(super) room: Room,
    pub(super) backups: Backups,
    pub(super) stop: Mutex<bool>,
    pub(super) wake: Condvar,
    // The last field, so that it is dropped after everything else is closed.
    pub(super) _lock: File,
}

impl Shared {
    pub(super) fn with<T>(&self, ask: impl FnOnce(&Database) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let database = self.db.read();
        ask(database.as_ref().context("the database is closed, or could not be opened again")?)
    }

    /// Whether the database is closed, or just being opened again.
    pub(super) fn is_closed(&self) -> bool {
        self.db.try_read().is_none_or(|database| database.is_none())
    }

    /// After one failed write, as on a full disk, sled refuses all others. So this opens it again, and it catches up from the journal. Without a
    /// reason, this opens it only if it is closed.
    pub(super) fn open_again(&self, why: Option<&anyhow::Error>) -> anyhow::Result<()> {
        self.room.look_again();
        // Nothing is appended while the journal is read.
        let _journal = self.journal.lock();
        let mut database = self.db.write();
        match why {
            None if database.is_some() => return Ok(()),
            Some(why) if database.is_some() => {
                tracing::error!(error = %format!("{why:#}"), "the database could not write. Muster opens it again, and it catches up from the journal");
            }
            _ => {}
        }
        *database = None;
        let path = self.directory.join(DATABASE);
        remove_half_made_snapshots(&path)?;
        let db = open_soon(&path)?;
        let above = head_of(&db)?;
        let last =
            segments::replay(&self.directory.join(JOURNAL), above, |frame| take(&db, frame.sequence, &frame.changes))?;
        self.head.fetch_max(last, Ordering::SeqCst);
        *database = Some(Database::of(db, &self.directory)?);
        Ok(())
    }
}

/// Ends the process, as after a failed write. The next start makes the database whole from the journal.
pub(super) fn stop(why: &str) -> ! {
    tracing::error!(error = %why, "the database cannot go on, so Muster stops. Everything that was acknowledged is in the journal, and the next start makes the database whole");
    std::process::exit(70)
}
