//! Silences and maintenance windows: people and programs hide alerts for a while.

use chrono::Duration;
use serde_json::json;

use super::{alert, bot_with, open_incidents, outcome};
use crate::harness::*;

/// A silence hides what it names, says so once, survives a restart, and lets go of what still fires when it ends.
#[tokio::test]
async fn a_silence_hides_says_so_and_lets_go() {
    let bot = Bot::start().await;
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "silence").await, @"Which alerts do you want to hide, for how long, and why? It is written /incident silence <matcher> <2h|friday> <reason>: hide alerts for a while: silence warehouse.orders* 2h backfill is running, silence pillar=freshness team=orders 30m ….");
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "silence w.* 2h").await, @"A silence needs a reason; whoever looks for a missing alert reads it. /incident silence warehouse.orders* 2h backfill is running");
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "silence w.orders* source=dq 2h backfill is running").await, @"Silence 1 holds until 2026-11-23 08:00 UTC. Alerts that it hides open an incident then, if they still fire. /incident unsilence 1 ends it.");
    insta::assert_snapshot!(bot.slash(GUEST, "data-incidents", "silence w.* 2h x").await, @"Guests of this workspace cannot silence alerts or decide what becomes of them. Ask a member in the channel to do it.");
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders_daily")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", alert("w.other")).await).0, "opened");
    let channel = bot.channel("data-incidents");
    let said = channel.find("🔕");
    insta::assert_snapshot!(said.text(), @"🔕 Silence 1 (backfill is running, Ana) hides alerts until 2026-11-23 08:00 UTC. The first one is: w.orders is wrong on w.orders. Alerts that still fire at that time will open an incident.");
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "silences").await, @"
    🔕 Silences
    • 1 w.orders* source=dq 2026-11-23 06:00 to 2026-11-23 08:00 UTC: backfill is running (Ana)
    ");
    // One of them goes away while it is hidden.
    assert_eq!(outcome(&bot.alert("dq", resolved(alert("w.orders_daily"))).await).0, "resolved");
    let bot = Bot::set_up(bot.crash()).await;
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders_late")).await).0, "silenced");
    bot.advance(minutes(119)).await;
    assert_eq!(open_incidents(&bot).await, 1);
    bot.advance(minutes(3)).await;
    let titles: Vec<_> = bot.get("/api/v1/incidents?status=open").await["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|incident| incident["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(titles.len(), 3, "{titles:?}");
    assert!(!titles.contains(&"w.orders_daily is wrong".to_owned()), "{titles:?}");
    // People end one before its time.
    bot.slash(ANA, "data-incidents", "silence w.returns 2h it moves").await;
    assert!(bot.slash(BEN, "data-incidents", "unsilence 2").await.starts_with("Silence 2 (w.returns) is over."));
    bot.end().await;
}

#[tokio::test]
async fn programs_make_and_end_silences_too() {
    let bot = Bot::start().await;
    let asked = json!({"match": "asset=w.*", "until": "2026-11-23T09:00:00Z", "reason": "deployment", "owner": "ci"});
    let (status, silence) = bot.post("/api/v1/silences", Some(API_TOKEN), &asked).await;
    assert_eq!((status, silence["id"].as_u64()), (201, Some(1)), "{silence}");
    assert_eq!(bot.get("/api/v1/silences").await["silences"][0], silence);
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders")).await).0, "silenced");
    let ended = bot.http.delete(format!("{}/api/v1/silences/1", bot.base)).bearer_auth(API_TOKEN).send().await.unwrap();
    assert_eq!(ended.status(), 200);
    bot.settle().await;
    assert_eq!(open_incidents(&bot).await, 1, "what it hid opens an incident at once");
    for (wrong, why) in [
        (
            json!({"match": "", "until": "2026-11-23T09:00:00Z", "reason": "x", "owner": "ci"}),
            "A matcher says what is meant",
        ),
        (json!({"match": "w.*", "until": "2026-11-23T05:00:00Z", "reason": "x", "owner": "ci"}), "in the future"),
        (json!({"match": "w.*", "until": "2027-11-23T05:00:00Z", "reason": "x", "owner": "ci"}), "at most 90 days"),
        (json!({"match": "w.*", "until": "2026-11-23T09:00:00Z", "reason": " ", "owner": "ci"}), "needs a reason"),
        (json!({"match": "w.*", "until": "2026-11-23T09:00:00Z", "reason": "x", "owner": ""}), "needs an owner"),
    ] {
        let (status, problem) = bot.post("/api/v1/silences", Some(API_TOKEN), &wrong).await;
        assert_eq!(status, 422);
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
    assert_eq!(bot.post("/api/v1/silences", Some("wrong"), &asked).await.0, 401);
    bot.end().await;
}

#[tokio::test]
async fn a_maintenance_window_comes_back_every_week() {
    let bot = bot_with(
        "[[maintenance]]\nname = \"reload\"\nmatch = \"asset=w.*\"\ndays = [\"mon\"]\nfrom = \"07:00\"\nto = \"08:00\"\nzone = \"Europe/Berlin\"\nreason = \"weekly reload\"\n",
    )
    .await;
    // Monday, 07:00 in Berlin, is when the story begins: 06:00 UTC.
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", alert("x.orders")).await).0, "opened");
    let channel = bot.channel("data-incidents");
    let said = channel.find("🔕");
    insta::assert_snapshot!(said.text(), @"🔕 Maintenance reload (weekly reload) hides alerts until 2026-11-23 07:00 UTC. The first one is: w.orders is wrong on w.orders. Alerts that still fire at that time will open an incident.");
    bot.advance(minutes(61)).await;
    assert_eq!(open_incidents(&bot).await, 2);
    bot.end().await;
}

/// A form that is sent twice makes one silence.
#[tokio::test]
async fn a_form_sent_twice_silences_once() {
    let extra = "[[routes]]\nname = \"odd\"\naction = \"ask\"".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", alert("w.a")).await;
    bot.channel("data-incidents").find("❓ w.a is wrong").button("Silence").click(ANA).await;
    let slack = bot.sandbox.slack();
    let body =
        slack.submission_body(ANA, &json!({"matcher": "asset=w.a", "until": "1h", "text": "known"})).await.unwrap();
    let (one, other) = tokio::join!(slack.raw_interaction(body.clone()), slack.raw_interaction(body));
    assert_eq!((one.status, other.status), (200, 200));
    bot.settle().await;
    let told = bot.slash(ANA, "data-incidents", "silences").await;
    assert_eq!(told.matches("asset=w.a").count(), 1, "{told}");
    bot.clock.advance(Duration::hours(2));
    bot.settle().await;
    bot.end().await;
}
