//! Room on the disk. New work is refused while some is left, so that what was accepted can still be done: pages go out, outbox entries end. It is
//! asked again and again, and what is refused is taken again by itself once there is room.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::clock::Stopwatch;

/// With less room than this, new work is refused.
const RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// Of a small disk, this part.
const RESERVE_PART: u64 = 20;
/// So many bytes are kept aside, so that a start, and what drains the outbox, find room on a disk that is full.
const BALLAST_BYTES: usize = 16 * 1024 * 1024;
/// How often it is asked, in seconds.
const ASKED_EVERY_SECONDS: f64 = 1.0;

/// The room of a directory.
pub(super) struct Room {
    directory: PathBuf,
    /// What was found, and how long ago.
    found: Mutex<Option<(Stopwatch, Option<String>)>>,
}

impl Room {
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), found: Mutex::default() }
    }

    fn ballast(&self) -> PathBuf {
        self.directory.join("ballast")
    }

    /// Before a start: on a full disk the ballast is let go, else it is made.
    pub(super) fn for_a_start(&self) {
        let refuses = self.look();
        self.keep_ballast(refuses.is_none());
    }

    /// Why new work is refused; none where there is room.
    pub(super) fn refuses(&self) -> Option<String> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, refuses)) = found.as_ref().filter(|(since, _)| since.seconds() < ASKED_EVERY_SECONDS) {
            return refuses.clone();
        }
        let before = found.as_ref().is_some_and(|(_, refuses)| refuses.is_some());
        let refuses = self.look();
        match (&refuses, before) {
            (Some(why), false) => tracing::error!("{why}"),
            // A write found none a moment ago, and there is some.
            (None, false) if found.is_none() => self.keep_ballast(true),
            (None, true) => {
                tracing::info!("there is room on the disk again; everything is taken in");
                self.keep_ballast(true);
            }
            _ => {}
        }
        *found = Some((Stopwatch::start(), refuses.clone()));
        refuses
    }

    /// A write found no room: the next one looks again, and has the ballast's.
    pub(super) fn look_again(&self) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.keep_ballast(false);
    }

    /// Whether so many bytes can be taken, and new work need not be refused.
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

    /// Why new work would be refused with so much less room.
    fn look_with(&self, taken: u64) -> Option<String> {
        // A disk that does not say is taken at its word when it refuses a write.
        let disk = rustix::fs::statvfs(&self.directory).ok()?;
        let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
        let reserve = RESERVE_BYTES.min(all / RESERVE_PART);
        let mib = |bytes: u64| bytes / (1024 * 1024);
        (free < reserve + taken).then(|| {
            format!(
                "the disk is nearly full: {} MiB are free, and Muster keeps {} MiB for what it has accepted; free some space, and it goes on by itself",
                mib(free),
                mib(reserve)
            )
        })
    }

    /// Makes the ballast, or lets it go. Where it cannot be made, the reserve is all there is.
    fn keep_ballast(&self, keep: bool) {
        let ballast = self.ballast();
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
