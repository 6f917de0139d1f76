//! The embedded engine: sled 0.34.7 behind a journal.
//!
//! A commit is durable when its frame is synced in the journal (`journal`). It is read from the memtable (`memtable`) until sled has taken it in,
//! behind the answer and without a sync of its own. Sled can be made anew from the last **base** (every key and value, written while running) and
//! the journal since. So what sled is known to do wrong (measured, each) costs no record:
//! - its `flush` is no fsync, and after a torn log it may open older, or empty, without an error: a record in it, `!head`, says up to which round it
//!   has come, and the mark (`mark`) how far the journal had. What is older catches up or is made anew, and that is said; where that cannot
//!   be, the start is refused.
//! - it may panic on a torn log: that too makes it anew.
//! - after a clean stop its files have the checksum that `store.json` says, or they are made anew: a bit that flipped is seen at the next start.
//! - a crash at start leaves `snap.*.generating`, with which sled never opens again: removed before opening.
//! - records are capped (`MAX_RECORD_BYTES`) and segments large, so that nothing goes to `blobs/`, which sled never syncs.
//!
//! The journal is written by the committer's thread and sled by the thread of the layers; one tree holds all kinds. Disk space is looked after in `room`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::committer::{Bytes, Changes, Committed, Pair, WriteError};
use super::journal::{self, Journal};
use super::mark::{Mark, MarkFile};
use super::memtable::{self, Layer, Memtable};
use super::room::Room;
use super::{EDITION, ReadError, Store};
use crate::clock::Stopwatch;

/// The version of the layout that this program writes.
const SCHEMA: u32 = 2;
const SIDECAR: &str = "store.json";
const MARK: &str = "mark";
/// What a restore makes ready before it puts it in its place.
const RESTORING: &str = "restore.new";
const DATABASE: &str = "sled";
const JOURNAL: &str = "journal";
const BACKUPS: &str = "backups";
const SCHEMA_KEY: &[u8] = b"!schema";
/// Up to which round sled has come.
const HEAD_KEY: &[u8] = b"!head";
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// What sled holds in memory, about: it counts too little of it.
const CACHE_BYTES: u64 = 24 * 1024 * 1024;
/// How often sled writes what it holds and looks for room to use again. Nobody waits for it; a sync of its file holds up ours.
const FLUSH_EVERY_MILLIS: u64 = 5_000;
/// A checkpoint is made at least so often while something is written, in seconds.
const CHECKPOINT_EVERY_SECONDS: f64 = 30.0;
/// Or when so much was written since the last one.
const CHECKPOINT_AFTER_BYTES: u64 = 32 * 1024 * 1024;
/// How often a lock is tried, at once.
const LOCK_TRIES: u32 = 20;
/// How often it is looked whether one is due.
const TICK: Duration = Duration::from_millis(250);
/// A base is made when so much was journalled since the last one, and as much as that one has.
const BASE_AFTER_BYTES: u64 = 64 * 1024 * 1024;

/// What is remembered beside the database, since it may forget.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Sidecar {
    schema: u32,
    /// The [`EDITION`] of whoever wrote last.
    #[serde(default)]
    edition: u32,
    /// Whether anything was ever committed.
    has_data: bool,
    /// Whether the last process closed it.
    #[serde(default)]
    clean: bool,
    /// The round of the journal at the last checkpoint: whatever ends before it is older than it should be.
    #[serde(default)]
    mark: u64,
    /// The round of the base; none where the journal begins with the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<u64>,
    /// A backup was brought back, of which the database is still to be made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    restored: bool,
    /// The journal is damaged, and the base has all that was in it: it is put aside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    journal_aside: bool,
    /// A start has found the database as it was closed, and has not ended: opening it changes its files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    begun: bool,
    /// In a backup: counts the backups.
    #[serde(default, skip_serializing_if = "is_zero")]
    made: u64,
    /// After a clean stop, the checksum of the database's files, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sums: BTreeMap<String, u32>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the committer's thread and the checkpoints share.
struct Shared {
    /// Sled; none for a moment while it is opened again.
    db: RwLock<Option<Database>>,
    directory: PathBuf,
    journal: Mutex<Journal>,
    sidecar: Mutex<Sidecar>,
    mark: MarkFile,
    /// What is in the journal and not yet in sled.
    recent: Memtable,
    /// The last round of the journal, and the last that sled has.
    last: AtomicU64,
    head: AtomicU64,
    /// Bytes journalled since the last checkpoint, and since the last base.
    since_checkpoint: AtomicU64,
    since_base: AtomicU64,
    base_bytes: AtomicU64,
    /// Whether a base is due, and there is no room for it.
    base_waits: AtomicBool,
    room: Room,
    backups: Backups,
    stop: Mutex<bool>,
    wake: Condvar,
    // Last, so that it is let go when everything else is closed.
    _lock: File,
}

/// Sled, and its file for syncing.
struct Database {
    db: ::sled::Db,
    file: File,
}

impl Database {
    fn of(db: ::sled::Db, directory: &Path) -> anyhow::Result<Self> {
        let file = directory.join(DATABASE).join("db");
        Ok(Self { db, file: File::open(file).context("cannot open the database file for syncing")? })
    }
}

/// Sled on a directory.
pub struct SledEngine {
    shared: Arc<Shared>,
    layers: Option<std::thread::JoinHandle<()>>,
    checkpoints: Option<std::thread::JoinHandle<()>>,
}

/// Opens, or creates, the store in a directory. It makes no backups by itself.
///
/// # Errors
/// In words for an operator: another process has it, something older came back, it is damaged, it is of a newer Muster.
pub fn open(directory: &Path) -> anyhow::Result<Store> {
    open_with(directory, Backups { every: None, keep: 0 })
}

/// As [`open`], with backups while it runs.
///
/// # Errors
/// As [`open`].
pub fn open_with(directory: &Path, backups: Backups) -> anyhow::Result<Store> {
    let engine = SledEngine::open(directory, backups)?;
    Ok(Store::new(Arc::new(Committed::start(Arc::new(engine))?)))
}

/// How often a backup is made while the store is open, and how many are kept.
#[derive(Debug, Clone, Copy)]
pub struct Backups {
    /// How often; never without.
    pub every: Option<Duration>,
    /// How many are kept, the latest.
    pub keep: usize,
}

/// Insists that something of a store lies in a directory: whoever only reads one makes none.
///
/// # Errors
/// There is none.
pub fn expect_store(directory: &Path) -> anyhow::Result<()> {
    if ![SIDECAR, DATABASE, JOURNAL, MARK].iter().any(|part| directory.join(part).exists()) {
        bail!("there is no store in {}", directory.display());
    }
    Ok(())
}

/// Makes a backup of a store that nobody uses, and says where.
///
/// # Errors
/// There is none, it cannot be opened, or the disk.
pub fn back_up(directory: &Path) -> anyhow::Result<PathBuf> {
    expect_store(directory)?;
    SledEngine::open(directory, Backups { every: None, keep: usize::MAX })?.shared.back_up()
}

