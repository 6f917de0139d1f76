//! Opens a database with every round that was answered: as it is, caught up from the journal, or made anew from the base and the journal.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use super::base::{base, base_file, read_base};
use super::database::{HEAD_KEY, SCHEMA_KEY, head_of, open_guarded, open_soon, remove_half_made_snapshots, sums, take};
use super::directory::{DATABASE, JOURNAL, MARK, RESTORE, SIDECAR, free_name, is_io, sync_directory};
use super::journal::Journal;
use super::mark::Mark;
use super::sidecar::{SCHEMA, Sidecar, write_sidecar};

/// Opens sled and the journal, and takes the journal's newer rounds into sled.
pub(super) fn opened(directory: &Path, sidecar: &mut Sidecar, mark: Mark) -> anyhow::Result<(::sled::Db, Journal)> {
    let path = directory.join(DATABASE);
    let was_begun = sidecar.begun;
    let is_whole = sidecar.clean && !sidecar.sums.is_empty();
    if is_whole && !was_begun {
        if sums(&path)? != sidecar.sums {
            bail!("the files of the database changed after it was closed");
        }
        sidecar.begun = true;
        write_sidecar(directory, sidecar)?;
    }
    remove_half_made_snapshots(&path)?;
    let db = open_guarded(&path)?;
    let schema = db.get(SCHEMA_KEY).context("cannot read the store's layout")?;
    if schema.is_none() && sidecar.has_data {
        bail!("{}", came_back_empty(directory));
    }
    let own = |key: &[u8]| key == SCHEMA_KEY || key == HEAD_KEY;
    let holds = || db.iter().any(|pair| pair.is_ok_and(|(key, _)| !own(&key)));
    if (schema.is_none() || sidecar.schema == 0) && holds() {
        bail!(
            "the store in {} holds records, but nothing says which layout they have or how far they go. It is damaged. {RESTORE}",
            directory.display()
        );
    }
    let head = head_of(&db)?;
    if (!sidecar.clean || was_begun) && sidecar.has_data {
        // Find unreadable records now, not in the middle of the night.
        for pair in db.iter() {
            pair.context("a record cannot be read")?;
        }
    }
    let journal = directory.join(JOURNAL);
    let base_round = sidecar.base.unwrap_or(0);
    let opened = Journal::open(&journal, head, base_round, mark, |frame| take(&db, frame.sequence, &frame.changes));
    let journal = match opened {
        // The database was closed cleanly and has not changed, so nothing is missing in it. The journal begins anew.
        Err(error) if is_whole && head >= mark.round && !is_io(&error) => {
            tracing::error!(error = %format!("{error:#}"), "the journal is damaged. The database has everything, so the journal begins anew");
            // Some of its rounds may have been read before it failed.
            let head = head_of(&db)?;
            journal_begun_anew(directory, &db, head, mark, sidecar)?
        }
        opened => opened?,
    };
    if journal.last().round > head {
        let rounds = journal.last().round - head;
        tracing::info!(rounds, "the journal was ahead of the database, which has caught up");
    }
    Ok((db, journal))
}

pub(super) fn came_back_empty(directory: &Path) -> String {
    format!(
        "the store in {} is empty although it held data: the disk lost its log in a power cut, or somebody removed it. \
         Muster does not start on an empty store, because it would page again for known alerts and forget open incidents. {RESTORE} \
         If it is meant to be empty, remove {} and {} too.",
        directory.display(),
        directory.join(SIDECAR).display(),
        directory.join(MARK).display()
    )
}

/// Makes a new base from the database, if the last base and the journal are not enough to make the database anew.
pub(super) fn settle(
    directory: &Path,
    db: &::sled::Db,
    journal: &Journal,
    sidecar: &mut Sidecar,
) -> anyhow::Result<()> {
    let head = journal.last().round;
    let is_there = sidecar.base.is_none_or(|round| round <= head && base_file(directory, round).exists());
    if !is_there || !journal.reaches_back_to(sidecar.base.unwrap_or(0)) {
        tracing::warn!(
            round = head,
            "the last base and the journal are not enough to make the database anew; Muster makes another base"
        );
        base(directory, db, head, |_| Ok(()))?;
        sidecar.base = Some(head);
    }
    Ok(())
}

