//! The embedded engine: sled 0.34.7 with the guards it needs, each learnt from a measured loss.
//!
//! - `flush` alone is no fsync: after every batch the database file is synced too, or a power cut loses everything.
//! - A crash at start leaves `snap.*.generating`, with which sled never opens again: removed before opening.
//! - After a torn log sled may open *empty* and without an error: a sidecar file says that there was data, and then the
//!   start is refused. A panic while opening is turned into the same refusal.
//! - Records are capped (`MAX_RECORD_BYTES`) and segments large, so that nothing goes to `blobs/`, which sled never syncs.
//! - All writes come from the committer's thread; one tree holds all kinds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::committer::{Bytes, Committed, Pair, WriteError};
use super::{ReadError, Store};

/// The version of the layout that this program writes.
const SCHEMA: u32 = 1;
const SIDECAR: &str = "store.json";
const DATABASE: &str = "sled";
const SCHEMA_KEY: &[u8] = b"!schema";

/// What the sidecar remembers, since sled itself may forget.
#[derive(Debug, Serialize, Deserialize)]
struct Sidecar {
    schema: u32,
    /// Whether anything was ever committed.
    has_data: bool,
    /// Whether the last process closed it; if not, it is copied before sled recovers it.
    #[serde(default)]
    clean: bool,
}

/// Sled on a directory.
pub struct SledEngine {
    db: ::sled::Db,
    database_file: File,
    directory: PathBuf,
    marked: AtomicBool,
    ballast: PathBuf,
    // Last, so that it is let go when everything else is closed.
    _lock: File,
}

/// Bytes kept aside, so that a full disk can be left again: sled cannot even open on one.
const BALLAST_BYTES: u64 = 16 * 1024 * 1024;
/// Less free space than this stops what would grow the store.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// Opens, or creates, the store in a directory.
///
/// # Errors
/// In words for an operator: another process has it, it came back empty, it is damaged, it is of a newer Muster.
pub fn open(directory: &Path) -> anyhow::Result<Store> {
    let engine = SledEngine::open(directory)?;
    Ok(Store::new(Arc::new(Committed::start(Arc::new(engine))?)))
}

impl SledEngine {
    fn open(directory: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the store's directory {}", directory.display()))?;
        let path = directory.join(DATABASE);
        // Before anything is looked at: what another process is just writing must not be judged.
        let lock = lock(directory)?;
        let sidecar = read_sidecar(directory)?;
        if let Some(sidecar) = &sidecar
            && sidecar.schema > SCHEMA
        {
            bail!(
                "the store in {} has layout {}, and this Muster knows up to {SCHEMA}; start the newer Muster, or export there and import here",
                directory.display(),
                sidecar.schema
            );
        }
        remove_half_made_snapshots(&path)?;
        let ballast = directory.join("ballast");
        if sidecar.as_ref().is_some_and(|sidecar| sidecar.has_data && !sidecar.clean) {
            keep_a_copy(directory, &path);
        }
        let db = open_guarded(&path, &ballast)?;
        let schema = db.get(SCHEMA_KEY).context("cannot read the store's layout")?;
        if schema.is_none() {
            if sidecar.as_ref().is_some_and(|sidecar| sidecar.has_data) {
                bail!(came_back_empty(directory));
            }
            if db.iter().next().is_some() {
                bail!("the store in {} holds records but no layout; it is damaged. {}", directory.display(), RESTORE);
            }
            db.insert(SCHEMA_KEY, SCHEMA.to_string().as_bytes()).context("cannot write the store's layout")?;
            db.flush().context("cannot write the store's layout")?;
        }
        let database_file = File::open(path.join("db")).context("cannot open the database file for syncing")?;
        database_file.sync_all().context("cannot sync the database file")?;
        {
            let name = path.join("conf");
            File::open(&name)
                .and_then(|file| file.sync_all())
                .with_context(|| format!("cannot sync {}", name.display()))?;
        }
        let has_data = sidecar.as_ref().is_some_and(|sidecar| sidecar.has_data);
        write_sidecar(directory, &Sidecar { schema: SCHEMA, has_data, clean: false })?;
        for directory in [
            path.as_path(),
            directory,
            directory.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")),
        ] {
            sync_directory(directory)?;
        }
        Ok(Self {
            db,
            database_file,
            directory: directory.to_owned(),
            marked: AtomicBool::new(has_data),
            ballast,
            _lock: lock,
        })
    }
}

const RESTORE: &str =
    "Keep a copy of the directory, then restore the last export with `muster import FILE` into an empty directory.";