/// Brings a backup back into a directory in which there is no store. The next start makes the database from it.
///
/// # Errors
/// There is a store already, the backup is damaged, or the disk.
pub fn restore(backup: &Path, directory: &Path) -> anyhow::Result<u64> {
    fs::create_dir_all(directory)?;
    // Nobody starts on it meanwhile.
    let _lock = lock(directory)?;
    let broke_off = restore_broke_off(directory);
    if !broke_off && holds_anything(directory)? {
        bail!(
            "there is a store in {0} already, or a part of one; move it aside first, so that nothing of it is lost: mv {0} {0}.old. What lay in it \
             lies in {0}.old then, its backups too",
            directory.display()
        );
    }
    if !backup.join(SIDECAR).exists() {
        bail!(
            "there is no backup in {}; `muster store check` lists them. One in a directory that was moved moved with it",
            backup.display()
        );
    }
    let found = inspect(backup)?;
    if let Some(why) = found.damage.first() {
        bail!("the backup in {} is damaged: {why}", backup.display());
    }
    if broke_off {
        // What it had put in its place came from a backup.
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
    // All of it is there. What says that there is a store comes last.
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

/// Whether a restore was cut off: then what lies there is a part of a backup, and the restore is done again.
fn restore_broke_off(directory: &Path) -> bool {
    let is_there = |part: &str| directory.join(part).exists();
    is_there(RESTORING) && !is_there(SIDECAR) && !is_there(DATABASE)
}

/// Whether something of a store lies in a directory that a backup would come over. A file of a backup may be the very same one.
fn holds_anything(directory: &Path) -> anyhow::Result<bool> {
    let rounds = journal::inspect(&directory.join(JOURNAL), 0).map_or(true, |rounds| rounds.is_some());
    let mark = Mark::read(&directory.join(MARK))?.is_some_and(|mark| mark.round > 0);
    let parts = [SIDECAR, DATABASE].iter().any(|part| directory.join(part).exists());
    Ok(parts || rounds || mark || newest_base(directory).is_some())
}

/// Copies a file to where there is none yet, durably.
fn copy_new(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || {
        let mut copy = OpenOptions::new().write(true).create_new(true).open(to)?;
        io::copy(&mut File::open(from)?, &mut copy)?;
        copy.sync_all()
    };
    copy().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// What a newer Muster than this wrote, in words.
fn newer(sidecar: &Sidecar) -> Option<String> {
    let words = "was written by a newer Muster";
    if sidecar.schema > SCHEMA {
        Some(format!("{words} (layout {}; this one knows {SCHEMA})", sidecar.schema))
    } else if sidecar.edition > EDITION {
        Some(format!("{words} (records of edition {}; this one knows {EDITION})", sidecar.edition))
    } else {
        None
    }
}

/// The newest base in a directory, whatever `store.json` says.
fn newest_base(directory: &Path) -> Option<u64> {
    let names = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.strip_prefix("base-")?.parse().ok()).max()
}

/// Refuses a directory that holds something of a store, and not the file that says how far it had come. A start that was cut off before
/// anything was kept leaves nothing of that.
fn no_store_without_its_sidecar(directory: &Path) -> anyhow::Result<()> {
    let rounds = journal::inspect(&directory.join(JOURNAL), 0).map_or(true, |rounds| rounds.is_some());
    if restore_broke_off(directory) {
        bail!(
            "a restore into {} broke off; do it again: `muster store restore BACKUP`. To begin without it, remove {}",
            directory.display(),
            directory.join(RESTORING).display()
        );
    }
    let has_parts = rounds || newest_base(directory).is_some();
    if let Some(mark) = Mark::read(&directory.join(MARK))?.filter(|mark| mark.round > 0 && !has_parts) {
        bail!(
            "of the store in {} only `{MARK}` is left: {} rounds were answered, and nothing of them is there. If the store is meant to be empty, \
             remove {} too. {RESTORE}",
            directory.display(),
            mark.round,
            directory.join(MARK).display()
        );
    }
    if has_parts {
        bail!(
            "{} is missing, and {} holds a store: nothing says how far it had come, so Muster does not start on it. Bring the file back; or \
             `muster store repair` makes the store anew from what is there and says how far that goes; or `muster store restore` brings back a backup",
            directory.join(SIDECAR).display(),
            directory.display()
        );
    }
    Ok(())
}

/// What a store was made of by a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The base, if there is one, and the journal.
    Journal,
    /// The database as it was, which had more.
    Database,
}

/// What a repair came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repaired {
    /// What the store was made of.
    pub of: Source,
    /// The round of the base, if there is one.
    pub base: Option<u64>,
    /// The last round.
    pub last: u64,
    /// How many rounds that were answered are given up, as far as that is known.
    pub missing: u64,
}

/// What can still be had where the journal is damaged: of the database and of the base, each with the whole rounds of the journal above it, whatever
/// reaches further. It is the base of what comes, and the journal begins anew.
fn salvage(directory: &Path, sidecar: &mut Sidecar) -> anyhow::Result<(Source, ::sled::Db, Journal)> {
    let folder = directory.join(JOURNAL);
    let of_database = || -> anyhow::Result<(::sled::Db, u64)> {
        if !directory.join(DATABASE).exists() {
            bail!("there is no database");
        }
        let db = open_soon(&directory.join(DATABASE))?;
        db.get(SCHEMA_KEY)?.context("nothing says of which layout it is")?;
        for pair in db.iter() {
            pair.context("a record cannot be read")?;
        }
        let reach = journal::replay_whole(&folder, head_of(&db)?, |frame| take(&db, frame.sequence, &frame.changes))?;
        Ok((db, reach))
    };
    let of_base = || -> anyhow::Result<u64> {
        if let Some(base) = sidecar.base {
            journal::read_base(&base_file(directory, base), |_| Ok(()))?;
        }
        journal::replay_whole(&folder, sidecar.base.unwrap_or(0), |_| Ok(()))
    };
    let (of, db, head) = match (of_database(), of_base()) {
        (Err(full), _) if is_full(&full) => return Err(full),
        // The base and the journal have checksums.
        (database, Ok(reach))
            if database.as_ref().map_or(reach > 0 || sidecar.base.is_some(), |(_, of)| reach >= *of) =>
        {
            drop(database);
            let whole = |db: &::sled::Db| {
                journal::replay_whole(&folder, sidecar.base.unwrap_or(0), |frame| {
                    take(db, frame.sequence, &frame.changes)
                })
            };
            let (db, head) = made_of(directory, sidecar.base, whole)?;
            (Source::Journal, db, head)
        }
        (Ok((db, head)), _) => (Source::Database, db, head),
        (Err(why), of_base) => bail!(
            "nothing of the store in {} can be had: of the database, {why:#}; of base and journal, {}. {RESTORE}",
            directory.display(),
            of_base.map_or_else(|why| format!("{why:#}"), |_| "there is no whole round".to_owned())
        ),
    };
    base(directory, &db, head, |_| Ok(()))?;
    (sidecar.base, sidecar.mark, sidecar.clean, sidecar.journal_aside) = (Some(head), head, false, true);
    sidecar.sums.clear();
    write_sidecar(directory, sidecar)?;
    put_journal_aside(directory, sidecar)?;
    let above = Mark { round: head, sum: 0 };
    Ok((of, db, Journal::open(&folder, head, head, above, |_| Ok(()))?))
}

