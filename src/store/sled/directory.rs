//! The directory of a store: the names in it, and its lock.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};

pub(super) const SIDECAR: &str = "store.json";
pub(super) const MARK: &str = "mark";
/// Where a restore prepares the store before it moves it into place.
pub(super) const RESTORING: &str = "restore.new";
pub(super) const DATABASE: &str = "sled";
pub(super) const JOURNAL: &str = "journal";
pub(super) const BACKUPS: &str = "backups";
/// How many times a start tries to take the lock.
const LOCK_TRIES: u32 = 20;

pub(super) const RESTORE: &str = "Keep a copy of the directory. `muster store check` says what is there; `muster store restore` brings back a backup, and \
    `muster import FILE` an export, into an empty directory. If there is no backup, `muster store repair --accept-loss` goes on with what can be \
    saved.";

/// Lets only one process use a directory. Sled has its own lock, but takes it only while it recovers.
pub(super) fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let held = |why| match why {
        fs::TryLockError::WouldBlock => {
            anyhow!("another process uses the store in {}. Only one Muster may use it", directory.display())
        }
        fs::TryLockError::Error(error) => anyhow::Error::from(error).context(format!("cannot lock {}", path.display())),
    };
    // A child process that is just starting holds copies of this process's open files for a moment, even of a lock that was released.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            locked => return locked.map(|()| file).map_err(held),
        }
    }
    Err(held(fs::TryLockError::WouldBlock))
}

/// A new name in a directory, so that nothing that was kept before is overwritten.
pub(super) fn free_name(directory: &Path, name: &str) -> PathBuf {
    let names = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name}.{n}")));
    let mut free = names.map(|name| directory.join(name)).skip_while(|path| path.exists());
    free.next().unwrap_or_else(|| directory.join(name))
}

pub(super) fn sync_directory(directory: &Path) -> anyhow::Result<()> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("cannot sync the directory {}", directory.display()))
}

/// Whether the disk failed. That says nothing about the data on it.
pub(super) fn is_io(why: &anyhow::Error) -> bool {
    why.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some())
}

/// Whether the disk was full. That is not damage.
pub(super) fn is_full(why: &anyhow::Error) -> bool {
    why.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        let of_sled = cause.downcast_ref::<::sled::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
            || matches!(of_sled, Some(::sled::Error::Io(error)) if error.kind() == io::ErrorKind::StorageFull)
    })
}
