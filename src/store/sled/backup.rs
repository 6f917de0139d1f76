//! Backups: a copy of the base and the journal, each in a directory from which a store can be restored.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::base::base_file;
use super::directory::{BACKUPS, JOURNAL, SIDECAR, free_name, sync_directory};
use super::journal;
use super::shared::Shared;
use super::sidecar::{read_sidecar, write_sidecar};

/// The backups of a store, the oldest first.
pub(super) fn backups(directory: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(directory.join(BACKUPS)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<_> = all.filter(|path| path.join(SIDECAR).exists()).collect();
    // Ordered by when they were made. Rounds cannot order them, because they start lower after an accepted loss; clocks may be wrong.
    all.sort_by_key(|backup| (counted(backup), backup.clone()));
    all
}

/// The number of this backup, in the order in which backups were made.
fn counted(backup: &Path) -> u64 {
    read_sidecar(backup).ok().flatten().map_or(0, |sidecar| sidecar.made)
}

impl Shared {
    pub(super) fn back_up_if_due(&self) -> anyhow::Result<()> {
        let Some(every) =
            self.backups.every.filter(|_| self.sidecar.lock().has_data && self.room.has(journal::SEGMENT_ROOM))
        else {
            return Ok(());
        };
        let last = backups(&self.directory).pop();
        // If a wrong clock gave it a date in the future, the distance from now counts.
        let age = |last: PathBuf| {
            let elapsed = fs::metadata(last.join(SIDECAR)).ok()?.modified().ok()?.elapsed();
            Some(elapsed.unwrap_or_else(|ahead| ahead.duration()))
        };
        if last.and_then(age).is_none_or(|age| age >= every) {
            let made = self.back_up()?;
            tracing::info!(backup = %made.display(), "a backup was made");
        }
        Ok(())
    }

    /// Makes a backup of the base and the journal, all or nothing.
    pub(super) fn back_up(&self) -> anyhow::Result<PathBuf> {
        let beside = self.directory.join(BACKUPS).join("new");
        let _ = fs::remove_dir_all(&beside);
        self.back_up_by(&beside).inspect_err(|_| {
            let _ = fs::remove_dir_all(&beside);
        })
    }

    pub(super) fn back_up_by(&self, beside: &Path) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(beside.join(JOURNAL))?;
        let mut sidecar = self.sidecar.lock().clone();
        {
            // Nothing is appended meanwhile. That is short, because the open segment is small and the others are linked.
            let journal = self.journal.lock();
            journal.copy_to(&beside.join(JOURNAL))?;
            sidecar.mark = self.last.load(Ordering::SeqCst);
        }
        if let Some(base) = sidecar.base {
            let (from, to) = (base_file(&self.directory, base), base_file(beside, base));
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(|_| ()))?;
        }
        (sidecar.clean, sidecar.sums) = (false, BTreeMap::new());
        sidecar.made = backups(&self.directory).last().map_or(0, |last| counted(last)) + 1;
        write_sidecar(beside, &sidecar)?;
        let made = free_name(&self.directory.join(BACKUPS), &format!("{:016}", sidecar.mark));
        fs::rename(beside, &made)?;
        sync_directory(&self.directory.join(BACKUPS))?;
        let all = backups(&self.directory);
        for old in all.iter().take(all.len().saturating_sub(self.backups.keep.max(1))) {
            fs::remove_dir_all(old)?;
        }
        Ok(made)
    }
}