/// Makes the database anew from the base and the journal, whatever state it is in; it is kept aside in `damaged`. Where rounds that were answered
/// are missing, or the journal is damaged, it goes on with what can be had, and only if that loss is accepted.
///
/// # Errors
/// They are not whole.
pub fn repair(directory: &Path, accept_loss: bool) -> anyhow::Result<Repaired> {
    expect_store(directory)?;
    let _lock = lock(directory)?;
    let sidecar = match read_sidecar(directory) {
        Ok(Some(sidecar)) => sidecar,
        // Nothing says how far it had come: what there is counts.
        Ok(None) | Err(_) => {
            let base = newest_base(directory);
            let rounds = match journal::inspect(&directory.join(JOURNAL), base.unwrap_or(0)) {
                // Whatever can be had of it is had below.
                Err(_) if accept_loss => None,
                rounds => rounds?,
            };
            let last = rounds.map(|(_, last)| last.round).or(base);
            let mark = last.or(accept_loss.then_some(0)).with_context(|| {
                format!(
                    "{} has neither a base nor a journal, of which a store could be made. {RESTORE}",
                    directory.display()
                )
            })?;
            Sidecar { schema: SCHEMA, has_data: true, mark, base, ..Sidecar::default() }
        }
    };
    if let Some(newer) = newer(&sidecar) {
        bail!("the store in {} {newer}, which alone can repair it", directory.display());
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
                bail!("nothing that was answered is missing in {}; start the bot", directory.display())
            }
            Ok(opened) => {
                of = Source::Database;
                opened
            }
            Err(full) if is_full(&full) => return Err(full),
            // Perhaps all is there that was answered.
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

/// What lies in a store's directory, or in a backup, without opening it.
#[derive(Debug, Default)]
pub struct Inspection {
    /// The layout; 0 where nothing is there.
    pub layout: u32,
    /// The round that the database had come to at least.
    pub mark: u64,
    /// The round of the base.
    pub base: Option<u64>,
    /// The first and the last round of the journal.
    pub journal: Option<(u64, u64)>,
    /// What is wrong, in words.
    pub damage: Vec<String>,
    /// The backups, the oldest first.
    pub backups: Vec<PathBuf>,
}

/// Looks at a store's directory, or at a backup, and changes nothing.
///
/// # Errors
/// It cannot be read.
pub fn inspect(directory: &Path) -> anyhow::Result<Inspection> {
    if !directory.exists() {
        return Ok(Inspection::default());
    }
    let sidecar = read_sidecar(directory)?;
    // Before the journal: it may be written meanwhile.
    let mark = reached(directory, &sidecar.clone().unwrap_or_default())?;
    if sidecar.is_none()
        && let Err(why) = no_store_without_its_sidecar(directory)
    {
        // What lies there is said all the same: it is what a repair goes by.
        let base = newest_base(directory);
        let journal =
            journal::inspect(&directory.join(JOURNAL), 0).ok().flatten().map(|(first, last)| (first, last.round));
        let (damage, backups) = (vec![format!("{why:#}")], backups(directory));
        return Ok(Inspection { layout: SCHEMA, base, journal, damage, backups, ..Inspection::default() });
    }
    let sidecar = sidecar.unwrap_or_default();
    let mut found =
        Inspection { layout: sidecar.schema, mark: sidecar.mark, base: sidecar.base, ..Inspection::default() };
    if let Some(newer) = newer(&sidecar) {
        found.damage.push(format!("it {newer}, which alone can look at it"));
    }
    if sidecar.schema == SCHEMA {
        let mut last = Mark { round: sidecar.base.unwrap_or(0), sum: 0 };
        match journal::inspect(&directory.join(JOURNAL), last.round) {
            // The base has all of it, and a start puts it aside.
            _ if sidecar.journal_aside => {}
            Ok(rounds) => {
                found.journal = rounds.map(|(first, last)| (first, last.round));
                last = rounds.map_or(last, |(_, of)| if of.round > last.round { of } else { last });
            }
            Err(error) => found.damage.push(format!("{error:#}")),
        }
        if let Some(base) = sidecar.base
            && let Err(error) = journal::read_base(&base_file(directory, base), |_| Ok(()))
        {
            found.damage.push(format!("{error:#}"));
        }
        found.mark = mark.round;
        if let Err(why) = mark.insist(last) {
            found.damage.push(format!("in the journal {why:#}; a start finds out whether the database has the others"));
        }
        let begins = found.journal.is_some_and(|(first, _)| first > sidecar.base.unwrap_or(0) + 1);
        if begins {
            found.damage.push("the journal does not reach back to the base".to_owned());
        }
        if sidecar.clean && !sidecar.begun && sums(&directory.join(DATABASE)).ok().as_ref() != Some(&sidecar.sums) {
            found.damage.push("the files of the database are not those that were closed".to_owned());
        }
    }
    found.backups = backups(directory);
    Ok(found)
}

/// Which one of the backups this is, by when it was made.
fn counted(backup: &Path) -> u64 {
    read_sidecar(backup).ok().flatten().map_or(0, |sidecar| sidecar.made)
}

/// The backups of a store, the oldest first.
fn backups(directory: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(directory.join(BACKUPS)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<_> = all.filter(|path| path.join(SIDECAR).exists()).collect();
    // In the order in which they were made: after a loss that was accepted, rounds are counted again from a lower one, and clocks may be wrong.
    all.sort_by_key(|backup| (counted(backup), backup.clone()));
    all
}

const RESTORE: &str = "Keep a copy of the directory. `muster store check` says what is there; `muster store restore` brings back a backup, and \
    `muster import FILE` an export, into an empty directory. Where there is no backup, `muster store repair --accept-loss` goes on with what can be \
    had.";

impl SledEngine {
    fn open(directory: &Path, backups: Backups) -> anyhow::Result<Self> {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the store's directory {}", directory.display()))?;
        // Before anything is looked at: what another process is just writing must not be judged.
        let lock = lock(directory)?;
        let found = read_sidecar(directory)?;
        if found.is_none() {
            no_store_without_its_sidecar(directory)?;
        }
        let mut sidecar = found.unwrap_or_default();
        if let Some(newer) = newer(&sidecar) {
            bail!("the store in {} {newer}; nothing was changed. Start the newer Muster", directory.display());
        }
        let room = Room::of(directory);
        room.for_a_start();
        put_journal_aside(directory, &mut sidecar)?;
        let _ = fs::remove_dir_all(directory.join(RESTORING));
        let is_old = sidecar.schema == 1 && sidecar.has_data;
        let restored = sidecar.restored && !directory.join(DATABASE).exists();
        let mark = reached(directory, &sidecar)?;
        let looked =
            if restored { made_from_backup(directory, &sidecar, mark) } else { opened(directory, &mut sidecar, mark) };
        let (db, mut journal) = match looked {
            Ok(opened) => opened,
            Err(why) if restored => return Err(why),
            Err(why) if is_old => return Err(why),
            Err(why) if !sidecar.has_data || is_full(&why) => return Err(why),
            Err(why) => made_anew(directory, &sidecar, mark, &why)?,
        };
        let head = journal.last().round;
        let is_empty = head == 0 && sidecar.base.is_none();
        if is_empty && sidecar.has_data && !is_old && !directory.join(MARK).exists() {
            // Whoever writes the first record has made the mark before.
            bail!("{}", came_back_empty(directory));
        }
        let database = Database::of(db, directory)?;
        let db = &database.db;
        db.insert(SCHEMA_KEY, SCHEMA.to_string().as_bytes()).context("cannot write the store's layout")?;
        db.flush().context("cannot write the store's layout")?;
        database.file.sync_all().context("cannot sync the database file")?;
        (sidecar.schema, sidecar.edition, sidecar.restored) = (SCHEMA, EDITION, false);
        sidecar.clean = false;
        sidecar.sums.clear();
        sidecar.mark = head;
        (sidecar.journal_aside, sidecar.begun) = (false, false);
        if is_old {
            // What was there before there was a journal is the base of what comes.
            base(directory, db, head, |_| Ok(()))?;
            sidecar.base = Some(head);
        }
        settle(directory, db, &journal, &mut sidecar)?;
        write_sidecar(directory, &sidecar)?;
        // Of no use any more, and perhaps damaged.
        journal.forget(sidecar.base.unwrap_or(0))?;
        let mark = MarkFile::open(&directory.join(MARK), journal.last())?;
        forget_other_bases(directory, sidecar.base);
        for directory in [
            &directory.join(DATABASE),
            directory,
            directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")),
        ] {
            sync_directory(directory)?;
        }
        let journal_bytes = journal.bytes().context("cannot measure the journal")?;
        let base_bytes = sidecar.base.and_then(|base| fs::metadata(base_file(directory, base)).ok());
        let shared = Arc::new(Shared {
            db: RwLock::new(Some(database)),
            directory: directory.to_owned(),
            journal: Mutex::new(journal),
            recent: Memtable::default(),
            last: AtomicU64::new(head),
            head: AtomicU64::new(head),
            since_checkpoint: AtomicU64::new(0),
            since_base: AtomicU64::new(journal_bytes),
            base_bytes: AtomicU64::new(base_bytes.map_or(0, |of| of.len())),
            sidecar: Mutex::new(sidecar),
            mark,
            base_waits: AtomicBool::new(false),
            room,
            backups,
            stop: Mutex::new(false),
            wake: Condvar::new(),
            _lock: lock,
        });
        let mut engine = Self { shared: shared.clone(), layers: None, checkpoints: None };
        let of = shared.clone();
        engine.layers =
            Some(std::thread::Builder::new().name("layers".to_owned()).spawn(move || guarded(|| of.take_layers()))?);
        let of = shared;
        engine.checkpoints =
            Some(std::thread::Builder::new().name("checkpoints".to_owned()).spawn(move || guarded(|| of.run()))?);
        Ok(engine)
    }
}

/// How far the journal of a store had come, at least.
fn reached(directory: &Path, sidecar: &Sidecar) -> anyhow::Result<Mark> {
    let at_checkpoint = Mark { round: sidecar.mark.max(sidecar.base.unwrap_or(0)), sum: 0 };
    let mark = Mark::read(&directory.join(MARK))?;
    Ok(mark.filter(|mark| mark.round >= at_checkpoint.round).unwrap_or(at_checkpoint))
}

/// Sled and the journal as they are, the journal's newer rounds taken in.
fn opened(directory: &Path, sidecar: &mut Sidecar, mark: Mark) -> anyhow::Result<(::sled::Db, Journal)> {
    let path = directory.join(DATABASE);
    let was_begun = sidecar.begun;
    let is_whole = sidecar.clean && !sidecar.sums.is_empty();
    if is_whole && !was_begun {
        if sums(&path)? != sidecar.sums {
            bail!("the files of the database are not those that were closed");
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
            "the store in {} holds records, and nothing says of which layout, or how far it had come; it is damaged. {RESTORE}",
            directory.display()
        );
    }
    let head = head_of(&db)?;
    if (!sidecar.clean || was_begun) && sidecar.has_data {
        // What cannot be read is seen now, and not at night.
        for pair in db.iter() {
            pair.context("a record cannot be read")?;
        }
    }
    let journal = directory.join(JOURNAL);
    let base_round = sidecar.base.unwrap_or(0);
    let opened = Journal::open(&journal, head, base_round, mark, |frame| take(&db, frame.sequence, &frame.changes));
    let journal = match opened {
        // The database was closed and is as it was, so nothing is missing in it; the journal begins anew.
        Err(error) if is_whole && head >= mark.round && !is_io(&error) => {
            tracing::error!(error = %format!("{error:#}"), "the journal is damaged; the database has everything, and the journal begins anew");
            // Some rounds may have come from it before it failed.
            let head = head_of(&db)?;
            // First a base that has everything, then it is said that the journal is not needed any more, then it goes.
            base(directory, &db, head, |_| Ok(()))?;
            (sidecar.base, sidecar.mark, sidecar.clean, sidecar.journal_aside) = (Some(head), head, false, true);
            sidecar.sums.clear();
            write_sidecar(directory, sidecar)?;
            put_journal_aside(directory, sidecar)?;
            Journal::open(&journal, head, head, mark, |_| Ok(()))?
        }
        opened => opened?,
    };
    if journal.last().round > head {
        let rounds = journal.last().round - head;
        tracing::info!(rounds, "the journal was ahead of the database, which has caught up");
    }
    Ok((db, journal))
}

/// A base of what the database has, where it cannot be made anew from the last one and the journal.
fn settle(directory: &Path, db: &::sled::Db, journal: &Journal, sidecar: &mut Sidecar) -> anyhow::Result<()> {
    let head = journal.last().round;
    let is_there = sidecar.base.is_none_or(|round| round <= head && base_file(directory, round).exists());
    if !is_there || !journal.reaches_back_to(sidecar.base.unwrap_or(0)) {
        tracing::warn!(
            round = head,
            "the database cannot be made anew from the last base and the journal; another base is made"
        );
        base(directory, db, head, |_| Ok(()))?;
        sidecar.base = Some(head);
    }
    Ok(())
}

/// Moves a damaged journal aside, where that was begun. It may be gone already.
fn put_journal_aside(directory: &Path, sidecar: &mut Sidecar) -> anyhow::Result<()> {
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

/// Whether the disk failed, which says nothing of what is on it.
fn is_io(why: &anyhow::Error) -> bool {
    why.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some())
}

/// Whether there was no room, which is no damage.
fn is_full(why: &anyhow::Error) -> bool {
    why.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        let of_sled = cause.downcast_ref::<::sled::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
            || matches!(of_sled, Some(::sled::Error::Io(error)) if error.kind() == io::ErrorKind::StorageFull)
    })
}

