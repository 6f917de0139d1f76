//! The real program is killed with SIGKILL under load, again and again, on one store. Afterwards everything that was
//! acknowledged is there, no commit is torn, no page and no channel is doubled.
//!
//! 25 rounds; `MUSTER_CRASH_ROUNDS=1000` makes it a soak.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use muster::Muster;
use muster::clock::Clock;
use muster::config::{Config, Variables};
use muster::domain::{Alert, Entry, Event, Incident, Lane};
use muster::sandbox::{Sandbox, SandboxConfig};
use muster::store::postgres::{LeaseClock, open};
use muster::store::{Range, Store, sled};
use serde_json::json;

use crate::harness::{ANA, Setup, TOKEN, config, postgres};

pub struct Program {
    pub child: Child,
    pub base: String,
}

fn spawn(directory: &Path, variables: &Variables) -> Child {
    crate::harness::muster()
        .args(["serve", "--config"])
        .arg(directory.join("muster.toml"))
        .envs(variables)
        .env("MUSTER_LOG__FORMAT", "json")
        .env("RUST_LOG", "muster=info")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts the program and waits until it says where it listens.
pub fn start(directory: &Path, variables: &Variables) -> Program {
    let mut child = spawn(directory, variables);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut told = Vec::new();
    let address = loop {
        let Some(Ok(line)) = lines.next() else { panic!("the program ended before it listened:\n{}", told.join("\n")) };
        let address = serde_json::from_str::<serde_json::Value>(&line)
            .ok()
            .and_then(|line| line["address"].as_str().map(str::to_owned));
        told.push(line);
        if let Some(address) = address {
            break address;
        }
    };
    // What it says from now on must be read, or it would stand still.
    std::thread::spawn(move || for _ in lines {});
    Program { child, base: format!("http://{address}") }
}

pub fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A small generator, so that a failing run can be told apart by its round.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_time_it_keeps_what_it_acknowledged() {
    killed_at_any_time(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_time_on_a_database_it_keeps_what_it_acknowledged() {
    let Some(server) = postgres::server() else { return };
    killed_at_any_time(Some(server.schema().await)).await;
}

/// On a database, or else on the embedded engine.
async fn killed_at_any_time(database: Option<postgres::Schema>) {
    muster::telemetry::install_crypto();
    let rounds: usize = std::env::var("MUSTER_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(25);
    let directory = crate::harness::folder();
    let clock = Clock::wall();
    let time = clock.clone();
    let sandbox = Sandbox::start(SandboxConfig::new(Arc::new(move || time.now()))).await.unwrap();
    sandbox.slack().add_user(ANA, "ana", "Ana");
    sandbox.slack().add_channel("data-incidents", &[ANA]);
    let (mut text, mut variables) = config(&sandbox, &Setup::default());
    let engine = if database.is_some() { "postgres" } else { "sled" };
    variables.extend(database.iter().map(|database| ("DATABASE_URL".to_owned(), database.url.clone())));
    text.push_str(&format!(
        "[store]\nengine = {engine:?}\npath = {:?}\n[server]\nlisten = \"127.0.0.1:0\"\n",
        directory.path().join("data")
    ));
    std::fs::write(directory.path().join("muster.toml"), &text).unwrap();

    let alerts: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let notes: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut random = Random(20_261_123);
    for round in 0..rounds {
        // Now and then it is killed while it starts.
        if round % 3 == 1 {
            let mut child = spawn(directory.path(), &variables);
            if random.below(2) == 0 {
                let mut line = String::new();
                BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
            }
            kill(child);
        }
        let program = start(directory.path(), &variables);
        sandbox.connect(&program.base);
        load(&program.base, &sandbox, round, 40 + random.below(300), &alerts, &notes).await;
        kill(program.child);
    }

    let store = match &database {
        Some(database) => open(&database.url, LeaseClock::Database).await.unwrap(),
        None => sled::open(&directory.path().join("data")).unwrap(),
    };
    let (acknowledged, noted) = (alerts.lock().unwrap().clone(), notes.lock().unwrap().clone());
    check(&store, &acknowledged, &noted).await;

    // What still waits for PagerDuty goes out, and nothing twice.
    let config = Config::parse("muster.toml", &text, &variables).unwrap();
    let muster = Muster::new(config, store.clone(), clock).await.unwrap();
    // What the last process had leased is free when its lease is over.
    while store.backlog("page").await.unwrap().count > 0 {
        if muster.worker.run_due(Lane::Page).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
    let incidents = store.all(Range::<Incident>::all()).await.unwrap().len();
    let pages = sandbox.pagerduty().pages_by_key();
    assert!(pages.values().all(|count| *count == 1), "{pages:?}");
    assert_eq!(pages.len(), incidents, "every incident was paged");
    let mut channels = BTreeMap::new();
    for channel in sandbox.slack().channels().into_iter().filter(|channel| channel.name.starts_with("inc-")) {
        *channels.entry(channel.name.split('-').nth(1).unwrap().to_owned()).or_insert(0) += 1;
    }
    assert!(channels.values().all(|count| *count == 1), "{channels:?}");
    println!(
        "{rounds} rounds, {} alerts and {} notes acknowledged, {incidents} incidents",
        alerts.lock().unwrap().len(),
        notes.lock().unwrap().len()
    );
}

/// Posts alerts and notes from several sides until so many were acknowledged, and returns in the middle of it.
async fn load(
    base: &str,
    sandbox: &Sandbox,
    round: usize,
    until: usize,
    alerts: &Arc<Mutex<BTreeSet<String>>>,
    notes: &Arc<Mutex<BTreeSet<String>>>,
) {
    let done = Arc::new(AtomicUsize::new(0));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for side in 0..8 {
        let (base, done, http, alerts, notes, sandbox) =
            (base.to_owned(), done.clone(), http.clone(), alerts.clone(), notes.clone(), sandbox.clone());
        tasks.spawn(async move {
            for n in 0..10_000 {
                let key = format!("r{round}-s{side}-n{n}");
                if side == 0 {
                    let answer = sandbox.slack().command(ANA, "data-incidents", &format!("INC-1 note {key}")).await;
                    if answer.status != 200 {
                        return;
                    }
                    if answer.text().contains(&key) {
                        notes.lock().unwrap().insert(key);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                } else {
                    let body = json!({"title": format!("alert {key}"), "key": key, "asset": format!("round{round}.t{}", side % 3), "severity": "critical"});
                    match http.post(format!("{base}/hooks/dq")).bearer_auth(TOKEN).body(body.to_string()).send().await {
                        Ok(answer) if answer.status() == 202 => {
                            alerts.lock().unwrap().insert(key);
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                        Ok(answer) => assert_eq!(answer.status(), 503),
                        Err(_) => return,
                    }
                }
                if done.load(Ordering::SeqCst) >= until {
                    return;
                }
            }
        });
    }
    // The first side that has enough ends the wait; the others are still in the middle of theirs.
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
        if done.load(Ordering::SeqCst) >= until {
            break;
        }
    }
    tasks.detach_all();
}

async fn check(store: &Store, alerts: &BTreeSet<String>, notes: &BTreeSet<String>) {
    let mut kept_alerts = BTreeSet::new();
    let mut kept_notes = BTreeSet::new();
    for incident in store.values(Range::<Incident>::all()).await.unwrap() {
        let own = store.values(Range::<Alert>::of(&incident.uid)).await.unwrap();
        let entries = store.values(Range::<Entry>::of(&incident.uid)).await.unwrap();
        // A torn commit would show here: the state counts what the other records hold.
        assert_eq!(own.len(), incident.alerts as usize, "{}", incident.name());
        assert_eq!(
            entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
            (1..=incident.entries).collect::<Vec<_>>(),
            "{}",
            incident.name()
        );
        kept_alerts.extend(own.into_iter().map(|alert| alert.signal.key));
        kept_notes.extend(entries.into_iter().filter_map(|entry| match entry.event {
            Event::Noted { text } => Some(text),
            _ => None,
        }));
    }
    let lost: Vec<_> = alerts.difference(&kept_alerts).chain(notes.difference(&kept_notes)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged are lost: {lost:?}", lost.len(), alerts.len() + notes.len());
}
