//! Measures what grows with the store: memory, bytes and records of active alerts, and the time of a start with many incidents.
//! It reads and writes records with `muster export` and `muster import`, as an operator would.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::case::{Alerts, CALM, Case, Target, USUAL, open_incidents};
use super::drive::Until;
use super::options::Plan;
use super::report::Report;
use super::server::{ANA, CHANNEL, Keeps, Server, Site, answers, get};
use crate::Muster;
use crate::cli::opening;
use crate::clock::{Clock, Stopwatch};

/// One in this many stored incidents is still open.
const OPEN: u64 = 100;
/// Kinds of records that are not multiplied, because they belong to no incident for long, or to one start.
const PASSING: [&str; 5] = ["outbox", "dead", "delivery", "received", "person"];

/// Measures memory, bytes and records while active alerts come in.
pub(super) async fn alerts(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::new(&plan.folder, false).await?;
    let server = site.start(Keeps::OnDisk).await?;
    open_incidents(&server).await?;
    server.stop().await?;
    let (before, bytes) = (counted(&site).await?, site.bytes());
    let server = site.start(Keeps::OnDisk).await?;
    server.rest(CALM).await?;
    resident(report, "memory, idle", &server);
    let mut sent = 0;
    for active in plan.active {
        // Each step continues where the last one ended.
        let case = Case { target: Target::Muster, alerts: Alerts::Distinct, connections: USUAL };
        case.drive(&server, Until::Numbers { from: sent, to: active }).await?;
        sent = active;
        // The messages of a storm take minutes in Slack, but little work of the server.
        server.rest(5.0).await?;
        resident(report, &format!("memory, {active} active alerts"), &server);
    }
    server.stop().await?;
    let grown = site.bytes().saturating_sub(bytes);
    report.figure("bytes on disk an alert", grown as f64 / sent as f64, "bytes");
    let mut kept = counted(&site).await?;
    let waiting = kept.remove("outbox").unwrap_or_default();
    let mut more: Vec<_> = kept
        .into_iter()
        .map(|(kind, after)| {
            let before = before.get(&kind).copied().unwrap_or_default();
            let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / sent as f64;
            (kind, each(after.records, before.records), each(after.bytes, before.bytes))
        })
        .filter(|(_, records, bytes)| *records >= 0.01 || *bytes >= 1.0)
        .collect();
    more.sort_by(|one, other| other.2.total_cmp(&one.2));
    report.figure("bytes kept an alert", more.iter().map(|(_, _, bytes)| bytes).sum(), "bytes");
    report.figure("records kept an alert", more.iter().map(|(_, records, _)| records).sum(), "records");
    report.figure(
        "entries in the outbox an alert, seconds after the storm",
        waiting.records as f64 / sent as f64,
        "entries",
    );
    let each: Vec<_> =
        more.iter().map(|(kind, records, bytes)| format!("{kind} {records:.2} records, {bytes:.0} bytes")).collect();
    report.note(format!("Kept an alert, by kind: {}. What is written over and over counts once.", each.join("; ")));
    Ok(())
}

fn resident(report: &mut Report, what: &str, server: &Server) {
    match server.resident() {
        Some(mebibytes) => report.figure(what, mebibytes, "MiB"),
        None => report.note(format!("{what}: this system does not say.")),
    }
}

/// Collects something from every line of an export. The bot must not run.
async fn exported<T: Default + Send + 'static>(site: &Site, gather: fn(&mut T, &str)) -> anyhow::Result<T> {
    let mut child = site.muster(&["export", "-"])?.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let out = child.stdout.take().context("the export has no output")?;
    tokio::task::spawn_blocking(move || {
        let mut gathered = T::default();
        for line in BufReader::new(out).lines() {
            gather(&mut gathered, &line?);
        }
        ensure!(child.wait()?.success(), "the store cannot be exported");
        Ok(gathered)
    })
    .await?
}

/// Records of a kind: their number, and the bytes of their names and contents.
#[derive(Default, Clone, Copy)]
struct Counted {
    records: u64,
    bytes: u64,
}

