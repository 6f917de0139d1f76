//! Room on the disk. New work is refused before the disk is full, so that accepted work can still be done: pages go out, outbox entries end.
//! The room is measured again and again. Once there is enough, new work is accepted again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::clock::Stopwatch;

/// If there is less room than this, new work is refused.
const RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// On a small disk: if less than this part is free.
const RESERVE_PART: u64 = 20;
/// The size of the ballast. On a full disk it is freed for a start, and for emptying the outbox.
const BALLAST_BYTES: usize = 16 * 1024 * 1024;
/// How often the room is measured, in seconds.
const ASKED_EVERY_SECONDS: f64 = 1.0;

/// The room of a directory.
pub(super) struct Room {
    directory: PathBuf,
    /// The last result, and when it was measured.
    found: Mutex<Option<(Stopwatch, Option<String>)>>,
}

impl Room {
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), found: Mutex::default() }
    }

    /// Before a start: frees the ballast on a full disk, and otherwise makes it.
    pub(super) fn for_a_start(&self) {
        let refuses = self.look();
        self.keep_ballast(refuses.is_none());
    }

    /// Why new work is refused; `None` if there is room.
    pub(super) fn refuses(&self) -> Option<String> {
        let mut found = self.found.lock();
        if let Some((_, refuses)) = found.as_ref().filter(|(since, _)| since.seconds() < ASKED_EVERY_SECONDS) {
            return refuses.clone();
        }
        let before = found.as_ref().is_some_and(|(_, refuses)| refuses.is_some());
        let refuses = self.look();
        match (&refuses, before) {
            (Some(why), false) => tracing::error!("{why}"),
            // A write failed on a full disk a moment ago, but now there is room.
            (None, false) if found.is_none() => self.keep_ballast(true),
            (None, true) => {
                tracing::info!("there is room on the disk again; new work is accepted");
                self.keep_ballast(true);
            }
            _ => {}
        }
        *found = Some((Stopwatch::start(), refuses.clone()));
        refuses
    }

    /// A write found the disk full. The next one measures again, and can use the ballast's room.
    pub(super) fn look_again(&self) {
        *self.found.lock() = None;
        self.keep_ballast(false);
    }

    /// Whether this many bytes can be used without refusing new work.
    pub(super) fn has(&self, bytes: u64) -> bool {
        self.look_with(bytes).is_none()
    }

    /// Insists on [`Self::has`].
    pub(super) fn insist(&self, bytes: u64) -> io::Result<()> {
        self.look_with(bytes).map_or(Ok(()), |why| Err(io::Error::new(io::ErrorKind::StorageFull, why)))
    }

    fn look(&self) -> Option<String> {
        self.look_with(0)
    }

    /// Why new work would be refused if this much more were used.
    fn look_with(&self, taken: u64) -> Option<String> {
        // If the disk does not say how much is free, wait until it refuses a write.
        let disk = rustix::fs::statvfs(&self.directory).ok()?;
        let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
        let reserve = RESERVE_BYTES.min(all / RESERVE_PART);
        let mib = |bytes: u64| bytes / (1024 * 1024);
        (free < reserve + taken).then(|| {
            format!(
                "the disk is nearly full: {} MiB are free, but Muster keeps {} MiB for work that it has accepted. Free some space, and it goes on by itself",
                mib(free),
                mib(reserve)
            )
        })
    }

    /// Makes the ballast, or frees it. If it cannot be made, there is only the reserve.
    fn keep_ballast(&self, keep: bool) {
        let ballast = self.directory.join("ballast");
        if !keep {
            let _ = fs::remove_file(ballast);
        } else if fs::metadata(&ballast).map_or(0, |of| of.len()) < BALLAST_BYTES as u64 {
            let make = || -> io::Result<()> {
                let mut file = File::create(&ballast)?;
                file.write_all(&vec![0; BALLAST_BYTES])?;
                file.sync_all()
            };
            if make().is_err() {
                let _ = fs::remove_file(&ballast);
            }
        }
    }
}
