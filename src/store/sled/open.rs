//! Opens, writes, reads and closes a store.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use parking_lot::{Condvar, Mutex, RwLock};

use super::base::{base, base_file, forget_other_bases};
use super::database::{Database, SCHEMA_KEY};
use super::directory::{DATABASE, MARK, RESTORING, is_full, lock, sync_directory};
use super::inspect::{expect_store, no_store_without_its_sidecar};
use super::mark::MarkFile;
use super::memtable::{self, Memtable};
use super::recovery::{came_back_empty, made_anew, made_from_backup, opened, put_journal_aside, settle};
use super::room::Room;
use super::shared::{Backups, Shared, stop};
use super::sidecar::{SCHEMA, newer, reached, read_sidecar, write_sidecar};
use crate::store::bytes::{Bytes, Changes, Pair, WriteError};
use crate::store::committer::Committed;
use crate::store::{EDITION, ReadError, Store};

pub struct SledEngine {
    shared: Arc<Shared>,
    /// Its threads; `None` if it was closed.
    threads: Mutex<Option<Vec<std::thread::JoinHandle<()>>>>,
}

/// Opens, or creates, the store in a directory. It makes no backups by itself.
///
/// # Errors
/// In words for an operator: another process uses it, it is older than it should be, it is damaged, or a newer Muster wrote it.
pub fn open(directory: &Path) -> anyhow::Result<Store> {
    open_with(directory, Backups { every: None, keep: 0 })
}

/// As [`open`], with backups while it runs.
pub fn open_with(directory: &Path, backups: Backups) -> anyhow::Result<Store> {
    let engine = SledEngine::open(directory, backups)?;
    Ok(Store::new(Arc::new(Committed::start(Arc::new(engine))?)))
}

/// Makes a backup of a store that no process uses, and returns its folder.
///
/// # Errors
/// There is no store, it cannot be opened, or the disk failed.
pub fn back_up(directory: &Path) -> anyhow::Result<PathBuf> {
    expect_store(directory)?;
    let engine = SledEngine::open(directory, Backups { every: None, keep: usize::MAX })?;
    let made = engine.shared.back_up()?;
    engine.close()?;
    Ok(made)
}

impl SledEngine {
    fn open(directory: &Path, backups: Backups) -> anyhow::Result<Self> {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the store's directory {}", directory.display()))?;
        // Take the lock first: files that another process is writing must not be judged.
        let lock = lock(directory)?;
        let found = read_sidecar(directory)?;
        if found.is_none() {
            no_store_without_its_sidecar(directory)?;
        }
        let mut sidecar = found.unwrap_or_default();
        if let Some(newer) = newer(&sidecar) {
            bail!("the store in {} {newer}; nothing was changed. Start the newer Muster", directory.display());
        }
        let room = Room::of(directory);
        room.for_a_start();
        put_journal_aside(directory, &mut sidecar)?;
        let _ = fs::remove_dir_all(directory.join(RESTORING));
        let is_old = sidecar.schema == 1 && sidecar.has_data;
        let restored = sidecar.restored && !directory.join(DATABASE).exists();
        let mark = reached(directory, &sidecar)?;
        let looked =
            if restored { made_from_backup(directory, &sidecar, mark) } else { opened(directory, &mut sidecar, mark) };
        let (db, mut journal) = match looked {
            Ok(opened) => opened,
            Err(why) if restored => return Err(why),
            Err(why) if is_old => return Err(why),
            Err(why) if !sidecar.has_data || is_full(&why) => return Err(why),
            Err(why) => made_anew(directory, &sidecar, mark, &why)?,
        };
        let head = journal.last().round;
        let is_empty = head == 0 && sidecar.base.is_none();
        if is_empty && sidecar.has_data && !is_old && !directory.join(MARK).exists() {
            // The mark is always made before the first record is written.
            bail!("{}", came_back_empty(directory));
        }
        let database = Database::of(db, directory)?;
        let db = &database.db;
        db.insert(SCHEMA_KEY, SCHEMA.to_string().as_bytes()).context("cannot write the store's layout")?;
        db.flush().context("cannot write the store's layout")?;
        database.file.sync_all().context("cannot sync the database file")?;
        (sidecar.schema, sidecar.edition, sidecar.restored) = (SCHEMA, EDITION, false);
        sidecar.clean = false;
        sidecar.sums.clear();
        sidecar.mark = head;
        (sidecar.journal_aside, sidecar.begun) = (false, false);
        if is_old {
            // The old layout has no journal. Its data becomes the first base.
            base(directory, db, head, |_| Ok(()))?;
            sidecar.base = Some(head);
        }
        settle(directory, db, &journal, &mut sidecar)?;
        write_sidecar(directory, &sidecar)?;
        // It is not needed any more, and may be damaged.
        journal.forget(sidecar.base.unwrap_or(0))?;
        let mark = MarkFile::open(&directory.join(MARK), journal.last())?;
        forget_other_bases(directory, sidecar.base);
        for directory in [
            &directory.join(DATABASE),
            directory,
            directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")),
        ] {
            sync_directory(directory)?;
        }
        let journal_bytes = journal.bytes().context("cannot measure the journal")?;
        let base_bytes = sidecar.base.and_then(|base| fs::metadata(base_file(directory, base)).ok());
        let shared = Arc::new(Shared {
            db: RwLock::new(Some(database)),
            directory: directory.to_owned(),
            journal: Mutex::new(journal),
            recent: Memtable::default(),
            last: AtomicU64::new(head),
            head: AtomicU64::new(head),
            since_checkpoint: AtomicU64::new(0),
            since_base: AtomicU64::new(journal_bytes),
            base_bytes: AtomicU64::new(base_bytes.map_or(0, |of| of.len())),
            sidecar: Mutex::new(sidecar),
            mark,
            base_waits: AtomicBool::new(false),
            room,
            backups,
            stop: Mutex::new(false),
            wake: Condvar::new(),
            _lock: lock,
        });
        let engine = Self { shared, threads: Mutex::new(Some(Vec::new())) };
        engine.spawn("layers", Shared::take_layers)?;
        engine.spawn("checkpoints", Shared::run)?;
        Ok(engine)
    }

