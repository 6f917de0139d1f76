//! A directory that is deleted when its owner is dropped.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::clock::Clock;

pub(super) struct Throwaway(PathBuf);

impl Throwaway {
    /// Makes a new one inside another directory.
    pub(super) fn within(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let path = folder.join(format!("{name}-{}", Clock::wall().fresh_id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        // A store in this process may write its last file a moment after it was dropped.
        for _ in 0..50 {
            if std::fs::remove_dir_all(&self.0).is_ok() || !self.0.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("muster: the folder {} cannot be removed", self.0.display());
    }
}