/// Replaces a damaged journal by an empty one that begins after the database's last round. First it writes a base with everything, then it notes
/// that the journal is not needed any more, and then it moves the journal aside.
pub(super) fn journal_begun_anew(
    directory: &Path,
    db: &::sled::Db,
    head: u64,
    mark: Mark,
    sidecar: &mut Sidecar,
) -> anyhow::Result<Journal> {
    base(directory, db, head, |_| Ok(()))?;
    (sidecar.base, sidecar.mark, sidecar.clean, sidecar.journal_aside) = (Some(head), head, false, true);
    sidecar.sums.clear();
    write_sidecar(directory, sidecar)?;
    put_journal_aside(directory, sidecar)?;
    Journal::open(&directory.join(JOURNAL), head, head, mark, |_| Ok(()))
}

/// Moves a damaged journal aside, if that was begun. It may be gone already.
pub(super) fn put_journal_aside(directory: &Path, sidecar: &mut Sidecar) -> anyhow::Result<()> {
    if !sidecar.journal_aside {
        return Ok(());
    }
    let journal = directory.join(JOURNAL);
    if journal.exists() {
        fs::rename(&journal, free_name(directory, "journal.damaged"))
            .context("the damaged journal cannot be moved aside")?;
        sync_directory(directory)?;
    }
    sidecar.journal_aside = false;
    write_sidecar(directory, sidecar)
}

/// Makes sled from a restored backup.
pub(super) fn made_from_backup(
    directory: &Path,
    sidecar: &Sidecar,
    mark: Mark,
) -> anyhow::Result<(::sled::Db, Journal)> {
    let made = made(directory, sidecar, mark, &anyhow!("a backup was brought back"))?;
    tracing::info!(rounds = made.1.last().round, "the database is made from the backup");
    Ok(made)
}

/// Makes sled anew from the base and the journal. The old database is kept aside.
pub(super) fn made_anew(
    directory: &Path,
    sidecar: &Sidecar,
    mark: Mark,
    why: &anyhow::Error,
) -> anyhow::Result<(::sled::Db, Journal)> {
    tracing::error!(error = %format!("{why:#}"), "the database is damaged or older than it should be. Muster makes it anew from the base and the journal");
    let made = made(directory, sidecar, mark, why)?;
    tracing::warn!(rounds = made.1.last().round, "the database is whole");
    Ok(made)
}

fn made(directory: &Path, sidecar: &Sidecar, mark: Mark, why: &anyhow::Error) -> anyhow::Result<(::sled::Db, Journal)> {
    let refused = |error: anyhow::Error| {
        anyhow!(
            "the database in {} cannot be made anew: {error:#}. It must be, because {why:#}. It had come to round {}. Muster does not start on \
             older data, because it would page again for known alerts and forget open incidents. {RESTORE}",
            directory.display(),
            mark.round
        )
    };
    let from = sidecar.base.unwrap_or(0);
    let rounds = |db: &::sled::Db| {
        Journal::open(&directory.join(JOURNAL), from, from, mark, |frame| take(db, frame.sequence, &frame.changes))
    };
    made_of(directory, sidecar.base, rounds).map_err(refused)
}

/// Makes sled from a base, if there is one, and from what `fill` adds. It replaces the old database, which is kept aside.
pub(super) fn made_of<T>(
    directory: &Path,
    base: Option<u64>,
    fill: impl FnOnce(&::sled::Db) -> anyhow::Result<T>,
) -> anyhow::Result<(::sled::Db, T)> {
    let beside = directory.join("sled.new");
    let _ = fs::remove_dir_all(&beside);
    let make = || -> anyhow::Result<T> {
        let db = open_guarded(&beside)?;
        if let Some(base) = base {
            read_base(&base_file(directory, base), |changes| take(&db, base, &changes))?;
        }
        db.insert(SCHEMA_KEY, SCHEMA.to_string().as_bytes())?;
        let filled = fill(&db)?;
        db.flush()?;
        drop(db);
        File::open(beside.join("db"))?.sync_all()?;
        Ok(filled)
    };
    let filled = make().inspect_err(|_| {
        let _ = fs::remove_dir_all(&beside);
    })?;
    if directory.join(DATABASE).exists() {
        let aside = free_name(directory, "damaged");
        fs::rename(directory.join(DATABASE), &aside).context("the damaged database cannot be moved aside")?;
        tracing::warn!(kept = %aside.display(), "the old database is kept");
    }
    fs::rename(&beside, directory.join(DATABASE)).context("the new database cannot be put in its place")?;
    Ok((open_soon(&directory.join(DATABASE))?, filled))
}
