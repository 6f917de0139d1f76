//! Restores a backup into an empty directory.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::base::{base_file, forget_other_bases};
use super::directory::{JOURNAL, MARK, RESTORING, SIDECAR, lock, sync_directory};
use super::inspect::{holds_anything, inspect, restore_broke_off};
use super::sidecar::{SCHEMA, Sidecar, read_sidecar, write_sidecar};

/// Restores a backup into a directory without a store. The next start makes the database from it.
///
/// # Errors
/// There is a store already, the backup is damaged, or the disk failed.
pub fn restore(backup: &Path, directory: &Path) -> anyhow::Result<u64> {
    fs::create_dir_all(directory)?;
    // No bot may start on it meanwhile.
    let _lock = lock(directory)?;
    let broke_off = restore_broke_off(directory);
    if !broke_off && holds_anything(directory)? {
        bail!(
            "there is a store in {0} already, or a part of one. Move it away first, so that nothing is lost: mv {0} {0}.old. Its backups are then \
             in {0}.old too",
            directory.display()
        );
    }
    if !backup.join(SIDECAR).exists() {
        bail!(
            "there is no backup in {}. `muster store check` lists the backups. If you moved the store's directory, its backups moved too",
            backup.display()
        );
    }
    let found = inspect(backup)?;
    if let Some(why) = found.damage.first() {
        bail!("the backup in {} is damaged: {why}", backup.display());
    }
    if broke_off {
        // The files that it had moved into place came from a backup.
        forget_other_bases(directory, Some(u64::MAX));
    }
    let beside = directory.join(RESTORING);
    let _ = fs::remove_dir_all(&beside);
    let copied = || -> anyhow::Result<()> {
        fs::create_dir_all(beside.join(JOURNAL))?;
        for entry in fs::read_dir(backup.join(JOURNAL))?.flatten() {
            copy_new(&entry.path(), &beside.join(JOURNAL).join(entry.file_name()))?;
        }
        sync_directory(&beside.join(JOURNAL))?;
        found.base.map_or(Ok(()), |base| copy_new(&base_file(backup, base), &base_file(&beside, base)))
    };
    copied().inspect_err(|_| {
        let _ = fs::remove_dir_all(&beside);
    })?;
    let last = found.journal.map_or(found.base.unwrap_or(0), |(_, last)| last);
    let edition = read_sidecar(backup)?.map_or(0, |sidecar| sidecar.edition);
    let sidecar = Sidecar {
        schema: SCHEMA,
        edition,
        has_data: last > 0 || found.base.is_some(),
        mark: last,
        base: found.base,
        restored: true,
        ..Sidecar::default()
    };
    write_sidecar(&beside, &sidecar)?;
    // Everything is in place. The file that makes it a store comes last.
    let _ = fs::remove_dir_all(directory.join(JOURNAL));
    let _ = fs::remove_file(directory.join(MARK));
    if let Some(base) = found.base {
        fs::rename(base_file(&beside, base), base_file(directory, base))?;
    }
    fs::rename(beside.join(JOURNAL), directory.join(JOURNAL))?;
    sync_directory(directory)?;
    fs::rename(beside.join(SIDECAR), directory.join(SIDECAR))?;
    sync_directory(directory)?;
    let _ = fs::remove_dir_all(&beside);
    Ok(last)
}

/// Copies a file to a new place, durably.
fn copy_new(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || {
        let mut copy = OpenOptions::new().write(true).create_new(true).open(to)?;
        io::copy(&mut File::open(from)?, &mut copy)?;
        copy.sync_all()
    };
    copy().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
