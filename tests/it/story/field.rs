//! What monitors really send, through the real doors: what names an asset, times that are none, storms, what was left out, ends that are no
//! recovery, old news, and monitors that are refused.

use serde_json::{Value, json};

use crate::harness::*;

fn body(path: &str) -> Value {
    serde_json::from_str(&fixture(&format!("cases/{path}"))).unwrap()
}

async fn bot() -> Bot {
    let source = |name: &str, kind: &str| {
        format!("[[sources]]\nname = \"{name}\"\nkind = \"{kind}\"\ntoken_env = \"SOURCE_TOKEN\"\n")
    };
    let extra = ["gcp", "sentry", "grafana"].map(|kind| source(kind, kind)).concat();
    let green =
        "[[sources]]\nname = \"graf\"\nkind = \"grafana\"\ntoken_env = \"SOURCE_TOKEN\"\non_green = \"resolve\"\n";
    Bot::set_up(Setup { extra: extra + green, ..Setup::default() }).await
}

async fn open(bot: &Bot) -> usize {
    bot.get("/api/v1/incidents?status=open").await["incidents"].as_array().unwrap().len()
}

/// One alert of Alertmanager's shape.
fn prom(status: &str, starts: &str, ends: &str) -> Value {
    json!({"status": status, "alerts": [{"status": status, "fingerprint": "f1", "startsAt": starts, "endsAt": ends,
        "labels": {"alertname": "Late", "dataset": "w.late"}, "annotations": {"summary": "w.late is late"}}]})
}

/// Prometheus writes its scrape job into every series. It is an asset only if the catalog knows it.
#[tokio::test]
async fn a_scrape_job_is_no_asset() {
    for source in ["prom", "grafana"] {
        let bot = bot().await;
        bot.alert(source, body("scrape_job/body.json")).await;
        assert_eq!(open(&bot).await, 3);
        for number in 1..=3 {
            assert_eq!(bot.incident(number).await["assets"], json!([]));
        }
        bot.end().await;
    }
    let bot = bot().await;
    let catalog = "assets: [{name: kubernetes-service-endpoints, kind: job}]";
    assert_eq!(bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await.0, 200);
    bot.alert("prom", body("scrape_job/body.json")).await;
    assert_eq!(
        (open(&bot).await, bot.incident(1).await["assets"][0].as_str()),
        (1, Some("kubernetes-service-endpoints"))
    );
    bot.end().await;
}

/// The year 1 and 0 mean that a time is not set.
#[tokio::test]
async fn a_time_that_is_not_set_is_no_time() {
    let bot = bot().await;
    let catalog = "assets: [{name: w.up, kind: table}, {name: w.down, kind: table, upstream: [w.up]}]";
    assert_eq!(bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await.0, 200);
    bot.alert("prom", body("zero_time/body.json")).await;
    let answer = bot.alert("prom", body("zero_time/body-2.json")).await;
    assert_eq!(
        (&answer["alerts"][0]["outcome"], &answer["alerts"][0]["incident"]),
        (&json!("inhibited"), &json!("INC-1"))
    );
    bot.alert("gcp", body("zero_time/body-gcp.json")).await;
    for number in [1, 2] {
        let detected = bot.incident(number).await["detected_at"].to_string();
        assert!(detected.contains("2026-11-23T06:00"), "{detected}");
    }
    bot.end().await;
}

/// Every event of an issue is the same alert, and its end ends it. An archived issue goes on, so it is no recovery.
#[tokio::test]
async fn an_issue_of_sentry_is_one_alert() {
    let bot = bot().await;
    let post = async |resource: &str, id: &str, body: Value| -> Value {
        let request = bot.http.post(format!("{}/hooks/sentry", bot.base)).bearer_auth(TOKEN).body(body.to_string());
        let answer = request.header("Sentry-Hook-Resource", resource).header("Request-ID", id).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        bot.settle().await;
        answer["alerts"][0].clone()
    };
    let first = post("event_alert", "1", body("sentry_issue/body.json")).await;
    assert_eq!((&first["key"], &first["outcome"]), (&json!("issue/4711"), &json!("opened")));
    assert_eq!(post("event_alert", "2", body("sentry_issue/body-2.json")).await["outcome"], "repeated");
    let mut archived = body("sentry_issue/body-3.json");
    archived["action"] = "archived".into();
    assert_eq!(post("issue", "3", archived).await["outcome"], "resolved");
    let inc = bot.inc(1);
    inc.find("no longer fires, but that is no recovery: somebody archived it in Sentry");
    inc.find("1 alert ended without a recovery, so nobody knows whether the data is good");
    assert_eq!(post("issue", "4", body("sentry_issue/body-3.json")).await["outcome"], "resolved");
    inc.find("All alerts are green");
    bot.end().await;
}

/// The largest storms are taken in, alert by alert.
#[tokio::test]
async fn a_storm_larger_than_a_usual_body_is_taken_in() {
    let bot = bot().await;
    let alert = |n: usize| {
        json!({"status": "firing", "fingerprint": format!("s{n}"), "startsAt": "2026-11-23T05:59:00Z",
            "annotations": {"summary": format!("w.t{n} is stale"), "description": "x".repeat(1000)},
            "labels": {"alertname": "TableStale", "storm": "one", "dataset": "w.all", "severity": "warning"}})
    };
    let mut alerts: Vec<Value> = (0..700).map(alert).collect();
    alerts[100] = json!({"status": "red"});
    let storm = json!({"version": "4", "status": "firing", "alerts": alerts, "externalURL": "http://am.example"});
    assert!(storm.to_string().len() > 512 * 1024);
    let answer = bot.alert("prom", storm).await;
    assert_eq!(answer["alerts"].as_array().unwrap().len(), 699);
    assert_eq!((answer["refused"].as_array().unwrap().len(), &answer["refused"][0]["at"]), (1, &json!("/alerts/100")));
    assert_eq!(open(&bot).await, 1);
    assert_eq!(bot.get("/readyz").await["degraded"], json!([]));
    bot.end().await;
}