fn came_back_empty(directory: &Path) -> String {
    format!(
        "the store in {} came back empty although it held data: the disk lost its log in a power cut or it was removed by hand. \
         Muster does not start on an empty store, because it would page again for what is known and forget what is open. {RESTORE} \
         If it is meant to be empty, remove {} too.",
        directory.display(),
        directory.join(SIDECAR).display()
    )
}

/// One process a directory. Sled has a lock of its own, but takes it only while it recovers.
fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(anyhow!("another process uses the store in {}; only one Muster may", directory.display()))
        }
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Sled may panic on a torn log (sled issue 1387). On a full disk it cannot open at all, so the ballast is let go first.
fn open_guarded(path: &Path, ballast: &Path) -> anyhow::Result<::sled::Db> {
    let open = || {
        catch_unwind(AssertUnwindSafe(|| {
            ::sled::Config::new()
                .path(path)
                .cache_capacity(64 * 1024 * 1024)
                .segment_size(SEGMENT_BYTES)
                .flush_every_ms(Some(500))
                .open()
        }))
    };
    let mut opened = open();
    if matches!(&opened, Ok(Err(::sled::Error::Io(error))) if error.kind() == std::io::ErrorKind::StorageFull)
        && ballast.exists()
    {
        fs::remove_file(ballast).context("the disk is full, and the ballast cannot be removed")?;
        opened = open();
    }
    match opened {
        Ok(Ok(db)) => {
            // Best effort: on a disk that is nearly full there is no ballast, and `room` says so.
            let _ = make_ballast(ballast);
            Ok(db)
        }
        Ok(Err(error)) => Err(anyhow!("the store in {} cannot be opened: {error}. {RESTORE}", path.display())),
        Err(_) => Err(anyhow!("the store in {} is damaged and cannot be opened. {RESTORE}", path.display())),
    }
}

fn make_ballast(ballast: &Path) -> std::io::Result<()> {
    if ballast.exists() {
        return Ok(());
    }
    let mut file = File::create(ballast)?;
    let block = vec![0u8; 1024 * 1024];
    for _ in 0..BALLAST_BYTES / (1024 * 1024) {
        file.write_all(&block)?;
    }
    file.sync_all()
}

fn remove_half_made_snapshots(path: &Path) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(path) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).with_context(|| format!("cannot remove the half-made snapshot {name}"))?;
        }
    }
    Ok(())
}

fn read_sidecar(directory: &Path) -> anyhow::Result<Option<Sidecar>> {
    let path = directory.join(SIDECAR);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
            format!(
                "{} is damaged; if the store is whole, write {{\"schema\":{SCHEMA},\"has_data\":true}} into it",
                path.display()
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The last stop was none: recovery may roll back more than it should, so what there was is kept beside, the latest copy
/// only. A copy that cannot be made (a full disk) does not stop the start.
fn keep_a_copy(directory: &Path, path: &Path) {
    let kept = directory.join("before-recovery");
    let copy = || -> std::io::Result<()> {
        if kept.exists() {
            fs::remove_dir_all(&kept)?;
        }
        fs::create_dir_all(&kept)?;
        for entry in fs::read_dir(path)?.flatten().filter(|entry| entry.path().is_file()) {
            fs::copy(entry.path(), kept.join(entry.file_name()))?;
        }
        Ok(())
    };
    match copy() {
        Ok(()) => tracing::info!("the last stop was unclean; the store as it was is kept in before-recovery"),
        Err(error) => tracing::warn!(%error, "the last stop was unclean, and the store could not be copied"),
    }
}

/// Written beside, synced and renamed, so that it is never half there.
fn write_sidecar(directory: &Path, sidecar: &Sidecar) -> anyhow::Result<()> {
    let path = directory.join(SIDECAR);
    let beside = directory.join("store.json.new");
    let mut file = File::create(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
    file.write_all(&serde_json::to_vec(sidecar)?)?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    sync_directory(directory)
}

fn sync_directory(directory: &Path) -> anyhow::Result<()> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("cannot sync the directory {}", directory.display()))
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        // Everything that was acknowledged is on disk already; this only spares the next start the copy.
        let closed = self.db.flush().is_ok() && self.database_file.sync_data().is_ok();
        let sidecar = Sidecar { schema: SCHEMA, has_data: self.marked.load(Ordering::Relaxed), clean: closed };
        if let Err(error) = write_sidecar(&self.directory, &sidecar) {
            tracing::warn!(error = %format!("{error:#}"), "the store's sidecar could not be written");
        }
    }
}

