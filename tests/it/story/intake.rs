//! What comes in: floods in one line, what is too large, what is slow, and what it costs to keep.

use muster::store::{Kind, Range, Step};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::rounds::on_what_goes_wrong;
use crate::harness::*;

fn alert(key: &str) -> Value {
    json!({"key": key, "title": format!("{key} is wrong"), "asset": "warehouse.orders", "severity": "error"})
}

/// Alerts that come together are one line of the timeline and one message; each has its own record.
#[tokio::test]
async fn alerts_that_come_together_are_said_in_one_line() {
    let extra = "[[sources]]\nname = \"many\"\nkind = \"generic\"\ntoken_env = \"SOURCE_TOKEN\"\n[sources.mapping]\neach = \"/checks\"\ntitle = \"/title\"\nkey = \"/key\"\nasset = \"/asset\"\n";
    let bot = Bot::set_up(Setup { extra: extra.to_owned(), ..Setup::default() }).await;
    bot.alert("many", json!({"checks": [alert("first")]})).await;
    bot.alert("many", json!({"checks": [alert("second"), alert("third"), alert("fourth")]})).await;
    let inc = bot.inc(1);
    let said = inc.find("second is wrong");
    for words in ["second is wrong", "third is wrong", "fourth is wrong", "same asset, warehouse.orders"] {
        assert!(said.text().contains(words), "{words}: {}", said.text());
    }
    let timeline = bot.get("/api/v1/incidents/INC-1/timeline").await.to_string();
    assert_eq!(timeline.matches("\"alerts_joined\"").count(), 2, "{timeline}");
    let shown = inc.slash(ANA, "timeline").await;
    assert!(shown.contains("3 alerts: second is wrong"), "{shown}");
    let incident = bot.incident(1).await;
    assert_eq!(incident["alerts"].as_array().unwrap().len(), 4, "{incident}");
    assert_eq!(incident["alerts_firing"], 4);
    bot.end().await;
}

/// An alert whose labels would not fit is taken in without them, and says so; what came with it is taken in, too.
#[tokio::test]
async fn an_alert_that_is_too_large_loses_labels_and_nothing_else() {
    let bot = Bot::start().await;
    let labels: serde_json::Map<String, Value> =
        (0..64).map(|n| (format!("label_{n:02}"), json!("x".repeat(2000)))).collect();
    let alerts = json!({"version": "4", "alerts": [
        {"status": "firing", "fingerprint": "1", "labels": {"alertname": "Small", "dataset": "w.small"}, "annotations": {}},
        {"status": "firing", "fingerprint": "2", "labels": labels, "annotations": {"summary": "large"}},
    ]});
    let (status, answer) = bot.post("/hooks/prom", Some(TOKEN), &alerts).await;
    assert_eq!((status, answer["alerts"].as_array().unwrap().len()), (202, 2), "{answer}");
    bot.settle().await;
    let kept: Vec<muster::domain::Alert> = bot.muster.app.store.values(muster::store::Range::all()).await.unwrap();
    let large = kept.iter().find(|alert| alert.signal.labels.len() > 5).unwrap();
    assert!(large.signal.labels[muster::monitors::LEFT_OUT].contains("were left out"), "{large:?}");
    bot.end().await;
}

/// What comes and goes is remembered over a restart.
#[tokio::test]
async fn a_restart_remembers_what_flaps() {
    let bot = Bot::start().await;
    for _ in 0..4 {
        bot.alert("auto", alert("flaps")).await;
        bot.alert("auto", resolved(alert("flaps"))).await;
    }
    let opened = bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len();
    let bot = Bot::set_up(bot.crash()).await;
    let answer = bot.alert("auto", alert("flaps")).await;
    assert_eq!(answer["alerts"][0]["outcome"], "held", "{answer}");
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), opened);
    bot.end().await;
}