/// What the monitor left out is in the answer and on the incident.
#[tokio::test]
async fn what_the_monitor_left_out_is_said() {
    let bot = bot().await;
    let answer = bot.alert("prom", body("truncated/body.json")).await;
    insta::assert_snapshot!(answer["refused"][0]["why"].as_str().unwrap(), @"the monitor left out 37 more alerts of this group. Its receiver's `max_alerts` says how many it sends");
    let inc = bot.inc(1);
    assert!(inc.card().text().contains("the monitor left out 37 more alerts"), "{}", inc.card().text());
    assert!(inc.slash(ANA, "timeline").await.contains("the monitor left out 37 more alerts"));
    bot.end().await;
}

/// An alert that ended because nobody watches any more is no recovery, so it resolves nothing.
#[tokio::test]
async fn a_deleted_rule_is_no_recovery() {
    let bot = bot().await;
    bot.alert("graf", prom("firing", "2026-11-23T05:50:00Z", "0001-01-01T00:00:00Z")).await;
    let mut ended = prom("resolved", "2026-11-23T05:50:00Z", "2026-11-23T05:59:00Z");
    ended["alerts"][0]["annotations"]["grafana_state_reason"] = "RuleDeleted".into();
    bot.alert("graf", ended).await;
    bot.inc(1).find("that is no recovery: its rule was deleted");
    assert_eq!(open(&bot).await, 1);
    bot.alert("graf", prom("resolved", "2026-11-23T05:50:00Z", "2026-11-23T05:59:30Z")).await;
    assert_eq!(open(&bot).await, 0);
    bot.end().await;
}

/// What fired before its end is old news, whichever came first; what fires after its end is new.
#[tokio::test]
async fn old_news_opens_nothing() {
    let bot = bot().await;
    let none = "0001-01-01T00:00:00Z";
    let old = prom("firing", "2026-11-23T05:00:00Z", none);
    let end = prom("resolved", "2026-11-23T05:00:00Z", "2026-11-23T05:30:00Z");
    // The end came first.
    assert_eq!(bot.alert("prom", end.clone()).await["alerts"][0]["outcome"], "ignored");
    assert_eq!(bot.alert("prom", old.clone()).await["alerts"][0]["outcome"], "ignored");
    assert_eq!(open(&bot).await, 0);
    let new = prom("firing", "2026-11-23T05:45:00Z", none);
    assert_eq!(bot.alert("prom", new).await["alerts"][0]["outcome"], "opened");
    bot.alert("prom", prom("resolved", "2026-11-23T05:45:00Z", "2026-11-23T05:55:00Z")).await;
    // In an open incident, and once it is over.
    let late = prom("firing", "2026-11-23T05:45:00Z", none);
    assert_eq!(bot.alert("prom", late.clone()).await["alerts"][0]["outcome"], "ignored");
    assert_eq!(bot.incident(1).await["alerts_firing"], 0);
    bot.inc(1).slash(ANA, "resolve").await;
    assert_eq!(bot.alert("prom", late).await["alerts"][0]["outcome"], "ignored");
    bot.end().await;
}

/// A monitor that is refused is in the log, in a metric and in `/readyz`, and is said once until it works again.
#[tokio::test]
async fn a_monitor_that_is_refused_is_not_forgotten() {
    let bot = bot().await;
    let large = json!({"title": "x".repeat(600 * 1024)});
    let refuse = async || {
        assert_eq!(bot.post("/hooks/dq", Some(TOKEN), &large).await.0, 413);
        bot.settle().await;
    };
    refuse().await;
    refuse().await;
    let said_of = |words: &str| {
        let messages = bot.sandbox.slack().messages("data-incidents");
        messages.iter().filter(|one| one.text.contains("Muster refuses what") && one.text.contains(words)).count()
    };
    let said = || said_of("(413)");
    assert_eq!(said(), 1);
    let degraded = bot.get("/readyz").await["degraded"].to_string();
    assert!(
        degraded.contains("the source dq is refused since") && degraded.contains("2 requests, the last with 413"),
        "{degraded}"
    );
    assert!(bot.text("/metrics").await.contains("muster_monitor_requests_refused_total{status=\"413\"} 2"));
    bot.alert("dq", stale_orders()).await;
    assert_eq!(bot.get("/readyz").await["degraded"], json!([]));
    refuse().await;
    assert_eq!(said(), 2);
    // A stranger cannot make Muster talk: an unknown name says nothing, a wrong token says something once a day.
    bot.post("/hooks/nobody", Some(TOKEN), &large).await;
    for _ in 0..3 {
        assert_eq!(bot.post("/hooks/quiet", Some("wrong"), &stale_orders()).await.0, 401);
        bot.alert("quiet", json!({"title": "a", "status": "resolved"})).await;
    }
    assert_eq!(said_of("(401)"), 1);
    bot.channel("data-incidents").skip_rest();
    bot.end().await;
}