/// A name in a directory that nothing has yet: nothing that was kept before is lost.
fn free_name(directory: &Path, name: &str) -> PathBuf {
    let names = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name}.{n}")));
    let mut free = names.map(|name| directory.join(name)).skip_while(|path| path.exists());
    free.next().unwrap_or_else(|| directory.join(name))
}

/// Sled made from a backup that was brought back.
fn made_from_backup(directory: &Path, sidecar: &Sidecar, mark: Mark) -> anyhow::Result<(::sled::Db, Journal)> {
    let made = made(directory, sidecar, mark, &anyhow!("a backup was brought back"))?;
    tracing::info!(rounds = made.1.last().round, "the database is made from the backup");
    Ok(made)
}

/// Sled made anew from the base and the journal; what there was is kept aside.
fn made_anew(
    directory: &Path,
    sidecar: &Sidecar,
    mark: Mark,
    why: &anyhow::Error,
) -> anyhow::Result<(::sled::Db, Journal)> {
    tracing::error!(error = %format!("{why:#}"), "the database is damaged or older than it should be; it is made anew from the base and the journal");
    let made = made(directory, sidecar, mark, why)?;
    tracing::warn!(rounds = made.1.last().round, "the database is whole");
    Ok(made)
}

fn made(directory: &Path, sidecar: &Sidecar, mark: Mark, why: &anyhow::Error) -> anyhow::Result<(::sled::Db, Journal)> {
    let refused = |error: anyhow::Error| {
        anyhow!(
            "the database in {} cannot be made anew: {error:#}. It was to be, since {why:#}. It had come to round {}. Muster does not start on \
             what is older, because it would page again for what is known and forget what is open. {RESTORE}",
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

/// Sled made of a base, if there is one, and of what else is filled into it; it takes the place of what there was, which is kept aside.
fn made_of<T>(
    directory: &Path,
    base: Option<u64>,
    fill: impl FnOnce(&::sled::Db) -> anyhow::Result<T>,
) -> anyhow::Result<(::sled::Db, T)> {
    let beside = directory.join("sled.new");
    let _ = fs::remove_dir_all(&beside);
    let make = || -> anyhow::Result<T> {
        let db = open_guarded(&beside)?;
        if let Some(base) = base {
            journal::read_base(&base_file(directory, base), |changes| take(&db, base, &changes))?;
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
        tracing::warn!(kept = %aside.display(), "what there was of the database is kept");
    }
    fs::rename(&beside, directory.join(DATABASE)).context("the new database cannot be put in its place")?;
    Ok((open_soon(&directory.join(DATABASE))?, filled))
}

fn head_of(db: &::sled::Db) -> anyhow::Result<u64> {
    let head = db.get(HEAD_KEY).context("cannot read how far the database has come")?;
    Ok(head.and_then(|head| Some(u64::from_le_bytes(*head.first_chunk()?))).unwrap_or(0))
}

/// Takes what was written up to a round into sled, without a sync. The round comes last: where only a part was kept, the journal is read again
/// from the round before. One by one, and not as a batch of sled's, during which nobody could read.
fn take(db: &::sled::Db, round: u64, changes: &Changes) -> anyhow::Result<()> {
    for (key, value) in changes {
        match value {
            Some(value) => db.insert(key.as_slice(), value.as_slice())?,
            None => db.remove(key.as_slice())?,
        };
    }
    db.insert(HEAD_KEY, round.to_le_bytes().as_slice())?;
    Ok(())
}

fn base_file(directory: &Path, round: u64) -> PathBuf {
    directory.join(format!("base-{round:016}"))
}

/// Writes a base of what sled has at this round or later; its size. Where it cannot be written it leaves nothing of itself.
fn base(
    directory: &Path,
    db: &::sled::Db,
    round: u64,
    has_room: impl FnMut(u64) -> io::Result<()>,
) -> anyhow::Result<u64> {
    let beside = directory.join("base.new");
    let own = |key: &[u8]| key == SCHEMA_KEY || key == HEAD_KEY;
    let pairs = db.iter().filter(|pair| !pair.as_ref().is_ok_and(|(key, _)| own(key)));
    let pairs = pairs.map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(io::Error::other));
    let written = journal::write_base(&beside, pairs, has_room);
    let size = written.context("the base cannot be written").inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })?;
    fs::rename(&beside, base_file(directory, round)).context("the base cannot be put in its place")?;
    sync_directory(directory)?;
    Ok(size)
}

/// Removes what a crash left of bases that do not count.
fn forget_other_bases(directory: &Path, counts: Option<u64>) {
    let _ = fs::remove_file(directory.join("base.new"));
    let Some(counts) = counts.map(|base| base_file(directory, base)) else {
        return;
    };
    for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_base = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("base"));
        if is_base && path.is_file() && path != counts {
            let _ = fs::remove_file(path);
        }
    }
}

