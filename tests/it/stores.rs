//! Stores that earlier versions wrote are opened, and everything in them is found. Each has a folder in `tests/fixtures/stores`:
//! sled's own files as they were after a clean stop, an export of it, and what it must say.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use muster::clock::Clock;
use muster::store::{MemoryEngine, Store, sled, transfer};
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
        *counts.entry(rec["kind"].as_str().unwrap().to_owned()).or_default() += 1;
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

/// The files of a store as they were, in a directory of their own.
fn unpack(version: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (folder(version), directory.path());
    fs::copy(from.join("store.json"), to.join("store.json")).unwrap();
    fs::create_dir(to.join("sled")).unwrap();
    for entry in fs::read_dir(from.join("sled")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        match name.strip_suffix(".gz") {
            Some(name) => fs::write(to.join("sled").join(name), unpacked(&path)).unwrap(),
            None => drop(fs::copy(&path, to.join("sled").join(name)).unwrap()),
        }
    }
    directory
}

#[tokio::test]
async fn a_store_of_version_1_is_opened_and_goes_on() {
    let expect = expected("v1");
    let directory = unpack("v1");
    let store = sled::open(directory.path()).unwrap();
    assert_eq!(json!(counts(&exported(&store).await)), expect["records"]);

    // The same moment as then, and still nobody outside answers.
    let clock = Clock::manual(expect["now"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap());
    let sandbox = sandbox(&clock).await;
    for service in ["slack", "pagerduty"] {
        sandbox.faults().down(service, true);
    }
    let extra = EXTRA.to_owned();
    let setup = Setup { store: Some(store), sandbox: Some((sandbox, clock)), extra, ..Setup::default() };
    let bot = Bot::set_up(setup).await;

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

    // What is known beside them.
    let downstream = bot.get("/api/v1/assets/model.shop.orders/downstream?depth=99").await;
    assert_eq!(downstream["total"], expect["assets"]);
    assert_eq!(bot.get("/api/v1/silences").await["silences"], json!([expect["silence"]]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (of, person) = (text(&expect["subscription"]["of"]), text(&expect["subscription"]["person"]));
    let said = bot.slash(&person, "data-incidents", &format!("subscribe {of}")).await;
    assert_eq!(said, format!("You follow {of} already."));
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
async fn an_export_of_version_1_is_imported() {
    let expect = expected("v1");
    let export = unpacked(&folder("v1").join("export.jsonl.gz"));
    let total: u64 = counts(&export).values().sum();
    let store = MemoryEngine::open().unwrap();
    assert_eq!(transfer::import(store.engine(), &mut BufReader::new(&export[..])).await.unwrap() as u64, total);
    assert_eq!(json!(counts(&exported(&store).await)), expect["records"]);
}