async fn counted(site: &Site) -> anyhow::Result<BTreeMap<String, Counted>> {
    #[derive(Deserialize)]
    struct Line<'a> {
        kind: String,
        id: String,
        #[serde(borrow)]
        body: &'a RawValue,
    }
    exported(site, |counted: &mut BTreeMap<String, Counted>, line| {
        // The first and the last line are not records.
        if let Ok(Line { kind, id, body }) = serde_json::from_str(line) {
            let of = counted.entry(kind).or_default();
            of.records += 1;
            of.bytes += (id.len() + body.get().len()) as u64;
        }
    })
    .await
}

/// The kind of an exported record. The head has none.
fn kind(line: &str) -> Option<&str> {
    line.strip_prefix("{\"kind\":\"")?.split('"').next()
}

/// Measures a start with many incidents. Two incidents really happen, and one of them is resolved. Then both are multiplied.
pub(super) async fn incidents(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let (common, patterns) = lived_through(plan).await?;
    let site = Site::new(&plan.folder, false).await?;
    let filling = Stopwatch::start();
    let count = plan.incidents;
    let records = fill(&site, common, patterns, count).await?;
    report.note(format!(
        "{count} stored incidents, one in {OPEN} open: {records} records, imported in {:.0} s, {:.0} MiB on disk. \
         Their files are in the system's cache, which after a reboot they are not.",
        filling.seconds(),
        site.bytes() as f64 / 1024.0 / 1024.0
    ));
    let what = format!("with {count} incidents stored");
    let (server, took) = started(&site, count).await?;
    report.figure(&format!("`muster serve` to ready after an import, {what}"), took, "s");
    server.stop().await?;
    let (server, took) = started(&site, count).await?;
    report.figure(&format!("`muster serve` to ready, {what}"), took, "s");
    resident(report, &format!("memory, {what}"), &server);
    // For the store, this is a crash.
    drop(server);
    let (server, took) = started(&site, count).await?;
    report.figure(&format!("the same after a crash, {what}"), took, "s");
    server.stop().await?;

    let (opening, config) = (Stopwatch::start(), site.config()?);
    let store = opening::open(&config).await?;
    report.figure(&format!("of it, opening the store, {what}"), opening.seconds(), "s");
    let starting = Stopwatch::start();
    let muster = Muster::new(config, store, Clock::wall()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let serving = muster.clone();
    let served = tokio::spawn(async move { serving.serve(listener, stopped).await });
    muster.worker.start().await?;
    answers(address, "/readyz").await?;
    report.figure(&format!("of it, making the bot, {what}"), starting.seconds(), "s");
    // It listens until it is told to stop.
    let _ = stop.send(true);
    Ok(served.await??)
}

/// Starts the program. Returns the seconds until it is ready and also has the last incident.
async fn started(site: &Site, count: u64) -> anyhow::Result<(Server, f64)> {
    let watch = Stopwatch::start();
    let server = site.start(Keeps::OnDisk).await?;
    answers(server.address, "/readyz").await?;
    let took = watch.seconds();
    let (status, _) = get(server.address, &format!("/api/v1/incidents/INC-{count}")).await?;
    ensure!(status == 200, "INC-{count} was stored and is answered with {status}");
    Ok((server, took))
}

/// The exported records of an incident, and the values in them that are its own.
struct Pattern {
    records: String,
    uid: String,
    number: u64,
    channel: String,
}

/// Lets two incidents happen, and resolves the first. Returns the common records and those of the two incidents.
async fn lived_through(plan: &Plan) -> anyhow::Result<(Vec<String>, [Pattern; 2])> {
    let site = Site::new(&plan.folder, false).await?;
    let server = site.start(Keeps::OnDisk).await?;
    server.rest(CALM).await?;
    for number in 1..=2 {
        let alert = json!({"key": format!("pattern-key-{number}"), "title": "the loader is stuck", "asset": format!("pattern.t{number}")});
        server.post(&[alert]).await?;
    }
    server.rest(CALM).await?;
    for line in ["INC-1 ack", "INC-1 note the slot was held by a backfill", "INC-1 resolve it runs again"] {
        let answer = site.sandbox.slack().command(ANA, CHANNEL, line).await;
        ensure!(answer.status == 200, "`/incident {line}` was answered with {}", answer.body);
    }
    server.rest(CALM).await?;
    server.stop().await?;
    let lines = exported(&site, |lines: &mut Vec<String>, line| {
        // The export that is built here has no last line, like those of older versions.
        if line.starts_with("{\"muster_export\"") {
            lines.push(r#"{"muster_export":2}"#.to_owned());
        } else if kind(line).is_some_and(|kind| !PASSING.contains(&kind)) {
            lines.push(line.to_owned());
        }
    })
    .await?;
    let of = |number| Pattern::of(&lines, number).with_context(|| format!("INC-{number} is not in the export"));
    let patterns = [of(1)?, of(2)?];
    let common = lines.iter().filter(|line| !patterns.iter().any(|pattern| line.contains(&pattern.uid)));
    Ok((common.cloned().collect(), patterns))
}

impl Pattern {
    fn of(lines: &[String], number: u64) -> Option<Self> {
        let incident = lines.iter().filter(|line| kind(line) == Some("incident"));
        let incident = incident.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let incident = incident.map(|rec| rec["body"].clone()).find(|body| body["number"] == number)?;
        let uid = incident["uid"].as_str()?.to_owned();
        let channel = incident.pointer("/channel/id")?.as_str()?.to_owned();
        let records: Vec<_> = lines.iter().filter(|line| line.contains(&uid)).map(String::as_str).collect();
        Some(Self { records: records.join("\n") + "\n", uid, number, channel })
    }

    /// A copy of it as another incident.
    fn like(&self, number: u64) -> String {
        let (own, uid) = (self.number, ulid::Ulid::from_parts(1_700_000_000_000 + number, number.into()).to_string());
        let sorted = |number: u64| format!("{:020}", u64::MAX - number);
        self.records
            .replace(&self.uid, &uid)
            .replace(&self.uid.to_lowercase(), &uid.to_lowercase())
            .replace(&self.channel, &format!("C0BENCH{number:08}"))
            .replace(&sorted(own), &sorted(number))
            .replace(&format!("\"number\":{own},"), &format!("\"number\":{number},"))
            .replace(&format!("INC-{own}"), &format!("INC-{number}"))
            .replace(&format!("inc-{own}-"), &format!("inc-{number}-"))
            .replace(&format!("pattern.t{own}"), &format!("pattern.t{number}"))
            .replace(&format!("pattern-key-{own}"), &format!("pattern-key-{number}"))
    }
}

/// Imports this many incidents into an empty store. Returns the number of records.
async fn fill(site: &Site, common: Vec<String>, patterns: [Pattern; 2], count: u64) -> anyhow::Result<usize> {
    let mut child =
        site.muster(&["import", "-", "--without-end"])?.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let input = child.stdin.take().context("the import has no input")?;
    let (written, output) = tokio::task::spawn_blocking(move || {
        let write = || -> std::io::Result<usize> {
            let (mut input, mut records) = (BufWriter::new(input), 0);
            for line in common {
                // The next incident gets the number after the last.
                writeln!(input, "{}", line.replace("{\"last\":2,", &format!("{{\"last\":{count},")))?;
                records += 1;
            }
            let [resolved, open] = patterns;
            for number in 1..=count {
                let pattern = if number.is_multiple_of(OPEN) || number == count { &open } else { &resolved };
                let lines = pattern.like(number);
                records += lines.lines().count();
                input.write_all(lines.as_bytes())?;
            }
            input.flush()?;
            Ok(records - 1)
        };
        let written = write();
        (written, child.wait_with_output())
    })
    .await?;
    let output = output?;
    ensure!(output.status.success(), "the import failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(written?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_becomes_another() {
        let uid = "01M8EKZ79QC6JM757ZXA0RWSNK";
        let lines = [
            format!(
                r#"{{"kind":"incident","id":"{uid}","ver":1,"body":{{"channel":{{"id":"C0ONE"}},"number":1,"uid":"{uid}"}}}}"#
            ),
            format!(r#"{{"kind":"open","id":"18446744073709551614","ver":1,"body":{{"uid":"{uid}"}}}}"#),
            r#"{"kind":"meta","id":"incident-number","ver":1,"body":{"last":1}}"#.to_owned(),
        ];
        let pattern = Pattern::of(&lines, 1).expect("it is there");
        let other = pattern.like(7);
        assert_eq!(other.lines().count(), 2, "{other}");
        assert!(!other.contains(uid) && !other.contains("C0ONE"), "{other}");
        assert!(other.contains("\"number\":7,") && other.contains("\"id\":\"18446744073709551608\""), "{other}");
    }
}