/// The checksums of the database's files.
fn sums(path: &Path) -> anyhow::Result<BTreeMap<String, u32>> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| path.is_file()) else {
            continue;
        };
        let (mut file, mut sum, mut block) = (File::open(&path)?, crc32fast::Hasher::new(), vec![0; 1024 * 1024]);
        loop {
            match file.read(&mut block)? {
                0 => break,
                read => sum.update(&block[..read]),
            }
        }
        sums.insert(name.to_owned(), sum.finalize());
    }
    Ok(sums)
}

fn came_back_empty(directory: &Path) -> String {
    format!(
        "the store in {} came back empty although it held data: the disk lost its log in a power cut or it was removed by hand. \
         Muster does not start on an empty store, because it would page again for what is known and forget what is open. {RESTORE} \
         If it is meant to be empty, remove {} and {} too.",
        directory.display(),
        directory.join(SIDECAR).display(),
        directory.join(MARK).display()
    )
}

/// One process a directory. Sled has a lock of its own, but takes it only while it recovers.
fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let held = |why| match why {
        fs::TryLockError::WouldBlock => {
            anyhow!("another process uses the store in {}; only one Muster may", directory.display())
        }
        fs::TryLockError::Error(error) => anyhow::Error::from(error).context(format!("cannot lock {}", path.display())),
    };
    // A program that this process is just starting has a copy of its files for a moment, also of one that was let go.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            locked => return locked.map(|()| file).map_err(held),
        }
    }
    Err(held(fs::TryLockError::WouldBlock))
}

/// Ends the process, as after a write of which nobody knows what is on disk: the next start makes the database whole from the journal.
fn stop(why: &str) -> ! {
    tracing::error!(error = %why, "the database cannot go on; stopping. What was acknowledged is in the journal, and the next start makes it whole");
    std::process::exit(70)
}

/// Does what a thread of the store does; where sled panics, nobody knows what it holds.
fn guarded(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        stop("it broke off");
    }
}

/// Sled may panic on a torn log (sled issue 1387).
fn open_guarded(path: &Path) -> anyhow::Result<::sled::Db> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        ::sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MILLIS))
            .open()
    }));
    match opened {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(error)) => {
            let words = format!("the database in {} cannot be opened: {error}. {RESTORE}", path.display());
            Err(anyhow::Error::from(error).context(words))
        }
        Err(_) => Err(anyhow!("the database in {} is damaged and cannot be opened. {RESTORE}", path.display())),
    }
}

