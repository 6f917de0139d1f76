//! Upkeep in the background while a store is open: checkpoints, bases, backups, the next segment of the journal.

use std::fs;
use std::sync::atomic::Ordering;

use anyhow::Context as _;

use super::base::{base, base_file};
use super::database::{Database, released, sums};
use super::directory::{DATABASE, is_full};
use super::journal;
use super::shared::{Shared, TICK, stop};
use super::sidecar::write_sidecar;
use crate::clock::Stopwatch;

/// The longest time between checkpoints while there are writes, in seconds.
const CHECKPOINT_EVERY_SECONDS: f64 = 30.0;
/// A checkpoint is also made after this much was written since the last one.
const CHECKPOINT_AFTER_BYTES: u64 = 32 * 1024 * 1024;
/// A base is made when the journal has grown by this much since the last base, and by at least the size of that base.
pub(super) const BASE_AFTER_BYTES: u64 = 64 * 1024 * 1024;

impl Shared {
    /// Does the upkeep until told to stop.
    pub(super) fn run(&self) {
        let (mut last, mut failed) = (Stopwatch::start(), None::<Stopwatch>);
        loop {
            {
                let mut stop = self.stop.lock();
                if !*stop {
                    self.wake.wait_for(&mut stop, TICK);
                }
                if *stop {
                    return;
                }
            }
            if self.is_closed()
                && let Err(why) = self.open_again(None)
                && !is_full(&why)
            {
                stop(&format!("{why:#}"));
            }
            let another = self
                .journal
                .lock()
                .needs_another()
                .filter(|_| failed.is_none_or(|failed| failed.seconds() > CHECKPOINT_EVERY_SECONDS));
            if let Some(folder) = another.filter(|_| self.room.has(journal::SEGMENT_ROOM))
                && let Err(error) = journal::make_another(&folder)
            {
                tracing::warn!(%error, "the next segment of the journal could not be prepared; commits wait for its room");
                failed = Some(Stopwatch::start());
            }
            let written = self.since_checkpoint.load(Ordering::Relaxed);
            let is_due = written >= CHECKPOINT_AFTER_BYTES || last.seconds() >= CHECKPOINT_EVERY_SECONDS;
            // On a full disk, leave the room to accepted work.
            if is_due && self.room.refuses().is_none() {
                last = Stopwatch::start();
                self.look_after(written > 0);
            }
        }
    }

    /// Makes a backup, a checkpoint and a base, if they are due.
    pub(super) fn look_after(&self, was_written: bool) {
        if let Err(error) = self.back_up_if_due() {
            tracing::error!(error = %format!("{error:#}"), "a backup cannot be made");
        }
        if was_written && let Err(error) = self.checkpoint().and_then(|head| self.base_if_due(head)) {
            tracing::warn!(error = %format!("{error:#}"), "the journal cannot be made shorter; nothing is lost");
        }
    }

    /// Makes sled durable as it is, and notes beside it how far the journal had come. Returns the last round in sled.
    pub(super) fn checkpoint(&self) -> anyhow::Result<u64> {
        let (last, head) = (self.last.load(Ordering::SeqCst), self.head.load(Ordering::SeqCst));
        self.since_checkpoint.store(0, Ordering::Relaxed);
        let flush = |of: &Database| {
            of.db.flush()?;
            // `flush` ends with `sync_file_range`, which promises nothing. This sync does.
            Ok(of.file.sync_data()?)
        };
        if let Err(error) = self.with(flush) {
            self.open_again(Some(&error))?;
            self.with(flush)?;
        }
        let mut sidecar = self.sidecar.lock();
        sidecar.mark = sidecar.mark.max(last);
        write_sidecar(&self.directory, &sidecar)?;
        Ok(head)
    }

    /// Makes another base if the journal has grown as large as the last one, and removes the journal up to it. Sled has this round durably.
    pub(super) fn base_if_due(&self, head: u64) -> anyhow::Result<()> {
        let (before, since) = (self.base_bytes.load(Ordering::Relaxed), self.since_base.load(Ordering::Relaxed));
        if since < BASE_AFTER_BYTES.max(before) {
            return Ok(());
        }
        // Its size is at most that of the last base and all writes since, and no more than that of the database.
        let in_sled = self.with(|of| Ok(of.db.size_on_disk()?))?;
        let waits = !self.room.has((before + since).min(in_sled));
        if waits != self.base_waits.swap(waits, Ordering::Relaxed) && waits {
            tracing::warn!("a new base waits for room on the disk, and the journal grows until then. Free some space");
        }
        if waits {
            return Ok(());
        }
        // A copy of the handle, so that nothing waits for the base.
        let db = self.with(|of| Ok(of.db.clone()))?;
        let size = base(&self.directory, &db, head, |bytes| self.room.insist(bytes))?;
        drop(db);
        self.since_base.fetch_sub(since, Ordering::Relaxed);
        self.base_bytes.store(size, Ordering::Relaxed);
        let mut sidecar = self.sidecar.lock();
        let before = sidecar.base.replace(head);
        write_sidecar(&self.directory, &sidecar)?;
        if let Some(before) = before.filter(|before| *before != head) {
            fs::remove_file(base_file(&self.directory, before))?;
        }
        Ok(self.journal.lock().forget(head)?)
    }

    /// Closes the database, and then notes that it was closed, with the checksums of its files. Everything that was acknowledged is in the
    /// journal already. This saves the next start from reading it, and lets it detect damage.
    pub(super) fn close(&self) -> anyhow::Result<()> {
        self.checkpoint()?;
        let Database { db, file } = self.db.write().take().context("the database could not be opened again")?;
        drop(db);
        // Its own threads may write for a moment longer.
        released(&file)?;
        let sums = sums(&self.directory.join(DATABASE))?;
        let mut sidecar = self.sidecar.lock();
        (sidecar.clean, sidecar.sums) = (true, sums);
        write_sidecar(&self.directory, &sidecar)
    }
}