    fn spawn(&self, name: &str, work: fn(&Shared)) -> io::Result<()> {
        let of = self.shared.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || guarded(|| work(&of)))?;
        self.threads.lock().get_or_insert_default().push(thread);
        Ok(())
    }
}

/// Runs a thread of the store. It stops the store if sled panics, because the state of sled is then unknown.
fn guarded(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        stop("it broke off");
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(error = %format!("{error:#}"), "the store was not closed cleanly; the next start checks all of it");
        }
    }
}

impl Bytes for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(recent) = self.shared.recent.get(key) {
            return Ok(recent);
        }
        let value = self.shared.with(|of| Ok(of.db.get(key)?)).map_err(|error| ReadError::new(format!("{error:#}")))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError> {
        let unreadable = |error: anyhow::Error| ReadError::new(format!("{error:#}"));
        let pair = |pair: ::sled::Result<(::sled::IVec, ::sled::IVec)>| {
            let (key, value) = pair.map_err(|error| unreadable(error.into()))?;
            Ok((key.to_vec(), value.to_vec()))
        };
        // Recent writes are read before sled is.
        let recent = self.shared.recent.range(from, to, limit);
        let read = self.shared.with(|of| Ok(memtable::over(recent, of.db.range(from..to).map(pair), limit)));
        read.map_err(unreadable)?
    }

    fn write(&self, changes: Changes) -> Result<(), WriteError> {
        let shared = &self.shared;
        if !shared.sidecar.lock().has_data {
            // Note this before the first record: from here on, an empty store means lost data.
            let mut sidecar = shared.sidecar.lock();
            sidecar.has_data = true;
            if let Err(error) = write_sidecar(&shared.directory, &sidecar) {
                sidecar.has_data = false;
                return Err(WriteError::NoRoom(format!("{error:#}")));
            }
        }
        let mark = shared.journal.lock().append(&changes).inspect_err(|_| shared.room.look_again())?;
        // It is durable.
        shared.mark.move_to(mark);
        shared.last.store(mark.round, Ordering::SeqCst);
        let size: usize = changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        shared.since_base.fetch_add(size as u64, Ordering::Relaxed);
        shared.since_checkpoint.fetch_add(size as u64, Ordering::Relaxed);
        shared.recent.put(mark.round, changes);
        Ok(())
    }

    fn figures(&self) -> Vec<(&'static str, u64)> {
        let blobs = fs::read_dir(self.shared.directory.join(DATABASE).join("blobs")).map_or(0, Iterator::count);
        let bytes = self.shared.with(|of| Ok(of.db.size_on_disk()?)).unwrap_or(0);
        vec![("bytes", bytes), ("blobs", blobs as u64)]
    }

    fn close(&self) -> anyhow::Result<()> {
        let mut threads = self.threads.lock();
        let Some(threads) = threads.take() else { return Ok(()) };
        *self.shared.stop.lock() = true;
        self.shared.wake.notify_all();
        self.shared.recent.close();
        for thread in threads {
            let _ = thread.join();
        }
        self.shared.close()
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.shared.directory)
    }

    fn room(&self) -> Result<(), String> {
        let shared = &self.shared;
        let closed = || shared.is_closed().then(|| "the database is being opened again".to_owned());
        shared.recent.why_behind().or_else(closed).or_else(|| shared.room.refuses()).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::backup::backups;
    use crate::store::sled::base::newest_base;
    use crate::store::sled::memtable::Layer;
    use crate::store::sled::restore;
    use crate::store::sled::upkeep::BASE_AFTER_BYTES;
    use crate::store::{Batch, Expect, Id, Record};
    use anyhow::anyhow;
    use serde::{Deserialize, Serialize};
    use std::time::Duration;

    #[derive(Clone, Serialize, Deserialize)]
    struct Text(String);

    impl Record for Text {
        const KIND: crate::store::Kind = crate::store::Kind::Meta;
        const SHAPE: u32 = 1;
    }

    fn put(store: &Store, id: &str, text: &str) {
        let mut batch = Batch::new();
        batch.put(&Id::<Text>::new(id), Expect::Any, &Text(text.to_owned()));
        runtime().block_on(store.commit(batch)).expect("it commits");
    }

    fn has(store: &Store, id: &str) -> bool {
        runtime().block_on(store.get(&Id::<Text>::new(id))).expect("it reads").is_some()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn backups_are_made_while_it_runs_and_the_latest_are_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let backups_due = Backups { every: Some(Duration::ZERO), keep: 2 };
        let engine = Arc::new(SledEngine::open(directory.path(), backups_due).expect("it opens"));
        let store = Store::new(Arc::new(Committed::start(engine.clone()).expect("it starts")));
        engine.shared.back_up_if_due().expect("nothing is there yet");
        assert!(backups(directory.path()).is_empty());
        for id in ["a", "b", "c"] {
            put(&store, id, "text");
            engine.shared.back_up_if_due().expect("a backup");
        }
        let made = backups(directory.path());
        assert_eq!(made.len(), 2, "{made:?}");
        put(&store, "d", "later");
        let restored = tempfile::tempdir().expect("a directory");
        restore(&made[1], restored.path()).expect("it is brought back");
        let restored = open(restored.path()).expect("it opens");
        assert!(["a", "b", "c"].iter().all(|id| has(&restored, id)) && !has(&restored, "d"));
    }

    /// One key is written in two rounds. Sled is opened again in between, and gets the second round from the journal.
    #[test]
    fn an_older_layer_never_comes_over_what_is_newer() {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = SledEngine::open(directory.path(), Backups { every: None, keep: 0 }).expect("it opens");
        let says = |what: &str| Changes::from([(b"key".to_vec(), Some(what.as_bytes().to_vec()))]);
        engine.write(says("older")).expect("it is written");
        engine.write(says("newer")).expect("it is written");
        engine.shared.open_again(Some(&anyhow!("the disk was full"))).expect("it opens");
        engine
            .shared
            .take_layer(&Layer { changes: says("older"), last: 1, ..Layer::default() })
            .expect("there is nothing to do");
        let in_sled = engine.shared.with(|of| Ok(of.db.get(b"key")?)).expect("it reads");
        assert_eq!(in_sled.as_deref(), Some(&b"newer"[..]));
    }

    /// A base does not use the room that is kept for accepted work. It is made once there is more room.
    #[test]
    fn a_base_waits_for_room_and_leaves_nothing_half_made() {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = SledEngine::open(directory.path(), Backups { every: None, keep: 0 }).expect("it opens");
        engine.write(Changes::from([(b"key".to_vec(), Some(b"value".to_vec()))])).expect("it is written");
        let (shared, half) = (&engine.shared, directory.path().join("base.new"));
        shared.base_if_due(1).expect("none is due");
        assert_eq!((newest_base(directory.path()), half.exists()), (None, false));
        let db = shared.with(|of| Ok(of.db.clone())).expect("it is open");
        let full = |_| Err(io::Error::new(io::ErrorKind::StorageFull, "full"));
        base(directory.path(), &db, 1, full).expect_err("there is no room");
        assert_eq!((newest_base(directory.path()), half.exists()), (None, false));
        shared.since_base.store(BASE_AFTER_BYTES, Ordering::Relaxed);
        shared.base_if_due(1).expect("there is room");
        assert_eq!((newest_base(directory.path()), half.exists()), (Some(1), false));
        assert_eq!(shared.since_base.load(Ordering::Relaxed), 0);
    }

    /// `health` says that a database is closed. Once it is open again, it has everything.
    #[test]
    fn a_database_that_closed_is_said_and_opened_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = SledEngine::open(directory.path(), Backups { every: None, keep: 0 }).expect("it opens");
        engine.write(Changes::from([(b"key".to_vec(), Some(b"value".to_vec()))])).expect("it is written");
        {
            // The database cannot be opened while this is held.
            let mut database = engine.shared.db.write();
            *database = None;
            assert_eq!(engine.room(), Err("the database is being opened again".to_owned()));
        }
        assert_eq!(engine.get(b"key").expect("the memtable has it").as_deref(), Some(&b"value"[..]));
        engine.shared.open_again(None).expect("it opens");
        let in_sled = engine.shared.with(|of| Ok(of.db.get(b"key")?)).expect("it reads");
        assert_eq!(in_sled.as_deref(), Some(&b"value"[..]));
        assert_eq!(engine.room(), Ok(()));
    }
}
