//! Stores that earlier versions wrote are opened, and everything in them is found. Each has a folder in `tests/fixtures/stores`:
//! sled's own files as they were after a clean stop, an export of it, and what it must say.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use muster::clock::Clock;
use muster::records::Dead;
use muster::store::{MemoryEngine, Range, Store, sled, transfer};
use serde_json::{Value, json};

use crate::harness::*;

/// What the bot that wrote the store was told beside the stories' configuration.
pub const EXTRA: &str = r#"
[[teams]]
name = "ML"
slack = "U0CHLOE001"
[[heartbeats]]
source = "dq"
name = "nightly"
every_minutes = 1440
grace_minutes = 60
[[rotations]]
name = "responders"
role = "responder"
slack_group = "S0ORDERS01"
"#;

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores").join(version)
}

/// How many records of each kind an export has.
pub fn counts(export: &[u8]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in export.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty()) {
        let rec: Value = serde_json::from_slice(line).unwrap();
        // The last line has none.
        if let Some(kind) = rec["kind"].as_str() {
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
    }
    counts
}

async fn exported(store: &Store) -> Vec<u8> {
    let mut export = Vec::new();
    transfer::export(store.engine(), &mut export).await.unwrap();
    export
}

fn expected(version: &str) -> Value {
    serde_json::from_slice(&fs::read(folder(version).join("expect.json")).unwrap()).unwrap()
}

fn unpacked(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Files and folders that are no part of a store, or are made anew.
const LEFT_OUT: [&str; 4] = ["ballast", "backups", "lineage.image", "lock"];

/// Copies a folder; what is packed is unpacked, or the other way round.
fn copy(from: &Path, to: &Path, pack: bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        match name.strip_suffix(".gz") {
            _ if path.is_dir() => copy(&path, &to.join(&name), pack),
            Some(name) if !pack => fs::write(to.join(name), unpacked(&path)).unwrap(),
            None if pack && name != "store.json" => {
                write_packed(&to.join(format!("{name}.gz")), &fs::read(&path).unwrap())
            }
            _ => drop(fs::copy(&path, to.join(&name)).unwrap()),
        }
    }
}

