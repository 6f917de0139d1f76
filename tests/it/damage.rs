//! Damage to the files of a store: after any of it, a start has every acknowledged record, or refuses in words that name the way on. And a disk
//! that is full: new work is refused, what was accepted is done, and it goes on by itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use muster::store::{Batch, Expect, Id, Kind, Range, Record, Store, sled};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::crash::{kill, start};
use crate::harness::{TOKEN, stale_orders};
use crate::program::set_up;

/// A record that says where it belongs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Text(String);

impl Record for Text {
    const KIND: Kind = Kind::Message;
    const SHAPE: u32 = 1;
}

/// A small generator, so that a run that fails can be told apart by its number.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

async fn fill(store: &Store, rounds: usize) {
    for round in 0..rounds {
        let mut batch = Batch::new();
        for n in 0..5 {
            let id = Id::<Text>::new(format!("{round:04}-{n}"));
            batch.put(&id, Expect::Any, &Text(format!("{round} {n} {}", "x".repeat(n * 100))));
        }
        // Something that is overwritten, and something that goes.
        batch.put(&Id::<Text>::new("last"), Expect::Any, &Text(round.to_string()));
        if round > 0 {
            batch.del(&Id::<Text>::new(format!("{:04}-0", round - 1)), Expect::Any);
        }
        store.commit(batch).await.unwrap();
    }
}

async fn all(store: &Store) -> BTreeMap<String, String> {
    let all = store.all(Range::<Text>::all()).await.unwrap();
    all.into_iter().map(|rec| (rec.id.to_string(), rec.value.0)).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files(&path, found);
        } else if !["lock", "ballast"].contains(&path.file_name().unwrap().to_str().unwrap()) {
            found.push(path);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let mut all = Vec::new();
    files(from, &mut all);
    for path in all {
        let at = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::copy(path, at).unwrap();
    }
}

/// What may happen to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Cut,
    Flip,
    /// Zeros from there on: a page that never reached the disk.
    Zeros,
    Gone,
}

/// Damages a file somewhere.
fn damage(path: &Path, how: Damage, random: &mut Random) -> String {
    let mut bytes = fs::read(path).unwrap();
    // Behind what was written there is room only; damage there says nothing.
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let at = random.below(written);
    match how {
        Damage::Gone => return fs::remove_file(path).map(|()| format!("{} is gone", path.display())).unwrap(),
        Damage::Flip if written > 0 => bytes[at] ^= 1 << random.below(8),
        Damage::Zeros => bytes[at..].fill(0),
        Damage::Cut | Damage::Flip => bytes.truncate(at),
    }
    fs::write(path, &bytes).unwrap();
    format!("{} at {at} of {written}: {how:?}", path.display())
}

/// In which state a store is damaged.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// It was closed.
    Clean,
    /// Its process is gone, before a checkpoint.
    Unclean,
    /// It has a base, segments of the journal that are full, and a backup; and its process is gone.
    Grown,
}

