//! Makes a store anew, from everything that can still be saved, because an operator asks for it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use super::base::{base_file, newest_base, read_base};
use super::database::{SCHEMA_KEY, head_of, open_soon, take};
use super::directory::{DATABASE, JOURNAL, MARK, RESTORE, is_full, lock};
use super::inspect::expect_store;
use super::journal::Journal;
use super::mark::{Mark, MarkFile};
use super::recovery::{journal_begun_anew, made_anew, made_of, opened, put_journal_aside, settle};
use super::segments;
use super::sidecar::{SCHEMA, Sidecar, newer, reached, read_sidecar, write_sidecar};

/// The source from which a repair made the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The base, if there is one, and the journal.
    Journal,
    /// The old database, because it had more.
    Database,
}

/// The outcome of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repaired {
    pub of: Source,
    /// The round of the base, if there is one.
    pub base: Option<u64>,
    pub last: u64,
    /// How many answered rounds are given up, as far as is known.
    pub missing: u64,
}

/// Makes the database anew from the base and the journal, whatever its state. The old one is kept in `damaged`. If rounds that were answered
/// are missing, or the journal is damaged, it goes on with what can be saved, but only if that loss is accepted.
pub fn repair(directory: &Path, accept_loss: bool) -> anyhow::Result<Repaired> {
    expect_store(directory)?;
    let _lock = lock(directory)?;
    let sidecar = match read_sidecar(directory) {
        Ok(Some(sidecar)) => sidecar,
        // Nothing says how far the store had come, so take what is left as complete.
        Ok(None) | Err(_) => {
            let base = newest_base(directory);
            let rounds = match segments::inspect(&directory.join(JOURNAL), base.unwrap_or(0)) {
                // What can be saved of it is saved below.
                Err(_) if accept_loss => None,
                rounds => rounds?,
            };
            let last = rounds.map(|(_, last)| last.round).or(base);
            let mark = last.or(accept_loss.then_some(0)).with_context(|| {
                format!(
                    "{} has no base and no journal from which a store could be made. {RESTORE}",
                    directory.display()
                )
            })?;
            Sidecar { schema: SCHEMA, has_data: true, mark, base, ..Sidecar::default() }
        }
    };
    if let Some(newer) = newer(&sidecar) {
        bail!("the store in {} {newer}. Use that one to repair it", directory.display());
    }
    if sidecar.schema != SCHEMA {
        bail!("the store has layout {}, which has no journal to repair it from. {RESTORE}", sidecar.schema);
    }
    let mark = reached(directory, &sidecar)?;
    let mut sidecar = sidecar;
    put_journal_aside(directory, &mut sidecar)?;
    let asked = anyhow!("a repair was asked for");
    let floor = Mark { round: sidecar.base.unwrap_or(0), sum: 0 };
    let mut of = Source::Journal;
    let (db, journal) = if accept_loss {
        // The database may have more than the journal.
        match opened(directory, &mut sidecar, floor) {
            Ok((_, journal)) if mark.insist(journal.last()).is_ok() => {
                bail!("no answered round is missing in {}. Start the bot", directory.display())
            }
            Ok(opened) => {
                of = Source::Database;
                opened
            }
            Err(full) if is_full(&full) => return Err(full),
            // Perhaps no answered round is missing.
            Err(why) => match made_anew(directory, &sidecar, mark, &why) {
                Ok(made) => made,
                Err(full) if is_full(&full) => return Err(full),
                Err(_) => {
                    let (source, db, journal) = salvage(directory, &mut sidecar)?;
                    of = source;
                    (db, journal)
                }
            },
        }
    } else {
        made_anew(directory, &sidecar, mark, &asked)?
    };
    let last = journal.last();
    settle(directory, &db, &journal, &mut sidecar)?;
    db.flush()?;
    MarkFile::open(&directory.join(MARK), last)?;
    (sidecar.mark, sidecar.clean, sidecar.sums) = (last.round, false, BTreeMap::new());
    (sidecar.begun, sidecar.journal_aside) = (false, false);
    write_sidecar(directory, &sidecar)?;
    Ok(Repaired { of, base: sidecar.base, last: last.round, missing: mark.round.saturating_sub(last.round) })
}

/// Saves what it can if the journal is damaged. It takes the database or the base, each with the whole rounds of the journal after it: the one
/// that reaches further. That becomes the new base, and the journal begins anew.
fn salvage(directory: &Path, sidecar: &mut Sidecar) -> anyhow::Result<(Source, ::sled::Db, Journal)> {
    let folder = directory.join(JOURNAL);
    let of_database = || -> anyhow::Result<(::sled::Db, u64)> {
        if !directory.join(DATABASE).exists() {
            bail!("there is no database");
        }
        let db = open_soon(&directory.join(DATABASE))?;
        db.get(SCHEMA_KEY)?.context("nothing says which layout it has")?;
        for pair in db.iter() {
            pair.context("a record cannot be read")?;
        }
        let reach = segments::replay_whole(&folder, head_of(&db)?, |frame| take(&db, frame.sequence, &frame.changes))?;
        Ok((db, reach))
    };
    let of_base = || -> anyhow::Result<u64> {
        if let Some(base) = sidecar.base {
            read_base(&base_file(directory, base), |_| Ok(()))?;
        }
        segments::replay_whole(&folder, sidecar.base.unwrap_or(0), |_| Ok(()))
    };
    let (of, db, head) = match (of_database(), of_base()) {
        (Err(full), _) if is_full(&full) => return Err(full),
        // The base and the journal have checksums.
        (database, Ok(reach))
            if database.as_ref().map_or(reach > 0 || sidecar.base.is_some(), |(_, of)| reach >= *of) =>
        {
            drop(database);
            let whole = |db: &::sled::Db| {
                segments::replay_whole(&folder, sidecar.base.unwrap_or(0), |frame| {
                    take(db, frame.sequence, &frame.changes)
                })
            };
            let (db, head) = made_of(directory, sidecar.base, whole)?;
            (Source::Journal, db, head)
        }
        (Ok((db, head)), _) => (Source::Database, db, head),
        (Err(why), of_base) => bail!(
            "nothing of the store in {} can be saved. The database: {why:#}. Base and journal: {}. {RESTORE}",
            directory.display(),
            of_base.map_or_else(|why| format!("{why:#}"), |_| "there is no whole round".to_owned())
        ),
    };
    let journal = journal_begun_anew(directory, &db, head, Mark { round: head, sum: 0 }, sidecar)?;
    Ok((of, db, journal))
}
