//! Checks what a directory holds of a store, without opening or changing it.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::backup::backups;
use super::base::{base_file, newest_base, read_base};
use super::database::sums;
use super::directory::{DATABASE, JOURNAL, MARK, RESTORE, RESTORING, SIDECAR};
use super::mark::Mark;
use super::segments;
use super::sidecar::{SCHEMA, newer, reached, read_sidecar};

/// What a store's directory, or a backup, holds.
#[derive(Debug, Default)]
pub struct Inspection {
    /// The layout; 0 if nothing is there.
    pub layout: u32,
    /// At least the last round that was answered.
    pub mark: u64,
    pub base: Option<u64>,
    /// The first and the last round of the journal.
    pub journal: Option<(u64, u64)>,
    pub damage: Vec<String>,
    pub backups: Vec<PathBuf>,
}

/// Checks a store's directory, or a backup, and changes nothing.
pub fn inspect(directory: &Path) -> anyhow::Result<Inspection> {
    if !directory.exists() {
        return Ok(Inspection::default());
    }
    let sidecar = read_sidecar(directory)?;
    // The mark is read before the journal, because the bot may be writing.
    let mark = reached(directory, &sidecar.clone().unwrap_or_default())?;
    if sidecar.is_none()
        && let Err(why) = no_store_without_its_sidecar(directory)
    {
        // Report what is there anyway: a repair uses it.
        let base = newest_base(directory);
        let journal =
            segments::inspect(&directory.join(JOURNAL), 0).ok().flatten().map(|(first, last)| (first, last.round));
        let (damage, backups) = (vec![format!("{why:#}")], backups(directory));
        return Ok(Inspection { layout: SCHEMA, base, journal, damage, backups, ..Inspection::default() });
    }
    let sidecar = sidecar.unwrap_or_default();
    let mut found =
        Inspection { layout: sidecar.schema, mark: sidecar.mark, base: sidecar.base, ..Inspection::default() };
    if let Some(newer) = newer(&sidecar) {
        found.damage.push(format!("it {newer}. Use that one to check it"));
    }
    if sidecar.schema == SCHEMA {
        let mut last = Mark { round: sidecar.base.unwrap_or(0), sum: 0 };
        match segments::inspect(&directory.join(JOURNAL), last.round) {
            // The base has all its rounds, and the next start moves it aside.
            _ if sidecar.journal_aside => {}
            Ok(rounds) => {
                found.journal = rounds.map(|(first, last)| (first, last.round));
                last = rounds.map_or(last, |(_, of)| if of.round > last.round { of } else { last });
            }
            Err(error) => found.damage.push(format!("{error:#}")),
        }
        if let Some(base) = sidecar.base
            && let Err(error) = read_base(&base_file(directory, base), |_| Ok(()))
        {
            found.damage.push(format!("{error:#}"));
        }
        found.mark = mark.round;
        if let Err(why) = mark.insist(last) {
            found
                .damage
                .push(format!("in the journal, {why:#}. A start finds out whether the database has the others"));
        }
        let begins = found.journal.is_some_and(|(first, _)| first > sidecar.base.unwrap_or(0) + 1);
        if begins {
            found.damage.push("the journal does not reach back to the base".to_owned());
        }
        if sidecar.clean && !sidecar.begun && sums(&directory.join(DATABASE)).ok().as_ref() != Some(&sidecar.sums) {
            found.damage.push("the files of the database changed after it was closed".to_owned());
        }
    }
    found.backups = backups(directory);
    Ok(found)
}

/// Insists that a directory holds something of a store, so that a command that only reads does not make one.
pub fn expect_store(directory: &Path) -> anyhow::Result<()> {
    if ![SIDECAR, DATABASE, JOURNAL, MARK].iter().any(|part| directory.join(part).exists()) {
        bail!("there is no store in {}", directory.display());
    }
    Ok(())
}

/// Whether a restore was cut off. The directory then holds a part of a backup, and the restore must be done again.
pub(super) fn restore_broke_off(directory: &Path) -> bool {
    let is_there = |part: &str| directory.join(part).exists();
    is_there(RESTORING) && !is_there(SIDECAR) && !is_there(DATABASE)
}

/// Whether a directory holds something of a store. A restore must not overwrite it: a file there may even be linked to one of the backup.
pub(super) fn holds_anything(directory: &Path) -> anyhow::Result<bool> {
    let rounds = segments::inspect(&directory.join(JOURNAL), 0).map_or(true, |rounds| rounds.is_some());
    let mark = Mark::read(&directory.join(MARK))?.is_some_and(|mark| mark.round > 0);
    let parts = [SIDECAR, DATABASE].iter().any(|part| directory.join(part).exists());
    Ok(parts || rounds || mark || newest_base(directory).is_some())
}

/// Refuses a directory that holds something of a store, but not the file that says how far the store had come. A start that was cut off
/// before anything was kept leaves none of these.
pub(super) fn no_store_without_its_sidecar(directory: &Path) -> anyhow::Result<()> {
    let rounds = segments::inspect(&directory.join(JOURNAL), 0).map_or(true, |rounds| rounds.is_some());
    if restore_broke_off(directory) {
        bail!(
            "a restore into {} was cut off. Do it again: `muster store restore BACKUP`. To begin without it, remove {}",
            directory.display(),
            directory.join(RESTORING).display()
        );
    }
    let has_parts = rounds || newest_base(directory).is_some();
    if let Some(mark) = Mark::read(&directory.join(MARK))?.filter(|mark| mark.round > 0 && !has_parts) {
        bail!(
            "of the store in {} only `{MARK}` is left: round {} was answered, but no round is left. If the store is meant to be empty, \
             remove {} too. {RESTORE}",
            directory.display(),
            mark.round,
            directory.join(MARK).display()
        );
    }
    if has_parts {
        bail!(
            "{} is missing, but {} holds a store. Nothing says how far it had come, so Muster does not start on it. Bring the file back, or use \
             `muster store repair`: it makes the store anew from what is left and says how far that goes. Or use `muster store restore` with a backup",
            directory.join(SIDECAR).display(),
            directory.display()
        );
    }
    Ok(())
}
