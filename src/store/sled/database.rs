//! Sled itself: how it is opened, and up to which round it has come.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::directory::{DATABASE, RESTORE, is_full};
use crate::store::bytes::Changes;

pub(super) const SCHEMA_KEY: &[u8] = b"!schema";
/// Up to which round sled has come.
pub(super) const HEAD_KEY: &[u8] = b"!head";
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// About how much sled holds in memory. Its own count is too low.
const CACHE_BYTES: u64 = 24 * 1024 * 1024;
/// How often sled writes its memory to its file and reuses old space. No caller waits for it, but a sync of its file delays ours.
const FLUSH_EVERY_MILLIS: u64 = 5_000;

/// How many times, every 10 ms, to look whether sled has let go of its file.
const RELEASE_TRIES: u32 = 200;

/// Sled, and its file for syncing.
pub(super) struct Database {
    pub(super) db: ::sled::Db,
    pub(super) file: File,
}

impl Database {
    pub(super) fn of(db: ::sled::Db, directory: &Path) -> anyhow::Result<Self> {
        let file = directory.join(DATABASE).join("db");
        Ok(Self { db, file: File::open(file).context("cannot open the database file for syncing")? })
    }
}

/// Sled may panic on a torn log (sled issue 1387).
pub(super) fn open_guarded(path: &Path) -> anyhow::Result<::sled::Db> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        ::sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MILLIS))
            .open()
    }));
    match opened {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(error)) => {
            let words = format!("the database in {} cannot be opened: {error}. {RESTORE}", path.display());
            Err(anyhow::Error::from(error).context(words))
        }
        Err(_) => Err(anyhow!("the database in {} is damaged and cannot be opened. {RESTORE}", path.display())),
    }
}

/// Opens sled, trying for a moment: a database that was just closed may hold its file a little longer.
pub(super) fn open_soon(path: &Path) -> anyhow::Result<::sled::Db> {
    for _ in 0..20 {
        match open_guarded(path) {
            Err(why) if !is_full(&why) => std::thread::sleep(Duration::from_millis(100)),
            opened => return opened,
        }
    }
    open_guarded(path)
}

/// Waits until sled has let go of its file. It locks the file while any of its threads may write there.
pub(super) fn released(file: &File) -> anyhow::Result<()> {
    for _ in 0..RELEASE_TRIES {
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            locked => return locked.context("cannot lock the file of the database"),
        }
    }
    Err(anyhow!("the database still holds its file after it was closed"))
}

pub(super) fn remove_half_made_snapshots(path: &Path) -> anyhow::Result<()> {
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

pub(super) fn head_of(db: &::sled::Db) -> anyhow::Result<u64> {
    let head = db.get(HEAD_KEY).context("cannot read how far the database has come")?;
    Ok(head.and_then(|head| Some(u64::from_le_bytes(*head.first_chunk()?))).unwrap_or(0))
}

/// Takes everything written up to a round into sled, without a sync. The round's number comes last: if only a part was kept, the journal is
/// read again from the round before. It writes record by record, because nobody could read during one of sled's batches.
pub(super) fn take(db: &::sled::Db, round: u64, changes: &Changes) -> anyhow::Result<()> {
    for (key, value) in changes {
        match value {
            Some(value) => db.insert(key.as_slice(), value.as_slice())?,
            None => db.remove(key.as_slice())?,
        };
    }
    db.insert(HEAD_KEY, round.to_le_bytes().as_slice())?;
    Ok(())
}

/// The checksums of the database's files.
pub(super) fn sums(path: &Path) -> anyhow::Result<BTreeMap<String, u32>> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| path.is_file()) else {
            continue;
        };
        let (mut file, mut sum, mut block) = (File::open(&path)?, crc32fast::Hasher::new(), vec![0; 1024 * 1024]);
        loop {
            match file.read(&mut block)? {
                0 => break,
                read => sum.update(&block[..read]),
            }
        }
        sums.insert(name.to_owned(), sum.finalize());
    }
    Ok(sums)
}
