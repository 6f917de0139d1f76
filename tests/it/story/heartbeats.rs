//! Monitors that say nothing: heartbeats that do not come, and alerts that nobody repeats.

use serde_json::json;

use super::{alert, bot_with, open_incidents, outcome};
use crate::harness::*;

#[tokio::test]
async fn a_heartbeat_that_does_not_come_is_an_alert_and_the_next_one_ends_it() {
    let bot = bot_with(
        "[[heartbeats]]\nsource = \"auto\"\nname = \"nightly-load\"\nevery_minutes = 30\ngrace_minutes = 5\nasset = \"w.orders\"\nseverity = \"critical\"\n",
    )
    .await;
    let beat = async || bot.post("/hooks/auto/heartbeat/nightly-load", Some(TOKEN), &json!({})).await;
    let (status, answer) = beat().await;
    assert_eq!((status, answer["next_due"].as_str()), (202, Some("2026-11-23T06:35:00Z")), "{answer}");
    bot.advance(minutes(30)).await;
    assert_eq!(beat().await.0, 202);
    bot.advance(minutes(34)).await;
    assert_eq!(open_incidents(&bot).await, 0);
    bot.advance(minutes(2)).await;
    let incident = bot.incident(1).await;
    assert_eq!(incident["title"], "No sign of nightly-load since 2026-11-23 06:30 UTC");
    assert_eq!((incident["severity"].as_str(), incident["pillar"].as_str()), (Some("SEV2"), Some("freshness")));
    bot.advance(minutes(60)).await;
    assert_eq!(open_incidents(&bot).await, 1, "late is late, once");
    assert_eq!(beat().await.0, 202);
    bot.settle().await;
    assert_eq!(bot.incident(1).await["status"], "resolved");
    let (status, problem) = bot.post("/hooks/auto/heartbeat/nightly", Some(TOKEN), &json!({})).await;
    assert_eq!(status, 404);
    assert!(problem["detail"].as_str().unwrap().contains("`nightly-load`"), "{problem}");
    assert_eq!(bot.post("/hooks/auto/heartbeat/nightly-load", Some("wrong"), &json!({})).await.0, 401);
    bot.end().await;
}

/// Only where it is asked for: what nobody repeats is over.
#[tokio::test]
async fn silence_of_a_monitor_is_an_end_only_where_it_is_said_so() {
    let bot = bot_with("[[sources]]\nname = \"repeats\"\nkind = \"generic\"\ntoken_env = \"SOURCE_TOKEN\"\nresolve_after_minutes = 10\n").await;
    bot.alert("repeats", alert("w.orders")).await;
    bot.alert("dq", alert("x.orders")).await;
    bot.advance(minutes(8)).await;
    assert_eq!(outcome(&bot.alert("repeats", alert("w.orders")).await).0, "repeated");
    bot.advance(minutes(8)).await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    bot.advance(minutes(3)).await;
    assert_eq!(
        (bot.incident(1).await["alerts_firing"].as_u64(), bot.incident(2).await["alerts_firing"].as_u64()),
        (Some(0), Some(1))
    );
    // The monitor did not say so, and nobody claims that it did.
    bot.inc(1).find("💤 Nobody repeated w.orders is wrong, so it is taken to be over. Still firing: 0 of 1.");
    bot.end().await;
}

/// A heartbeat that was taken out of the configuration and put back is watched again.
#[tokio::test]
async fn a_heartbeat_that_comes_back_is_watched() {
    let beat = "[[heartbeats]]\nsource = \"dq\"\nname = \"nightly\"\nevery_minutes = 60\ngrace_minutes = 10".to_owned();
    let bot = Bot::set_up(Setup { extra: beat.clone(), ..Setup::default() }).await;
    let setup = bot.crash();
    let bot = Bot::set_up(Setup { extra: String::new(), ..setup }).await;
    bot.advance(minutes(80)).await;
    let setup = bot.crash();
    let bot = Bot::set_up(Setup { extra: beat, ..setup }).await;
    bot.advance(minutes(9)).await;
    assert!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().is_empty(), "it has its grace");
    bot.advance(minutes(2)).await;
    assert!(bot.incident(1).await["title"].as_str().unwrap().starts_with("No sign of nightly"));
    bot.end().await;
}