/// A store in a state, copied to `kept`, and what it holds.
async fn filled(state: State, kept: &Path) -> BTreeMap<String, String> {
    let filled = crate::harness::folder();
    let mut store = sled::open(filled.path()).unwrap();
    fill(&store, 40).await;
    let closed = |store: Store| {
        drop(store);
        fs::File::create(filled.path().join("lock")).unwrap().lock().unwrap();
    };
    if state == State::Grown {
        closed(store);
        // A journal that is damaged after a clean stop is put aside, and a base is written.
        let first = filled.path().join("journal/0000000000000001.log");
        damage(&first, Damage::Flip, &mut Random(1));
        store = sled::open(filled.path()).unwrap();
        for n in 0..300 {
            let mut batch = Batch::new();
            batch.put(&Id::<Text>::new(format!("large-{n:04}")), Expect::Any, &Text("y".repeat(60_000)));
            store.commit(batch).await.unwrap();
        }
        closed(store);
        sled::back_up(filled.path()).unwrap();
        store = sled::open(filled.path()).unwrap();
        fill(&store, 40).await;
        let names: Vec<_> = fs::read_dir(filled.path().join("journal")).unwrap().flatten().collect();
        assert!(names.len() >= 2, "{names:?}");
        assert!(sled::inspect(filled.path()).unwrap().base.is_some());
        fs::remove_dir_all(filled.path().join("journal.damaged")).unwrap();
    }
    let expected = all(&store).await;
    if state == State::Clean {
        closed(store);
        copy(filled.path(), kept);
    } else {
        copy(filled.path(), kept);
        drop(store);
    }
    expected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_damaged_no_record_is_silently_older_or_gone() {
    let mut random = Random(20_261_127);
    for (state, turns) in [(State::Clean, 4), (State::Unclean, 4), (State::Grown, 1)] {
        let kept = crate::harness::folder();
        let expected = filled(state, kept.path()).await;
        let mut all_files = Vec::new();
        files(kept.path(), &mut all_files);
        let (mut refused, mut tried) = (0, 0);
        let kinds = [Damage::Cut, Damage::Flip, Damage::Zeros, Damage::Gone];
        for file in &all_files {
            for how in kinds.into_iter().cycle().take(kinds.len() * turns) {
                let damaged = crate::harness::folder();
                copy(kept.path(), damaged.path());
                let at = damage(&damaged.path().join(file.strip_prefix(kept.path()).unwrap()), how, &mut random);
                tried += 1;
                match sled::open(damaged.path()) {
                    Ok(store) => assert_eq!(all(&store).await, expected, "{state:?}, {at}"),
                    Err(error) => {
                        let words = format!("{error:#}");
                        // A bit of the layout's number may make it a newer one.
                        let names_the_way = words.contains("muster store") || words.contains("Start the newer Muster");
                        assert!(names_the_way, "{state:?}, {at}: {words}");
                        refused += 1;
                    }
                }
            }
        }
        println!("{state:?}: {refused} of {tried} damaged stores were refused, the others had everything");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_lost_its_end_is_seen_and_a_person_may_go_on_without_it() {
    let kept = crate::harness::folder();
    let expected = filled(State::Unclean, kept.path()).await;
    let journal = "journal/0000000000000001.log";
    let whole = fs::read(kept.path().join(journal)).unwrap();
    let written = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for quarter in 0..4 {
        let cut = crate::harness::folder();
        copy(kept.path(), cut.path());
        fs::write(cut.path().join(journal), &whole[..written * quarter / 4]).unwrap();
        let words = format!("{:#}", sled::open(cut.path()).err().unwrap());
        assert!(words.contains("but round 40 was answered"), "{words}");
        assert!(words.contains("`muster store repair --accept-loss`"), "{words}");
        let found = sled::inspect(cut.path()).unwrap();
        assert_eq!((found.mark, found.damage.len()), (40, 1), "{found:?}");
        // A repair by itself loses nothing that was answered.
        assert!(sled::repair(cut.path(), false).is_err());
        let repaired = sled::repair(cut.path(), true).unwrap();
        let last = repaired.last;
        assert!(last < 40 && repaired.missing == 40 - last, "{repaired:?}");
        let store = sled::open(cut.path()).unwrap();
        let less = all(&store).await;
        assert_eq!(less.get("last").cloned(), last.checked_sub(1).map(|last| last.to_string()));
        assert!(less.len() < expected.len());
        // And it goes on from there.
        fill(&store, 41).await;
        drop(store);
        assert_eq!(sled::inspect(cut.path()).unwrap().damage, Vec::<String>::new());
    }
}

/// A store that was closed, whose journal's last frame is damaged: the database has all of it. And what it holds.
async fn with_a_damaged_end(folder: &Path) -> BTreeMap<String, String> {
    let expected = filled(State::Clean, folder).await;
    let journal = folder.join("journal/0000000000000001.log");
    let mut bytes = fs::read(&journal).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 1;
    fs::write(&journal, bytes).unwrap();
    expected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_has_is_kept_where_the_journal_lost_it_also_after_the_next_crash() {
    let (folder, crashed) = (crate::harness::folder(), crate::harness::folder());
    let mut expected = with_a_damaged_end(folder.path()).await;
    let found = sled::inspect(folder.path()).unwrap();
    assert!(found.damage[0].contains("A start finds out whether the database has the others"), "{found:?}");
    // Nothing is missing, so nothing is given up.
    let words = sled::repair(folder.path(), true).err().unwrap().to_string();
    assert!(words.contains("no answered round is missing"), "{words}");
    let store = sled::open(folder.path()).unwrap();
    assert_eq!(all(&store).await, expected);
    let mut batch = Batch::new();
    batch.put(&Id::<Text>::new("later"), Expect::Any, &Text("later".to_owned()));
    store.commit(batch).await.unwrap();
    expected.insert("later".to_owned(), "later".to_owned());
    // The process is killed, and starts again; a backup of that comes back whole.
    copy(folder.path(), crashed.path());
    drop(store);
    assert_eq!(sled::inspect(crashed.path()).unwrap().damage, Vec::<String>::new());
    let store = sled::open(crashed.path()).unwrap();
    assert_eq!(all(&store).await, expected);
    drop(store);
    fs::File::create(crashed.path().join("lock")).unwrap().lock().unwrap();
    let backup = sled::back_up(crashed.path()).unwrap();
    let restored = crate::harness::folder();
    sled::restore(&backup, restored.path()).unwrap();
    assert_eq!(all(&sled::open(restored.path()).unwrap()).await, expected);
}

/// The last segment of a journal may lose all it has, in several ways, alone or behind others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_lost_everything_is_a_gap_and_a_base_closes_it() {
    for (state, nothing) in [(State::Clean, true), (State::Clean, false), (State::Grown, true), (State::Grown, false)] {
        let (folder, crashed) = (crate::harness::folder(), crate::harness::folder());
        filled(state, folder.path()).await;
        // Closed, so that the database has everything.
        let expected = all(&sled::open(folder.path()).unwrap()).await;
        fs::File::create(folder.path().join("lock")).unwrap().lock().unwrap();
        let mut segments: Vec<_> =
            fs::read_dir(folder.path().join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.retain(|path| path.extension().is_some());
        segments.sort();
        let last = segments.last().unwrap();
        let length = fs::metadata(last).unwrap().len() as usize;
        fs::write(last, if nothing { Vec::new() } else { vec![0; length] }).unwrap();
        let store = sled::open(folder.path()).unwrap();
        assert_eq!(all(&store).await, expected, "{state:?}");
        copy(folder.path(), crashed.path());
        drop(store);
        assert_eq!(sled::inspect(crashed.path()).unwrap().damage, Vec::<String>::new(), "{state:?}");
        // The database can be made anew, and a backup comes back.
        fs::remove_dir_all(crashed.path().join("sled")).unwrap();
        assert_eq!(all(&sled::open(crashed.path()).unwrap()).await, expected, "{state:?}");
        fs::File::create(crashed.path().join("lock")).unwrap().lock().unwrap();
        let (backup, restored) = (sled::back_up(crashed.path()).unwrap(), crate::harness::folder());
        sled::restore(&backup, restored.path()).unwrap();
        assert_eq!(all(&sled::open(restored.path()).unwrap()).await, expected, "{state:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_never_goes_below_the_base_and_takes_the_database_where_the_journal_is_damaged() {
    // An older database, and nothing in the journal above the base.
    let (folder, older) = (crate::harness::folder(), crate::harness::folder());
    filled(State::Grown, folder.path()).await;
    let base = sled::inspect(folder.path()).unwrap().base.unwrap();
    let of_base = {
        let restored = crate::harness::folder();
        copy(folder.path(), restored.path());
        fs::remove_dir_all(restored.path().join("sled")).unwrap();
        all(&sled::open(restored.path()).unwrap()).await
    };
    drop(sled::open(older.path()).unwrap());
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    copy(&older.path().join("sled"), &folder.path().join("sled"));
    for entry in fs::read_dir(folder.path().join("journal")).unwrap().flatten() {
        fs::write(entry.path(), b"").unwrap();
    }
    assert!(sled::open(folder.path()).is_err());
    let repaired = sled::repair(folder.path(), true).unwrap();
    assert_eq!((repaired.of, repaired.last), (sled::Source::Journal, base), "{repaired:?}");
    let store = sled::open(folder.path()).unwrap();
    assert!(all(&store).await.len() <= of_base.len());
    fill(&store, 3).await;
    let expected = all(&store).await;
    drop(store);
    fs::File::create(folder.path().join("lock")).unwrap().lock().unwrap();
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    assert_eq!(all(&sled::open(folder.path()).unwrap()).await, expected, "what was answered after the repair is kept");
    // Closed, then a stop that was none: the journal is damaged, and the database has everything.
    let folder = crate::harness::folder();
    let expected = filled(State::Clean, folder.path()).await;
    let file = folder.path().join("store.json");
    let mut sidecar: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    sidecar["clean"] = json!(false);
    fs::write(&file, sidecar.to_string()).unwrap();
    let journal = folder.path().join("journal/0000000000000001.log");
    let mut bytes = fs::read(&journal).unwrap();
    bytes[30] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let words = format!("{:#}", sled::open(folder.path()).err().unwrap());
    assert!(words.contains("--accept-loss"), "{words}");
    let repaired = sled::repair(folder.path(), true).unwrap();
    assert_eq!((repaired.of, repaired.missing), (sled::Source::Database, 0), "{repaired:?}");
    assert_eq!(all(&sled::open(folder.path()).unwrap()).await, expected);
}

/// What has checksums is believed before what has none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_believes_base_and_journal_first_and_saves_what_is_whole_at_last() {
    let folder = crate::harness::folder();
    let expected = filled(State::Clean, folder.path()).await;
    let database = folder.path().join("sled/db");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(&database, bytes).unwrap();
    let repaired = sled::repair(folder.path(), true).unwrap();
    assert_eq!((repaired.of, repaired.last, repaired.missing), (sled::Source::Journal, 40, 0));
    assert!(!folder.path().join("journal.damaged").exists(), "the journal is whole");
    assert_eq!(all(&sled::open(folder.path()).unwrap()).await, expected);
    // The database is gone and the journal is damaged in the middle: the rounds before that are had.
    for part in ["with", "without"] {
        let folder = crate::harness::folder();
        filled(State::Clean, folder.path()).await;
        fs::remove_dir_all(folder.path().join("sled")).unwrap();
        if part == "without" {
            fs::remove_file(folder.path().join("store.json")).unwrap();
        }
        let journal = folder.path().join("journal/0000000000000001.log");
        let mut bytes = fs::read(&journal).unwrap();
        let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[written / 2] ^= 1;
        fs::write(&journal, bytes).unwrap();
        assert!(sled::repair(folder.path(), false).is_err());
        let repaired = sled::repair(folder.path(), true).unwrap();
        assert!(repaired.last > 10 && repaired.last < 30 && repaired.missing == 40 - repaired.last, "{repaired:?}");
        let store = sled::open(folder.path()).unwrap();
        assert_eq!(all(&store).await.get("last").cloned(), Some((repaired.last - 1).to_string()));
        fill(&store, 2).await;
        let expected = all(&store).await;
        drop(store);
        fs::File::create(folder.path().join("lock")).unwrap().lock().unwrap();
        assert_eq!(sled::inspect(folder.path()).unwrap().damage, Vec::<String>::new());
        assert_eq!(all(&sled::open(folder.path()).unwrap()).await, expected);
    }
}

/// A base of round 0 is what a store of before there was a journal had: it is all there is, and not nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_of_round_0_is_taken_where_no_round_is_whole() {
    let folder = crate::stores::unpack("v1");
    let store = sled::open(folder.path()).unwrap();
    fill(&store, 3).await;
    drop(store);
    fs::File::create(folder.path().join("lock")).unwrap().lock().unwrap();
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let journal = folder.path().join("journal/0000000000000001.log");
    let mut bytes = fs::read(&journal).unwrap();
    bytes[20] ^= 1;
    fs::write(&journal, bytes).unwrap();
    assert!(sled::open(folder.path()).is_err());
    let repaired = sled::repair(folder.path(), true).unwrap();
    assert_eq!((repaired.of, repaired.last, repaired.missing), (sled::Source::Journal, 0, 3));
    let store = sled::open(folder.path()).unwrap();
    assert!(!store.scan(&Range::<muster::domain::Incident>::all(), 10).await.unwrap().records.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_starts_on_a_directory_that_a_backup_comes_into() {
    let (folder, directory) = (crate::harness::folder(), crate::harness::folder());
    filled(State::Grown, folder.path()).await;
    let backup = fs::read_dir(folder.path().join("backups")).unwrap().next().unwrap().unwrap().path();
    let lock = fs::File::create(directory.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let words = sled::restore(&backup, directory.path()).err().unwrap().to_string();
    assert!(words.contains("another process uses the store"), "{words}");
    drop(lock);
    sled::restore(&backup, directory.path()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_broke_off_is_done_again() {
    let (folder, directory) = (crate::harness::folder(), crate::harness::folder());
    filled(State::Grown, folder.path()).await;
    let backup = fs::read_dir(folder.path().join("backups")).unwrap().next().unwrap().unwrap().path();
    sled::restore(&backup, directory.path()).unwrap();
    let expected = all(&sled::open(directory.path()).unwrap()).await;
    // As if it had ended before the last of it was in its place.
    let again = crate::harness::folder();
    fs::create_dir_all(again.path().join("restore.new")).unwrap();
    copy(&backup.join("journal"), &again.path().join("journal"));
    let words = sled::open(again.path()).err().unwrap().to_string();
    assert!(words.contains("a restore into") && words.contains("Do it again"), "{words}");
    sled::restore(&backup, again.path()).unwrap();
    assert_eq!(all(&sled::open(again.path()).unwrap()).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_broke_off_while_the_journal_went_aside_goes_on() {
    let folder = crate::harness::folder();
    let expected = filled(State::Clean, folder.path()).await;
    let journal = folder.path().join("journal/0000000000000001.log");
    let whole = fs::read(&journal).unwrap();
    damage(&journal, Damage::Flip, &mut Random(1));
    drop(sled::open(folder.path()).unwrap());
    fs::File::create(folder.path().join("lock")).unwrap().lock().unwrap();
    // As if it had been cut off before the journal was moved.
    fs::remove_dir_all(folder.path().join("journal")).unwrap();
    fs::rename(folder.path().join("journal.damaged"), folder.path().join("journal")).unwrap();
    let file = folder.path().join("store.json");
    let mut sidecar: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    (sidecar["journal_aside"], sidecar["clean"]) = (json!(true), json!(false));
    fs::write(&file, sidecar.to_string()).unwrap();
    assert_eq!(all(&sled::open(folder.path()).unwrap()).await, expected);
    assert_ne!(fs::read(folder.path().join("journal.damaged/0000000000000001.log")).unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_never_comes_over_what_is_left_of_a_store() {
    let folder = crate::harness::folder();
    filled(State::Grown, folder.path()).await;
    let backup = fs::read_dir(folder.path().join("backups")).unwrap().next().unwrap().unwrap().path();
    // The copy has files of its own; a real backup's are the store's.
    let base = format!("base-{:016}", sled::inspect(folder.path()).unwrap().base.unwrap());
    fs::remove_file(backup.join(&base)).unwrap();
    fs::hard_link(folder.path().join(&base), backup.join(&base)).unwrap();
    let mut before = Vec::new();
    files(&backup, &mut before);
    let bytes = |paths: &[PathBuf]| paths.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let whole = bytes(&before);
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    fs::remove_file(folder.path().join("store.json")).unwrap();
    let words = sled::restore(&backup, folder.path()).err().unwrap().to_string();
    assert!(words.contains("or a part of one"), "{words}");
    assert_eq!(bytes(&before), whole, "the backup is as it was");
    // It comes back where there is none.
    let restored = crate::harness::folder();
    sled::restore(&backup, restored.path()).unwrap();
    assert!(!all(&sled::open(restored.path()).unwrap()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_emptied_by_hand_says_what_to_remove() {
    let folder = crate::harness::folder();
    filled(State::Clean, folder.path()).await;
    for part in ["sled", "journal"] {
        fs::remove_dir_all(folder.path().join(part)).unwrap();
    }
    fs::remove_file(folder.path().join("store.json")).unwrap();
    let words = sled::open(folder.path()).err().unwrap().to_string();
    assert!(words.contains("only `mark` is left: round 40 was answered"), "{words}");
    assert!(!folder.path().join("sled").exists(), "nothing was made");
    fs::remove_file(folder.path().join("mark")).unwrap();
    assert!(all(&sled::open(folder.path()).unwrap()).await.is_empty());
}

/// A small disk of its own, where this machine lets one be made.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn of(folder: &Path, mib: u32) -> Option<Self> {
        let size = format!("size={mib}m");
        let made = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).status();
        made.is_ok_and(|made| made.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_new_work_does_what_it_accepted_and_goes_on_by_itself() {
    let directory = crate::harness::folder();
    let (sandbox, variables) = set_up(directory.path()).await;
    let data = directory.path().join("data");
    fs::create_dir_all(&data).unwrap();
    let Some(_disk) = SmallDisk::of(&data, 400) else {
        // Past the capture of tests, so that it is read.
        let words =
            b"\n*** No small file system can be mounted here (it needs root): the test of a full disk is SKIPPED\n\n";
        std::io::Write::write_all(&mut std::io::stderr(), words).unwrap();
        return;
    };
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut program = start(directory.path(), &variables);
    sandbox.connect(&program.base);
    let post = async |base: &str, key: &str| {
        let mut body = stale_orders();
        (body["key"], body["asset"]) = (json!(key), json!(format!("w.{key}")));
        let sent = http.post(format!("{base}/hooks/dq")).bearer_auth(TOKEN).body(body.to_string()).send();
        let answer = sent.await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let ready = async |base: &str| http.get(format!("{base}/readyz")).send().await.unwrap().status().as_u16();
    let until = async |base: &str, wanted: u16| {
        // Each look is a request, which takes its time.
        for _ in 0..20_000 {
            if ready(base).await == wanted {
                return;
            }
        }
        panic!("/readyz does not become {wanted}");
    };
    sandbox.faults().down("pagerduty", true);
    assert_eq!(post(&program.base, "before").await.0, 202);
    // The disk fills up.
    let fat = data.join("fat");
    let fill = || {
        let mut file = fs::File::create(&fat).unwrap();
        while std::io::Write::write_all(&mut file, &[7; 64 * 1024]).is_ok() {}
    };
    fill();
    until(&program.base, 503).await;
    let (status, words) = post(&program.base, "refused").await;
    assert_eq!(status, 503, "{words}");
    // What was accepted is paged all the same.
    sandbox.faults().down("pagerduty", false);
    for _ in 0..20_000 {
        if !sandbox.pagerduty().pages_by_key().is_empty() {
            break;
        }
        ready(&program.base).await;
    }
    assert_eq!(sandbox.pagerduty().pages_by_key().len(), 1, "the page goes out on a full disk");
    // A start on a full disk serves, refuses new work, and is not ready.
    kill(program.child);
    program = start(directory.path(), &variables);
    sandbox.connect(&program.base);
    until(&program.base, 503).await;
    let (status, words) = post(&program.base, "refused").await;
    assert_eq!(status, 503, "{words}");
    // With room again it goes on by itself.
    fs::remove_file(&fat).unwrap();
    until(&program.base, 200).await;
    assert_eq!(post(&program.base, "after").await.0, 202);
    kill(program.child);
}

async fn put(store: &Store, id: &str, text: &str) {
    let mut batch = Batch::new();
    batch.put(&Id::<Text>::new(id), Expect::Any, &Text(text.to_owned()));
    store.commit(batch).await.expect("it commits");
}

async fn has(store: &Store, id: &str) -> bool {
    store.get(&Id::<Text>::new(id)).await.expect("it reads").is_some()
}

/// A store with one record, closed.
async fn made_in(directory: &Path) {
    put(&sled::open(directory).expect("it opens"), "x", "text").await;
}

#[tokio::test]
async fn a_half_made_snapshot_does_not_stop_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    made_in(directory.path()).await;
    fs::write(directory.path().join("sled/snap.0000.generating"), b"half").expect("a file");
    let store = sled::open(directory.path()).expect("it opens all the same");
    assert!(has(&store, "x").await);
}

#[tokio::test]
async fn a_database_that_is_gone_is_made_anew_from_the_journal() {
    let directory = tempfile::tempdir().expect("a directory");
    made_in(directory.path()).await;
    drop(sled::open(directory.path()).expect("it opens"));
    fs::remove_dir_all(directory.path().join("sled")).expect("it is gone");
    assert!(has(&sled::open(directory.path()).expect("it opens"), "x").await);
}

#[tokio::test]
async fn a_store_that_came_back_empty_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    made_in(directory.path()).await;
    drop(sled::open(directory.path()).expect("it opens"));
    fs::remove_dir_all(directory.path().join("sled")).expect("it is gone");
    fs::remove_dir_all(directory.path().join("journal")).expect("it is gone");
    let error = sled::open(directory.path()).expect_err("it refuses").to_string();
    assert!(error.contains("cannot be made anew"), "{error}");
    assert!(error.contains("It had come to round 1"), "{error}");
    assert!(error.contains("muster store restore"), "{error}");
}

#[tokio::test]
async fn something_older_that_came_back_catches_up_or_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    made_in(directory.path()).await;
    drop(sled::open(directory.path()).expect("it opens"));
    let older = tempfile::tempdir().expect("a directory");
    for entry in fs::read_dir(directory.path().join("sled")).expect("it reads").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), older.path().join(entry.file_name())).expect("a copy");
        }
    }
    put(&sled::open(directory.path()).expect("it opens"), "y", "newer").await;
    drop(sled::open(directory.path()).expect("it opens"));
    fs::remove_dir_all(directory.path().join("sled")).expect("it is gone");
    fs::rename(older.path(), directory.path().join("sled")).expect("the older one is back");
    {
        let store = sled::open(directory.path()).expect("it opens");
        assert!(has(&store, "x").await && has(&store, "y").await, "the journal has what is newer");
    }
    drop(sled::open(directory.path()).expect("it opens"));
}

#[tokio::test]
async fn a_backup_is_brought_back_and_a_repair_makes_the_database_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    made_in(directory.path()).await;
    drop(sled::open(directory.path()).expect("it opens"));
    let backup = sled::back_up(directory.path()).expect("a backup");
    put(&sled::open(directory.path()).expect("it opens"), "y", "newer").await;
    drop(sled::open(directory.path()).expect("it opens"));
    let restored = tempfile::tempdir().expect("a directory");
    let error = sled::restore(&directory.path().join("none"), restored.path()).expect_err("there is none").to_string();
    assert!(error.contains("there is no backup in"), "{error}");
    assert_eq!(sled::restore(&backup, restored.path()).expect("it is brought back"), 1);
    {
        let store = sled::open(restored.path()).expect("it opens");
        assert!(has(&store, "x").await && !has(&store, "y").await);
        assert!(!restored.path().join("damaged").exists(), "nothing was damaged");
    }
    let error = sled::restore(&backup, directory.path()).expect_err("it refuses").to_string();
    assert!(error.contains("there is a store in"), "{error}");
    sled::repair(directory.path(), false).expect("it is made anew");
    sled::repair(directory.path(), false).expect("and again");
    assert!(directory.path().join("damaged").exists() && directory.path().join("damaged.2").exists());
    assert!(has(&sled::open(directory.path()).expect("it opens"), "y").await);
    assert!(sled::inspect(&directory.path().join("none")).is_ok_and(|found| found.layout == 0));
    assert!(!directory.path().join("none").exists(), "a look changes nothing");
    let found = sled::inspect(directory.path()).expect("it can be looked at");
    assert_eq!((found.layout, found.damage.len(), found.backups.len()), (2, 0, 1), "{found:?}");
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let _first = sled::open(directory.path()).expect("it opens");
    let error = sled::open(directory.path()).expect_err("it refuses").to_string();
    assert!(error.contains("Only one Muster may"), "{error}");
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("store.json"), br#"{"schema":99,"has_data":true}"#).expect("a file");
    let error = sled::open(directory.path()).expect_err("it refuses").to_string();
    assert!(error.contains("Start the newer Muster"), "{error}");
}

#[tokio::test]
async fn records_stay_out_of_blobs() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = sled::open(directory.path()).expect("it opens");
    for index in 0..200 {
        put(&store, &index.to_string(), &"x".repeat(60_000)).await;
    }
    let figures = store.figures();
    assert!(figures.contains(&("blobs", 0)), "{figures:?}");
    assert!(figures.iter().any(|(name, bytes)| *name == "bytes" && *bytes > 0), "{figures:?}");
}