impl Bytes for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.db
            .get(key)
            .map(|value| value.map(|value| value.to_vec()))
            .map_err(|error| ReadError::new(error.to_string()))
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError> {
        self.db
            .range(from..to)
            .take(limit)
            .map(|pair| {
                pair.map(|(key, value)| (key.to_vec(), value.to_vec()))
                    .map_err(|error| ReadError::new(error.to_string()))
            })
            .collect()
    }

    fn write(&self, batch: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<(), WriteError> {
        let broken = |error: &dyn std::fmt::Display| WriteError::Broken(error.to_string());
        if !self.marked.load(Ordering::Relaxed) {
            // Before the first record: from here on, empty means lost.
            let sidecar = Sidecar { schema: SCHEMA, has_data: true, clean: false };
            write_sidecar(&self.directory, &sidecar).map_err(|error| broken(&format!("{error:#}")))?;
            self.marked.store(true, Ordering::Relaxed);
        }
        let mut sled_batch = ::sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => sled_batch.insert(key.as_slice(), value.as_slice()),
                None => sled_batch.remove(key.as_slice()),
            }
        }
        self.db.apply_batch(sled_batch).map_err(|error| broken(&error))?;
        self.db.flush().map_err(|error| broken(&error))?;
        // `flush` ends with `sync_file_range`, which is no promise. This is.
        self.database_file.sync_data().map_err(|error| broken(&error))
    }

    fn figures(&self) -> Vec<(&'static str, u64)> {
        let blobs = fs::read_dir(self.directory.join(DATABASE).join("blobs")).map_or(0, Iterator::count);
        vec![("bytes", self.db.size_on_disk().unwrap_or(0)), ("blobs", blobs as u64)]
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.directory)
    }

    fn room(&self) -> Result<(), String> {
        if self.ballast.exists() {
            Ok(())
        } else {
            Err("the disk is nearly full: there was no room for the store's reserve; free some space and restart"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, Expect, Id, Record};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
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

    fn fill(directory: &Path) {
        let store = open(directory).expect("it opens");
        put(&store, "x", "text");
    }

    /// Dropping the store stops its thread a moment later; a reopen waits for the lock.
    fn reopen(directory: &Path) -> anyhow::Result<Store> {
        let mut result = open(directory);
        for _ in 0..200 {
            match &result {
                Err(error) if error.to_string().contains("another process") => {
                    std::thread::yield_now();
                    std::thread::park_timeout(std::time::Duration::from_millis(10));
                    result = open(directory);
                }
                _ => break,
            }
        }
        result
    }

    #[test]
    fn a_half_made_snapshot_does_not_stop_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        fs::write(directory.path().join("sled/snap.0000.generating"), b"half").expect("a file");
        let store = reopen(directory.path()).expect("it opens all the same");
        assert!(has(&store, "x"));
    }

    #[test]
    fn a_store_that_came_back_empty_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        drop(reopen(directory.path()).expect("it opens"));
        fs::remove_dir_all(directory.path().join("sled")).expect("it is gone");
        let error = reopen(directory.path()).err().expect("it refuses").to_string();
        assert!(error.contains("came back empty although it held data"), "{error}");
    }

    #[test]
    fn after_an_unclean_stop_a_copy_is_kept_before_recovery() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        drop(reopen(directory.path()).expect("it opens"));
        assert!(!directory.path().join("before-recovery").exists());
        // What a crash leaves: the files as they are, and a sidecar that does not say "clean".
        let _running = reopen(directory.path()).expect("it opens");
        let crashed = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(crashed.path().join("sled")).expect("a directory");
        for name in ["sled/db", "sled/conf", SIDECAR] {
            fs::copy(directory.path().join(name), crashed.path().join(name)).expect("a copy");
        }
        let store = open(crashed.path()).expect("it opens");
        assert!(has(&store, "x"));
        assert!(crashed.path().join("before-recovery/db").exists());
    }

    #[test]
    fn a_second_process_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let _first = open(directory.path()).expect("it opens");
        let error = open(directory.path()).err().expect("it refuses").to_string();
        assert!(error.contains("only one Muster may"), "{error}");
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(SIDECAR), br#"{"schema":99,"has_data":true}"#).expect("a file");
        let error = open(directory.path()).err().expect("it refuses").to_string();
        assert!(error.contains("start the newer Muster"), "{error}");
    }

    #[test]
    fn records_stay_out_of_blobs() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path()).expect("it opens");
        for index in 0..200 {
            put(&store, &index.to_string(), &"x".repeat(60_000));
        }
        let figures = store.figures();
        assert!(figures.contains(&("blobs", 0)), "{figures:?}");
        assert!(figures.iter().any(|(name, bytes)| *name == "bytes" && *bytes > 0), "{figures:?}");
    }
}