/// What was closed a moment ago may hold its file a moment longer.
fn open_soon(path: &Path) -> anyhow::Result<::sled::Db> {
    for _ in 0..20 {
        match open_guarded(path) {
            Err(why) if !is_full(&why) => std::thread::sleep(Duration::from_millis(100)),
            opened => return opened,
        }
    }
    open_guarded(path)
}

fn remove_half_made_snapshots(path: &Path) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(path) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).with_context(|| format!("cannot remove the half-made snapshot {name}"))?;
        }
    }
    Ok(())
}

fn read_sidecar(directory: &Path) -> anyhow::Result<Option<Sidecar>> {
    let path = directory.join(SIDECAR);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
            format!("{} is damaged, and nothing else says how far the store had come. {RESTORE}", path.display())
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Written beside, synced and renamed, so that it is never half there.
fn write_sidecar(directory: &Path, sidecar: &Sidecar) -> anyhow::Result<()> {
    let path = directory.join(SIDECAR);
    let beside = directory.join("store.json.new");
    let mut file = File::create(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
    file.write_all(&serde_json::to_vec(sidecar)?)?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    sync_directory(directory)
}

fn sync_directory(directory: &Path) -> anyhow::Result<()> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("cannot sync the directory {}", directory.display()))
}

impl Shared {
    fn sidecar(&self) -> MutexGuard<'_, Sidecar> {
        self.sidecar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the database something.
    fn with<T>(&self, ask: impl FnOnce(&Database) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let database = self.db.read().unwrap_or_else(PoisonError::into_inner);
        ask(database.as_ref().context("the database could not be opened again")?)
    }

    /// Whether the database is closed, or just being opened again.
    fn is_closed(&self) -> bool {
        match self.db.try_read() {
            Ok(database) => database.is_none(),
            Err(TryLockError::Poisoned(database)) => database.into_inner().is_none(),
            Err(TryLockError::WouldBlock) => true,
        }
    }

    /// Sled believes no write any more once one failed, as on a full disk. It is opened again, and catches up from the journal. Without a reason
    /// it is opened where it is closed.
    fn open_again(&self, why: Option<&anyhow::Error>) -> anyhow::Result<()> {
        self.room.look_again();
        // Nothing is appended while the journal is read.
        let _journal = self.journal();
        let mut database = self.db.write().unwrap_or_else(PoisonError::into_inner);
        match why {
            None if database.is_some() => return Ok(()),
            Some(why) if database.is_some() => {
                tracing::error!(error = %format!("{why:#}"), "the database could not write; it is opened again and catches up from the journal");
            }
            _ => {}
        }
        *database = None;
        let path = self.directory.join(DATABASE);
        remove_half_made_snapshots(&path)?;
        let db = open_soon(&path)?;
        let above = head_of(&db)?;
        let last =
            journal::replay(&self.directory.join(JOURNAL), above, |frame| take(&db, frame.sequence, &frame.changes))?;
        self.head.fetch_max(last, Ordering::SeqCst);
        *database = Some(Database::of(db, &self.directory)?);
        Ok(())
    }

    /// Takes into sled what was written, a layer at a time. On a full disk it is tried again: the journal has everything.
    fn take_layers(&self) {
        while let Some(layer) = self.recent.next() {
            while let Err(why) = self.take_layer(&layer) {
                if !is_full(&why) {
                    stop(&format!("{why:#}"));
                }
                let words = format!("the database has no room ({why:#}); free some space, and it goes on by itself");
                if self.recent.is_behind(words, TICK) {
                    // It is closing, and the next start reads the journal.
                    return;
                }
            }
            self.recent.taken();
        }
    }

    fn take_layer(&self, layer: &Layer) -> anyhow::Result<()> {
        let taken = self.with(|of| {
            // It may have come from the journal already, with what is newer.
            if layer.last > self.head.load(Ordering::SeqCst) {
                take(&of.db, layer.last, &layer.changes)?;
            }
            Ok(())
        });
        taken.or_else(|error| self.open_again(Some(&error)))?;
        self.head.fetch_max(layer.last, Ordering::SeqCst);
        Ok(())
    }

    /// Looks after what nobody should wait for, until told to stop.
    fn run(&self) {
        let (mut last, mut failed) = (Stopwatch::start(), None::<Stopwatch>);
        loop {
            {
                let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
                let stop = if *stop { stop } else { self.wait(stop) };
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
                .journal()
                .needs_another()
                .filter(|_| failed.is_none_or(|failed| failed.seconds() > CHECKPOINT_EVERY_SECONDS));
            if let Some(folder) = another.filter(|_| self.room.has(journal::SEGMENT_ROOM))
                && let Err(error) = journal::make_another(&folder)
            {
                tracing::warn!(%error, "no segment of the journal could be made ready; commits wait for its room");
                failed = Some(Stopwatch::start());
            }
            let written = self.since_checkpoint.load(Ordering::Relaxed);
            let is_due = written >= CHECKPOINT_AFTER_BYTES || last.seconds() >= CHECKPOINT_EVERY_SECONDS;
            // On a full disk what is written is left to whom it is needed for.
            if is_due && self.room.refuses().is_none() {
                last = Stopwatch::start();
                self.look_after(written > 0);
            }
        }
    }

    fn wait<'a>(&self, stop: MutexGuard<'a, bool>) -> MutexGuard<'a, bool> {
        self.wake.wait_timeout(stop, TICK).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Makes a backup, a checkpoint and a base, where they are due.
    fn look_after(&self, was_written: bool) {
        if let Err(error) = self.back_up_if_due() {
            tracing::error!(error = %format!("{error:#}"), "a backup cannot be made");
        }
        if was_written && let Err(error) = self.checkpoint().and_then(|head| self.base_if_due(head)) {
            tracing::warn!(error = %format!("{error:#}"), "the journal cannot be made shorter; nothing is lost");
        }
    }

    /// Makes sled durable as it is, and says beside it how far the journal had come; the round that sled had come to.
    fn checkpoint(&self) -> anyhow::Result<u64> {
        let (last, head) = (self.last.load(Ordering::SeqCst), self.head.load(Ordering::SeqCst));
        self.since_checkpoint.store(0, Ordering::Relaxed);
        let flush = |of: &Database| {
            of.db.flush()?;
            // `flush` ends with `sync_file_range`, which is no promise. This is.
            Ok(of.file.sync_data()?)
        };
        if let Err(error) = self.with(flush) {
            self.open_again(Some(&error))?;
            self.with(flush)?;
        }
        let mut sidecar = self.sidecar();
        sidecar.mark = sidecar.mark.max(last);
        write_sidecar(&self.directory, &sidecar)?;
        Ok(head)
    }