fn write_packed(path: &Path, bytes: &[u8]) {
    let mut packed = GzEncoder::new(File::create(path).unwrap(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap();
}

/// Keeps a store as a fixture.
fn keep(store: &Path, folder: &Path, export: &[u8], expect: &Value) {
    copy(store, folder, true);
    write_packed(&folder.join("export.jsonl.gz"), export);
    fs::write(folder.join("expect.json"), serde_json::to_string_pretty(expect).unwrap() + "\n").unwrap();
}

/// The files of a store as they were, in a directory of their own.
pub(crate) fn unpack(version: &str) -> tempfile::TempDir {
    let directory = crate::harness::folder();
    copy(&folder(version), directory.path(), false);
    for beside in ["expect.json", "export.jsonl"] {
        fs::remove_file(directory.path().join(beside)).unwrap();
    }
    directory
}

/// A bot on this store, at the same moment as then; and still nobody outside answers.
async fn bot_on(store: Store, expect: &Value) -> Bot {
    let clock = Clock::manual(expect["now"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap());
    let sandbox = sandbox(&clock).await;
    for service in ["slack", "pagerduty"] {
        sandbox.faults().down(service, true);
    }
    let extra = EXTRA.to_owned();
    Bot::set_up(Setup { store: Some(store), sandbox: Some((sandbox, clock)), extra, ..Setup::default() }).await
}

#[tokio::test]
async fn a_store_of_version_1_is_opened_and_goes_on() {
    goes_on(&expected("v1"), unpack("v1").path()).await;
}

/// Brought up to date by a Muster that knew no mark, and nothing was written since.
#[tokio::test]
async fn a_store_that_has_a_base_and_no_mark_is_opened() {
    let directory = unpack("v1");
    drop(sled::open(directory.path()).unwrap());
    fs::File::create(directory.path().join("lock")).unwrap().lock().unwrap();
    fs::remove_file(directory.path().join("mark")).unwrap();
    let store = sled::open(directory.path()).unwrap();
    assert_eq!(json!(counts(&exported(&store).await)), expected("v1")["records"]);
}

#[tokio::test]
async fn a_store_of_version_2_is_opened_and_goes_on() {
    goes_on(&expected("v2"), unpack("v2").path()).await;
}

/// Reasons are values in it, and words before.
#[tokio::test]
async fn a_store_of_version_3_is_opened_and_goes_on() {
    goes_on(&expected("v3"), unpack("v3").path()).await;
}

/// Why something was not delivered is a value in it, and words before.
#[tokio::test]
async fn a_store_of_version_4_is_opened_and_goes_on() {
    goes_on(&expected("v4"), unpack("v4").path()).await;
}

/// What a store of version 1 becomes when a bot of today lives on in it. With `MUSTER_KEEP_STORE` it is kept in that folder: so the
/// fixture of another version is made.
#[tokio::test]
async fn a_store_lives_on_and_is_opened_again() {
    let mut expect = expected("v1");
    let directory = unpack("v1");
    let bot = bot_on(sled::open(directory.path()).unwrap(), &expect).await;
    // A burst in one request, the first of which is known, and what people do.
    let check =
        |id: &str| json!({"name": format!("check {id}"), "id": id, "outcome": "fail", "table": "sales.returns"});
    let burst = json!({"checks": [check("a"), check("b"), check("c")]});
    let (status, answer) = bot.post("/hooks/mapped", Some(TOKEN), &burst).await;
    assert_eq!(status, 202, "{answer}");
    bot.settle().await;
    bot.slash(BEN, "data-incidents", "INC-6 note the till sent nothing").await;
    bot.slash(BEN, "data-incidents", "INC-4 ack").await;
    for incident in expect["incidents"].as_array_mut().unwrap() {
        let found = bot.get(&format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap())).await;
        incident["status"] = found["status"].clone();
        incident["alerts_firing"] = found["alerts_firing"].clone();
        incident["alerts"] = found["alerts"].as_array().unwrap().len().into();
        incident["roles"] = found["roles"].clone();
        let timeline = format!("/api/v1/incidents/{}/timeline?limit=500", incident["id"].as_str().unwrap());
        incident["timeline"] = bot.get(&timeline).await["entries"].as_array().unwrap().len().into();
    }
    expect["now"] = bot.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into();
    let dead = bot.muster.app.store.values(Range::<Dead>::all()).await.unwrap();
    expect["given_up"] = dead.iter().map(|dead| dead.why.to_string()).collect();
    let export = exported(&bot.muster.app.store).await;
    expect["records"] = json!(counts(&export));
    bot.stop().await;
    let closed: Value = serde_json::from_slice(&fs::read(directory.path().join("store.json")).unwrap()).unwrap();
    assert_eq!(closed["clean"], true, "it was closed: {closed}");
    if let Some(folder) = std::env::var_os("MUSTER_KEEP_STORE") {
        keep(directory.path(), Path::new(&folder), &export, &expect);
    }
    goes_on(&expect, directory.path()).await;
}

/// The store in this directory is opened, everything in it is found, and it goes on.
async fn goes_on(expect: &Value, directory: &Path) {
    let store = sled::open(directory).unwrap();
    assert_eq!(json!(counts(&exported(&store).await)), expect["records"]);
    let bot = bot_on(store, expect).await;

    // Incidents with all that is in them.
    let incidents = expect["incidents"].as_array().unwrap();
    let listed = bot.get("/api/v1/incidents").await;
    assert_eq!(listed["incidents"].as_array().unwrap().len(), incidents.len());
    for expected in incidents {
        let id = expected["id"].as_str().unwrap();
        let found = bot.get(&format!("/api/v1/incidents/{id}")).await;
        for field in ["id", "title", "status", "severity", "roles", "private", "drill", "alerts_firing"] {
            assert_eq!(found[field], expected[field], "{field} of {id}");
        }
        assert_eq!(json!(found["alerts"].as_array().unwrap().len()), expected["alerts"], "{id}");
        let timeline = bot.get(&format!("/api/v1/incidents/{id}/timeline?limit=500")).await;
        assert_eq!(json!(timeline["entries"].as_array().unwrap().len()), expected["timeline"], "{id}");
        let draft = bot.text(&format!("/api/v1/incidents/{id}/postmortem")).await;
        assert!(draft.contains(expected["title"].as_str().unwrap()), "{draft}");
        let tasks = bot.slash(ANA, "data-incidents", &format!("{id} tasks")).await;
        assert_eq!(tasks.contains("write to the vendor"), expected["tasks"] == 1, "{tasks}");
    }
    let told = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    for words in ["the 05:00 load never started", "the loader was restarted", "there is no staging copy"] {
        assert!(told.contains(words), "{words}: {told}");
    }

    // Reasons that were kept in words are said as they were.
    let (told, show) = (bot.text("/api/v1/incidents/INC-2/postmortem").await, bot.incident(2).await);
    for words in [
        "Ben, Chloe (responder, by Slack, read 06:0",
        "Blast radius: ",
        "Likeliest root: ",
        " (it shows the issue itself (",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(
        show["root_cause_candidates"][0]["reason"].as_str().unwrap().contains("it shows the issue itself"),
        "{show}"
    );
    assert!(show["blast_radius"]["words"].is_string(), "{show}");

    // What is known beside them.
    let downstream = bot.get("/api/v1/assets/model.shop.orders/downstream?depth=99").await;
    assert_eq!(downstream["total"], expect["assets"]);
    assert_eq!(bot.get("/api/v1/silences").await["silences"], json!([expect["silence"]]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (of, person) = (text(&expect["subscription"]["of"]), text(&expect["subscription"]["person"]));
    let said = bot.slash(&person, "data-incidents", &format!("subscribe {of}")).await;
    assert_eq!(said, format!("You subscribe to {of} already."));
    let address = text(&expect["linked"]["address"]);
    assert_eq!(expect["linked"]["person"], CHLOE);
    let said = bot.slash(BEN, "data-incidents", &format!("link {address}")).await;
    assert_eq!(said, format!("{address} is somebody else's."));
    let said = bot.slash(ANA, "data-incidents", "stats").await;
    assert!(said.contains(&text(&expect["verdicts"])), "{said}");

    // What waited goes out: the page once, and the channel.
    assert_eq!(bot.sandbox.pagerduty().pages(), 0);
    for service in ["slack", "pagerduty"] {
        bot.sandbox.faults().down(service, false);
    }
    bot.advance(minutes(6)).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    let title = bot.sandbox.pagerduty().incidents()[0].title.clone();
    assert!(title.contains(&text(&expect["waiting"]["page"])), "{title}");
    let number = text(&expect["waiting"]["incident"])[4..].parse().unwrap();
    bot.inc(number).find("is handed to PagerDuty");

    // The alert that is held opens an incident when its silence ends.
    bot.http.delete(format!("{}/api/v1/silences/1", bot.base)).bearer_auth(API_TOKEN).send().await.unwrap();
    bot.settle().await;
    assert_eq!(bot.incident(incidents.len() as u64 + 1).await["title"], expect["held"]);
    bot.end_with_given_up(expect["given_up"].as_array().unwrap().len()).await;
}

#[tokio::test]
async fn an_export_of_every_version_is_imported() {
    for version in ["v1", "v2", "v3"] {
        is_imported(version).await;
    }
}

async fn is_imported(version: &str) {
    let expect = expected(version);
    let export = unpacked(&folder(version).join("export.jsonl.gz"));
    let total: u64 = counts(&export).values().sum();
    let store = MemoryEngine::open().unwrap();
    assert_eq!(transfer::import(store.engine(), &mut Cursor::new(&export[..]), true).await.unwrap() as u64, total);
    assert_eq!(json!(counts(&exported(&store).await)), expect["records"]);
}

/// Every file or folder that is missing, alone and with others, is seen: the store opens with everything, or says what is the matter.
#[tokio::test]
async fn whatever_is_missing_is_seen() {
    let expect = expected("v2");
    let parts = ["store.json", "sled", "journal", "base-"];
    let remove = |directory: &Path, part: &str| {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.file_name().unwrap().to_str().unwrap().starts_with(part) {
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
            }
        }
    };
    let (mut whole, mut refused) = (0, 0);
    for missing in 1..(1 << parts.len()) - 1 {
        let directory = unpack("v2");
        let gone: Vec<_> = (0..parts.len()).filter(|part| missing & (1 << part) != 0).map(|part| parts[part]).collect();
        gone.iter().for_each(|part| remove(directory.path(), part));
        match sled::open(directory.path()) {
            Ok(store) => {
                assert_eq!(json!(counts(&exported(&store).await)), expect["records"], "without {gone:?}");
                whole += 1;
            }
            Err(error) => {
                let words = format!("{error:#}");
                assert!(words.contains("muster store"), "without {gone:?}: {words}");
                refused += 1;
            }
        }
    }
    assert_eq!((whole, refused), (4, 10), "what can be made anew is, and nothing else");
    // Where only the file that says how far it had come is gone, a repair goes by what is there.
    let directory = unpack("v2");
    fs::remove_file(directory.path().join("store.json")).unwrap();
    let words = sled::open(directory.path()).err().unwrap().to_string();
    assert!(words.contains("store.json is missing") && words.contains("muster store repair"), "{words}");
    sled::repair(directory.path(), false).unwrap();
    assert_eq!(json!(counts(&exported(&sled::open(directory.path()).unwrap()).await)), expect["records"]);
}

/// A store whose records a newer Muster wrote is left alone, though its layout is the same.
#[tokio::test]
async fn records_of_a_newer_muster_are_left_alone() {
    let directory = unpack("v2");
    let file = directory.path().join("store.json");
    let mut sidecar: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    sidecar["edition"] = json!(muster::store::EDITION + 1);
    fs::write(&file, sidecar.to_string()).unwrap();
    let newer = format!("was written by a newer Muster (records of edition {}", muster::store::EDITION + 1);
    for words in [
        sled::open(directory.path()).err().unwrap().to_string(),
        sled::repair(directory.path(), false).err().unwrap().to_string(),
        sled::inspect(directory.path()).unwrap().damage[0].clone(),
    ] {
        assert!(words.contains(&newer), "{words}");
    }
    let export =
        b"{\"muster_export\":2}\n{\"kind\":\"person\",\"id\":\"U\",\"ver\":1,\"shape\":9,\"body\":{}}\n".as_slice();
    let store = MemoryEngine::open().unwrap();
    let words = transfer::import(store.engine(), &mut Cursor::new(export), true).await.unwrap_err();
    let words = format!("{words:#}");
    assert!(words.contains("line 2 was written by a newer Muster: person of shape 9"), "{words}");
    // An export of which a part is missing is not taken for a whole one.
    let export = exported(&sled::open(unpack("v2").path()).unwrap()).await;
    let lines: Vec<&[u8]> = export.split_inclusive(|byte| *byte == b'\n').collect();
    for (left, told) in
        [(&lines[..6], "was cut"), (&[&lines[..6], &lines[lines.len() - 1..]].concat()[..], "the last line says")]
    {
        let store = MemoryEngine::open().unwrap();
        let words = transfer::import(store.engine(), &mut Cursor::new(left.concat()), true).await.unwrap_err();
        let words = format!("{words:#}");
        assert!(words.contains("nothing was written") && words.contains("Records read: 5"), "{words}");
        assert!(words.contains(told) && counts(&exported(&store).await).is_empty(), "{words}");
    }
    // Nor is one of which a line was changed, moved away, or comes twice.
    let changed = String::from_utf8(export.clone()).unwrap().replacen("\"ver\":1", "\"ver\":7", 1).into_bytes();
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    let mut twice = lines.clone();
    twice.push(lines[1]);
    for (export, told) in
        [(changed, "was changed"), (swapped.concat(), "was changed"), (twice.concat(), "comes after the end")]
    {
        let store = MemoryEngine::open().unwrap();
        let words = transfer::import(store.engine(), &mut Cursor::new(export), true).await.unwrap_err();
        let words = format!("{words:#}");
        assert!(words.contains(told) && counts(&exported(&store).await).is_empty(), "{words}");
    }
    // One of an older Muster is taken only if somebody says so.
    let older = unpacked(&folder("v2").join("export.jsonl.gz"));
    let store = MemoryEngine::open().unwrap();
    let words = transfer::import(store.engine(), &mut Cursor::new(older), false).await.unwrap_err();
    assert!(format!("{words:#}").contains("use --without-end"), "{words:#}");
}