/// Slow uploads hold no thread that a page needs: one too many is asked to come again, and alerts are paged meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_uploads_hold_up_nobody() {
    let extra = "[[sources]]\nname = \"dbt\"\nkind = \"dbt_artifacts\"\ntoken_env = \"SOURCE_TOKEN\"\n\
        [[sources]]\nname = \"signed\"\nkind = \"dbt_artifacts\"\nsecret_env = \"SOURCE_TOKEN\"\n";
    let bot = Bot::set_up(Setup { extra: extra.to_owned(), ..Setup::default() }).await;
    let address = bot.base.strip_prefix("http://").unwrap().to_owned();
    let begin = async |body: &str| {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /hooks/dbt HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 1000\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let mut slow = Vec::new();
    // One more than is read at once: the last is answered at once.
    for _ in 0..16 {
        slow.push(begin("{").await);
    }
    let mut answer = String::new();
    while !answer.starts_with("HTTP/1.1 503") {
        let mut last = begin("{").await;
        let mut start = [0; 12];
        if tokio::time::timeout(std::time::Duration::from_millis(300), last.read_exact(&mut start)).await.is_ok() {
            answer = String::from_utf8_lossy(&start).into_owned();
        } else {
            slow.push(last);
        }
    }
    // One that signs has no place of its own.
    let (status, answer) = bot.post("/hooks/signed", None, &json!({})).await;
    assert_eq!(status, 503, "{answer}");
    bot.alert("dq", stale_orders()).await;
    assert_eq!(bot.sandbox.pagerduty().pages_by_key().len(), 1, "it is paged meanwhile");
    drop(slow);
    bot.end().await;
}

/// Bodies that were kept long enough are forgotten, all of them in one go, also those that nobody can read.
#[tokio::test]
async fn old_bodies_are_forgotten_faster_than_new_ones_come() {
    let bot = Bot::start().await;
    let blocks = || async { bot.muster.app.store.engine().scan(Kind::Received, "", "", 10_000).await.unwrap().len() };
    for n in 0..1_200 {
        bot.put_raw(Kind::Received, &format!("{:014}-{n:06}", 1_700_000_000_000_i64), json!({"bodies": []})).await;
    }
    assert_eq!(blocks().await, 1_200);
    muster::delivery::upkeep::forget(&bot.muster.app).await.unwrap();
    assert_eq!(blocks().await, 0);
    bot.end().await;
}

/// An alert of a known incident leaves three records and changes the incident; what shows a present state waits once, however many come.
#[tokio::test]
async fn an_alert_costs_what_it_must() {
    let (bot, store) = on_what_goes_wrong().await;
    bot.alert("dq", alert("first")).await;
    let outbox = Range::<muster::records::outbox::Entry>::all();
    let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = written.clone();
    store.refuse(move |ops| {
        let bytes = |step: &Step| match step {
            Step::Put(_, written) => written.body.len(),
            _ => 0,
        };
        seen.lock().unwrap().extend(ops.iter().map(|op| (op.kind, op.id.len() + bytes(&op.step))));
        None
    });
    for n in 0..30 {
        let (status, answer) = bot.post("/hooks/dq", Some(TOKEN), &alert(&format!("n{n}"))).await;
        assert_eq!(status, 202, "{answer}");
    }
    let written: Vec<_> = std::mem::take(&mut *written.lock().unwrap());
    let of = |kind: Kind| written.iter().filter(|(of, _)| *of == kind).count();
    assert_eq!([Kind::Alert, Kind::AlertKey, Kind::Timeline, Kind::Delivery].map(of), [30, 30, 30, 0]);
    let kept = [Kind::Alert, Kind::AlertKey, Kind::Timeline];
    let bytes: usize = written.iter().filter(|(of, _)| kept.contains(of)).map(|(_, bytes)| bytes).sum();
    assert!(bytes / 30 < 1000, "an alert is less than 1 kB: {}", bytes / 30);
    // Nobody was at work on the outbox: each thing to be shown waits once, and each of the first alerts has its line.
    let waiting = bot.muster.app.store.values(outbox).await.unwrap();
    let lines = waiting.iter().filter(|entry| format!("{:?}", entry.job).contains("AlertsJoined")).count();
    assert!(lines <= 20, "the first twenty alerts are told one by one: {lines}");
    let mut shown: Vec<_> =
        waiting.iter().map(|entry| format!("{:?}", entry.job)).filter(|job| !job.contains("Joined")).collect();
    let count = shown.len();
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), count, "each waits once: {shown:#?}");
    bot.end().await;
}