    fn back_up_if_due(&self) -> anyhow::Result<()> {
        let Some(every) =
            self.backups.every.filter(|_| self.sidecar().has_data && self.room.has(journal::SEGMENT_ROOM))
        else {
            return Ok(());
        };
        let last = backups(&self.directory).pop();
        // One that a clock dated into the future is as far from now.
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

    /// Makes a backup: the base and the journal as they are, all or nothing.
    fn back_up(&self) -> anyhow::Result<PathBuf> {
        let beside = self.directory.join(BACKUPS).join("new");
        let _ = fs::remove_dir_all(&beside);
        self.back_up_by(&beside).inspect_err(|_| {
            let _ = fs::remove_dir_all(&beside);
        })
    }

    fn back_up_by(&self, beside: &Path) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(beside.join(JOURNAL))?;
        let mut sidecar = self.sidecar().clone();
        {
            // Nothing is appended meanwhile: the open segment is small, and the others are linked.
            let journal = self.journal();
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

    /// Makes another base, where the journal has grown as large as the last one; the journal up to it goes. Sled has this round durably.
    fn base_if_due(&self, head: u64) -> anyhow::Result<()> {
        let (before, since) = (self.base_bytes.load(Ordering::Relaxed), self.since_base.load(Ordering::Relaxed));
        if since < BASE_AFTER_BYTES.max(before) {
            return Ok(());
        }
        // It has what the last one had, and at most all that was written since; and no more than the database.
        let in_sled = self.with(|of| Ok(of.db.size_on_disk()?))?;
        let waits = !self.room.has((before + since).min(in_sled));
        if waits != self.base_waits.swap(waits, Ordering::Relaxed) && waits {
            tracing::warn!("a new base waits for room on the disk, and the journal grows until then; free some space");
        }
        if waits {
            return Ok(());
        }
        // A copy of the handle, so that nobody waits for the base.
        let db = self.with(|of| Ok(of.db.clone()))?;
        let size = base(&self.directory, &db, head, |bytes| self.room.insist(bytes))?;
        drop(db);
        self.since_base.fetch_sub(since, Ordering::Relaxed);
        self.base_bytes.store(size, Ordering::Relaxed);
        let mut sidecar = self.sidecar();
        let before = sidecar.base.replace(head);
        write_sidecar(&self.directory, &sidecar)?;
        if let Some(before) = before.filter(|before| *before != head) {
            fs::remove_file(base_file(&self.directory, before))?;
        }
        Ok(self.journal().forget(head)?)
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        *self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wake.notify_all();
        self.shared.recent.close();
        for thread in [self.layers.take(), self.checkpoints.take()].into_iter().flatten() {
            let _ = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Everything that was acknowledged is in the journal already; this spares the next start the reading, and lets it see damage.
        let closed = self.checkpoint().and_then(|_| {
            let sums = sums(&self.directory.join(DATABASE))?;
            let mut sidecar = self.sidecar();
            (sidecar.clean, sidecar.sums) = (true, sums);
            write_sidecar(&self.directory, &sidecar)
        });
        if let Err(error) = closed {
            tracing::warn!(error = %format!("{error:#}"), "the store was not closed cleanly; the next start reads it whole");
        }
    }
}

impl Bytes for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(recent) = self.shared.recent.get(key) {
            return Ok(recent);
        }
        let value = self.shared.with(|of| Ok(of.db.get(key)?)).map_err(|error| ReadError::new(format!("{error:#}")))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError> {
        let unreadable = |error: anyhow::Error| ReadError::new(format!("{error:#}"));
        let pair = |pair: ::sled::Result<(::sled::IVec, ::sled::IVec)>| {
            let (key, value) = pair.map_err(|error| unreadable(error.into()))?;
            Ok((key.to_vec(), value.to_vec()))
        };
        // What was written lately is looked at before sled is.
        let recent = self.shared.recent.range(from, to, limit);
        let read = self.shared.with(|of| Ok(memtable::over(recent, of.db.range(from..to).map(pair), limit)));
        read.map_err(unreadable)?
    }

    fn write(&self, changes: Changes) -> Result<(), WriteError> {
        let shared = &self.shared;
        if !shared.sidecar().has_data {
            // Before the first record: from here on, empty means lost.
            let mut sidecar = shared.sidecar();
            sidecar.has_data = true;
            if let Err(error) = write_sidecar(&shared.directory, &sidecar) {
                sidecar.has_data = false;
                return Err(WriteError::NoRoom(format!("{error:#}")));
            }
        }
        let mark = shared.journal().append(&changes).inspect_err(|_| shared.room.look_again())?;
        // It is durable.
        shared.mark.move_to(mark);
        shared.last.store(mark.round, Ordering::SeqCst);
        let size: usize = changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        shared.since_base.fetch_add(size as u64, Ordering::Relaxed);
        shared.since_checkpoint.fetch_add(size as u64, Ordering::Relaxed);
        shared.recent.put(mark.round, changes);
        Ok(())
    }

    fn figures(&self) -> Vec<(&'static str, u64)> {
        let blobs = fs::read_dir(self.shared.directory.join(DATABASE).join("blobs")).map_or(0, Iterator::count);
        let bytes = self.shared.with(|of| Ok(of.db.size_on_disk()?)).unwrap_or(0);
        vec![("bytes", bytes), ("blobs", blobs as u64)]
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.shared.directory)
    }

    fn room(&self) -> Result<(), String> {
        let shared = &self.shared;
        let closed = || shared.is_closed().then(|| "the database is being opened again".to_owned());
        shared.recent.why_behind().or_else(closed).or_else(|| shared.room.refuses()).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, Expect, Id, Record};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    struct Text(String);

    impl Record for Text {
        const KIND: crate::store::Kind = crate::store::Kind::Meta;
        const SHAPE: u32 = 1;
    }

    fn put(store: &Store, id: &str, text: &str) {
        let mut batch = Batch::new();
        batch.put(&Id::<Text>::new(id), Expect::Any, &Text(text.to_owned()));
        runtime().block_on(store.commit(batch)).expect("it commits");
    }

    fn has(store: &Store, id: &str) -> bool {
        runtime().block_on(store.get(&Id::<Text>::new(id))).expect("it reads").is_some()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    fn fill(directory: &Path) {
        let store = open(directory).expect("it opens");
        put(&store, "x", "text");
    }

    #[test]
    fn a_half_made_snapshot_does_not_stop_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        fs::write(directory.path().join("sled/snap.0000.generating"), b"half").expect("a file");
        let store = open(directory.path()).expect("it opens all the same");
        assert!(has(&store, "x"));
    }

    /// Opens a store and closes it.
    fn closed(directory: &Path) {
        drop(open(directory).expect("it opens"));
    }

    #[test]
    fn a_database_that_is_gone_is_made_anew_from_the_journal() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        closed(directory.path());
        fs::remove_dir_all(directory.path().join(DATABASE)).expect("it is gone");
        assert!(has(&open(directory.path()).expect("it opens"), "x"));
    }

