//! What people notice of the ground floor: floods in one line, what is too large, what hangs, what a restart remembers.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
    assert!(large.signal.labels[muster::intake::LEFT_OUT].contains("were left out"), "{large:?}");
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

/// Somebody who presses for pages again and again is stopped before the record is full, and the old pages still end.
#[tokio::test]
async fn an_incident_takes_a_hundred_open_pages_and_says_so() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.sandbox.faults().down("pagerduty", true);
    let slack = bot.sandbox.slack();
    let inc = bot.inc(1);
    for _ in 1..100 {
        slack.command(ANA, &inc.name, "page orders-pipeline").await;
    }
    let answer = inc.slash(ANA, "page orders-pipeline").await;
    assert!(answer.contains("INC-1 has 100 pages that nobody ended"), "{answer}");
    bot.end().await;
}

/// Slow uploads hold no thread that a page needs: one too many is asked to come again, and alerts are paged meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_uploads_hold_up_nobody() {
    let extra = "[[sources]]\nname = \"dbt\"\nkind = \"dbt_artifacts\"\ntoken_env = \"SOURCE_TOKEN\"\n";
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
    bot.alert("dq", stale_orders()).await;
    assert_eq!(bot.sandbox.pagerduty().pages_by_key().len(), 1, "it is paged meanwhile");
    drop(slow);
    bot.end().await;
}
