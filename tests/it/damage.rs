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

/// Flips a bit, or cuts the end off.
fn damage(path: &Path, random: &mut Random) -> String {
    let mut bytes = fs::read(path).unwrap();
    // Behind what was written there is room only; damage there says nothing.
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let at = random.below(written);
    if written == 0 || random.below(3) == 0 {
        bytes.truncate(at);
    } else {
        bytes[at] ^= 1 << random.below(8);
    }
    fs::write(path, &bytes).unwrap();
    format!("{} at {at}", path.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_damaged_no_record_is_silently_older_or_gone() {
    let mut random = Random(20_261_127);
    for clean in [true, false] {
        let kept = tempfile::tempdir().unwrap();
        let filled = tempfile::tempdir().unwrap();
        let store = sled::open(filled.path()).unwrap();
        fill(&store, 40).await;
        let expected = all(&store).await;
        if clean {
            drop(store);
            fs::File::create(filled.path().join("lock")).unwrap().lock().unwrap();
            copy(filled.path(), kept.path());
        } else {
            copy(filled.path(), kept.path());
            drop(store);
        }
        let mut refused = 0;
        for turn in 0..30 {
            let damaged = tempfile::tempdir().unwrap();
            copy(kept.path(), damaged.path());
            let mut all_files = Vec::new();
            files(damaged.path(), &mut all_files);
            all_files.sort();
            let at = damage(&all_files[turn % all_files.len()], &mut random);
            match sled::open(damaged.path()) {
                // The end of a journal may have broken off in a crash: then it is a shorter one, and the database has the rest.
                Ok(store) => assert_eq!(all(&store).await, expected, "clean {clean}, turn {turn}, {at}"),
                Err(error) => {
                    let words = format!("{error:#}");
                    assert!(words.contains("muster store"), "clean {clean}, turn {turn}, {at}: {words}");
                    refused += 1;
                }
            }
        }
        println!("clean {clean}: {refused} of 30 damaged stores were refused, the others had everything");
    }
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
    let directory = tempfile::tempdir().unwrap();
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