    #[test]
    fn a_store_that_came_back_empty_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        closed(directory.path());
        fs::remove_dir_all(directory.path().join(DATABASE)).expect("it is gone");
        fs::remove_dir_all(directory.path().join(JOURNAL)).expect("it is gone");
        let error = open(directory.path()).expect_err("it refuses").to_string();
        assert!(error.contains("cannot be made anew"), "{error}");
        assert!(error.contains("It had come to round 1"), "{error}");
        assert!(error.contains("muster store restore"), "{error}");
    }

    #[test]
    fn something_older_that_came_back_catches_up_or_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        closed(directory.path());
        let older = tempfile::tempdir().expect("a directory");
        for entry in fs::read_dir(directory.path().join(DATABASE)).expect("it reads").flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), older.path().join(entry.file_name())).expect("a copy");
            }
        }
        put(&open(directory.path()).expect("it opens"), "y", "newer");
        closed(directory.path());
        fs::remove_dir_all(directory.path().join(DATABASE)).expect("it is gone");
        fs::rename(older.path(), directory.path().join(DATABASE)).expect("the older one is back");
        {
            let store = open(directory.path()).expect("it opens");
            assert!(has(&store, "x") && has(&store, "y"), "the journal has what is newer");
        }
        closed(directory.path());
    }

    #[test]
    fn backups_are_made_while_it_runs_and_the_latest_are_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let backups_due = Backups { every: Some(Duration::ZERO), keep: 2 };
        let engine = Arc::new(SledEngine::open(directory.path(), backups_due).expect("it opens"));
        let store = Store::new(Arc::new(Committed::start(engine.clone()).expect("it starts")));
        engine.shared.back_up_if_due().expect("nothing is there yet");
        assert!(backups(directory.path()).is_empty());
        for id in ["a", "b", "c"] {
            put(&store, id, "text");
            engine.shared.back_up_if_due().expect("a backup");
        }
        let made = backups(directory.path());
        assert_eq!(made.len(), 2, "{made:?}");
        put(&store, "d", "later");
        let restored = tempfile::tempdir().expect("a directory");
        restore(&made[1], restored.path()).expect("it is brought back");
        let restored = open(restored.path()).expect("it opens");
        assert!(["a", "b", "c"].iter().all(|id| has(&restored, id)) && !has(&restored, "d"));
    }

    #[test]
    fn a_backup_is_brought_back_and_a_repair_makes_the_database_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path());
        closed(directory.path());
        let backup = back_up(directory.path()).expect("a backup");
        put(&open(directory.path()).expect("it opens"), "y", "newer");
        closed(directory.path());
        let restored = tempfile::tempdir().expect("a directory");
        let error = restore(&directory.path().join("none"), restored.path()).expect_err("there is none").to_string();
        assert!(error.contains("there is no backup in"), "{error}");
        assert_eq!(restore(&backup, restored.path()).expect("it is brought back"), 1);
        {
            let store = open(restored.path()).expect("it opens");
            assert!(has(&store, "x") && !has(&store, "y"));
            assert!(!restored.path().join("damaged").exists(), "nothing was damaged");
        }
        let error = restore(&backup, directory.path()).expect_err("it refuses").to_string();
        assert!(error.contains("there is a store in"), "{error}");
        repair(directory.path(), false).expect("it is made anew");
        repair(directory.path(), false).expect("and again");
        assert!(directory.path().join("damaged").exists() && directory.path().join("damaged.2").exists());
        assert!(has(&open(directory.path()).expect("it opens"), "y"));
        assert!(inspect(&directory.path().join("none")).is_ok_and(|found| found.layout == 0));
        assert!(!directory.path().join("none").exists(), "a look changes nothing");
        let found = inspect(directory.path()).expect("it can be looked at");
        assert_eq!((found.layout, found.damage.len(), found.backups.len()), (2, 0, 1), "{found:?}");
    }

    /// What one key says is written in two rounds. Sled is opened again in between, and comes to the second from the journal.
    #[test]
    fn an_older_layer_never_comes_over_what_is_newer() {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = SledEngine::open(directory.path(), Backups { every: None, keep: 0 }).expect("it opens");
        let says = |what: &str| Changes::from([(b"key".to_vec(), Some(what.as_bytes().to_vec()))]);
        engine.write(says("older")).expect("it is written");
        engine.write(says("newer")).expect("it is written");
        engine.shared.open_again(Some(&anyhow!("the disk was full"))).expect("it opens");
        engine
            .shared
            .take_layer(&Layer { changes: says("older"), last: 1, ..Layer::default() })
            .expect("there is nothing to do");
        let in_sled = engine.shared.with(|of| Ok(of.db.get(b"key")?)).expect("it reads");
        assert_eq!(in_sled.as_deref(), Some(&b"newer"[..]));
    }

    /// A base takes nothing of the room that is kept for what was accepted, and is made once there is more.
    #[test]
    fn a_base_waits_for_room_and_leaves_nothing_half_made() {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = SledEngine::open(directory.path(), Backups { every: None, keep: 0 }).expect("it opens");
        engine.write(Changes::from([(b"key".to_vec(), Some(b"value".to_vec()))])).expect("it is written");
        let (shared, half) = (&engine.shared, directory.path().join("base.new"));
        shared.base_if_due(1).expect("none is due");
        assert_eq!((newest_base(directory.path()), half.exists()), (None, false));
        let db = shared.with(|of| Ok(of.db.clone())).expect("it is open");
        let full = |_| Err(io::Error::new(io::ErrorKind::StorageFull, "full"));
        base(directory.path(), &db, 1, full).expect_err("there is no room");
        assert_eq!((newest_base(directory.path()), half.exists()), (None, false));
        shared.since_base.store(BASE_AFTER_BYTES, Ordering::Relaxed);
        shared.base_if_due(1).expect("there is room");
        assert_eq!((newest_base(directory.path()), half.exists()), (Some(1), false));
        assert_eq!(shared.since_base.load(Ordering::Relaxed), 0);
    }

    /// A database that is closed is said; once it is open it has everything.
    #[test]
    fn a_database_that_closed_is_said_and_opened_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = SledEngine::open(directory.path(), Backups { every: None, keep: 0 }).expect("it opens");
        engine.write(Changes::from([(b"key".to_vec(), Some(b"value".to_vec()))])).expect("it is written");
        {
            // Nobody opens it while this is held.
            let mut database = engine.shared.db.write().expect("nobody panicked");
            *database = None;
            assert_eq!(engine.room(), Err("the database is being opened again".to_owned()));
        }
        assert_eq!(engine.get(b"key").expect("the memtable has it").as_deref(), Some(&b"value"[..]));
        engine.shared.open_again(None).expect("it opens");
        let in_sled = engine.shared.with(|of| Ok(of.db.get(b"key")?)).expect("it reads");
        assert_eq!(in_sled.as_deref(), Some(&b"value"[..]));
        assert_eq!(engine.room(), Ok(()));
    }

    #[test]
    fn a_second_process_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let _first = open(directory.path()).expect("it opens");
        let error = open(directory.path()).expect_err("it refuses").to_string();
        assert!(error.contains("only one Muster may"), "{error}");
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(SIDECAR), br#"{"schema":99,"has_data":true}"#).expect("a file");
        let error = open(directory.path()).expect_err("it refuses").to_string();
        assert!(error.contains("Start the newer Muster"), "{error}");
    }

    #[test]
    fn records_stay_out_of_blobs() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path()).expect("it opens");
        for index in 0..200 {
            put(&store, &index.to_string(), &"x".repeat(60_000));
        }
        let figures = store.figures();
        assert!(figures.contains(&("blobs", 0)), "{figures:?}");
        assert!(figures.iter().any(|(name, bytes)| *name == "bytes" && *bytes > 0), "{figures:?}");
    }
}
