//! Routes decide what becomes of alerts. Some ask people with a card, and some wait.

use serde_json::json;

use super::{alert, bot_with, open_incidents, outcome};
use crate::harness::*;

pub(super) const ROUTES: &str = r##"
[[routes]]
name = "staging"
match = "asset=staging.*"
action = "ignore"
[[routes]]
name = "odd values"
match = "pillar=distribution"
action = "ask"
[[routes]]
name = "slow"
match = "asset=slow.*"
pending_minutes = 10
[[routes]]
name = "finance"
match = "team=finance"
service = "finance"
severity = "SEV1"
"##;

#[tokio::test]
async fn routes_decide_what_becomes_of_alerts() {
    let bot = bot_with(ROUTES).await;
    assert_eq!(outcome(&bot.alert("dq", alert("staging.orders")).await).0, "ignored");
    let mut ledger = alert("ledger");
    ledger["labels"] = json!({"team": "finance"});
    assert_eq!(outcome(&bot.alert("dq", ledger).await).0, "opened");
    let incident = bot.incident(1).await;
    assert_eq!(
        (incident["severity"].as_str(), incident["service"].as_str()),
        (Some("SEV1"), Some("finance")),
        "{incident}"
    );
    // What goes away within ten minutes was nothing; what does not is an incident.
    assert_eq!(outcome(&bot.alert("dq", alert("slow.a")).await).0, "held");
    assert_eq!(outcome(&bot.alert("dq", alert("slow.b")).await).0, "held");
    assert_eq!(outcome(&bot.alert("dq", alert("slow.b")).await).0, "held", "the same again changes nothing");
    bot.advance(minutes(5)).await;
    assert_eq!(outcome(&bot.alert("dq", resolved(alert("slow.a"))).await).0, "resolved");
    bot.advance(minutes(6)).await;
    assert_eq!(bot.incident(2).await["title"], "slow.b is wrong");
    assert_eq!(open_incidents(&bot).await, 2);
    bot.end().await;
}

/// Where a route asks, people decide with the buttons of a card.
#[tokio::test]
async fn people_are_asked_with_a_card() {
    let bot = bot_with(ROUTES).await;
    let odd = |asset: &str| {
        let mut alert = alert(asset);
        alert["pillar"] = "distribution".into();
        alert
    };
    bot.channel("data-incidents").skip_rest();
    for asset in ["w.a", "w.b", "w.c", "w.d"] {
        assert_eq!(outcome(&bot.alert("dq", odd(asset)).await).0, "held");
    }
    let channel = bot.channel("data-incidents");
    let card = channel.find("❓ w.a is wrong");
    insta::assert_snapshot!(card.text(), @r"
    ❓ w.a is wrong (error, distribution)
    About w.a, from dq, since 2026-11-23 06:00 UTC.
    Is this an incident?
    ");
    card.button("Open incident").click(ANA).await;
    assert_eq!(bot.incident(1).await["title"], "w.a is wrong");
    assert_eq!(channel.find("🚨 w.a is wrong: is INC-1 (Ana)").labels(), Vec::<&str>::new());
    channel.find("❓ w.b is wrong").button("Not a problem").click(BEN).await;
    channel.find("👌 w.b is wrong: is not a problem (Ben)");
    channel.find("❓ w.c is wrong").button("Attach to…").click(ANA).await;
    let uid = bot.incident(1).await["uid"].clone();
    bot.submit(ANA, json!({"incident": uid})).await;
    channel.find("📎 w.c is wrong: is part of INC-1 (Ana)");
    let incident = bot.incident(1).await;
    assert_eq!(incident["alerts"][1]["joined_because"], "Ana attached it");
    channel.find("❓ w.d is wrong").button("Silence").click(ANA).await;
    bot.submit(ANA, json!({"matcher": "asset=w.d", "until": "1h", "text": "known, ticket is open"})).await;
    channel.find("🔕 w.d is wrong: is silenced until 2026-11-23 07:00 UTC (silence 1) (Ana)");
    assert_eq!(outcome(&bot.alert("dq", odd("w.d")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", odd("w.b")).await).0, "held", "it is asked again when it fires again");
    assert_eq!(open_incidents(&bot).await, 1);
    bot.end().await;
}

/// What comes and goes is said so, and opens nothing until it is steady.
#[tokio::test]
async fn what_flaps_is_held_and_said_so() {
    let bot = bot_with("[triage]\nflapping_changes = 4\n").await;
    for round in 1..=2 {
        assert_eq!(outcome(&bot.alert("auto", alert("w.orders")).await), ("opened".into(), format!("INC-{round}")));
        bot.advance(minutes(2)).await;
        assert_eq!(outcome(&bot.alert("auto", resolved(alert("w.orders"))).await).0, "resolved");
        bot.advance(minutes(16)).await;
    }
    assert_eq!(outcome(&bot.alert("auto", alert("w.orders")).await).0, "held");
    let channel = bot.channel("data-incidents");
    let said = channel.find("🔁");
    insta::assert_snapshot!(said.text(), @"🔁 w.orders is wrong on w.orders comes and goes: 4 changes within 60 minutes. It opens nothing until it is steady.");
    assert_eq!(open_incidents(&bot).await, 0);
    // It stays: after half an hour it is an incident.
    bot.advance(minutes(31)).await;
    assert_eq!(open_incidents(&bot).await, 1);
    bot.end().await;
}

/// Nobody looks: it is said again, at growing intervals, until somebody has it. A route's teams are invited and told to the end.
#[tokio::test]
async fn reminders_grow_and_a_routes_teams_are_told() {
    let bot = bot_with(
        r##"
[[teams]]
name = "finance-people"
slack = "S0ORDERS01, #finance"
[[routes]]
name = "finance"
match = "asset=w.*"
teams = ["finance-people"]
"##,
    )
    .await;
    bot.sandbox.slack().add_channel("finance", &[CHLOE]);
    bot.alert("quiet", alert("w.orders")).await;
    let inc = bot.inc(1);
    assert!(inc.view().members.contains(&CHLOE.to_owned()), "the route's team is in the channel");
    bot.channel("finance").expect("You or your team asked to hear of this.");
    inc.find("📨 Telling: finance-people");
    let asked = || {
        let messages = bot.sandbox.slack().messages(&inc.name);
        messages.iter().filter(|message| message.text.contains("Nobody has acknowledged")).count()
    };
    let mut seen = Vec::new();
    for minute in 1..=240 {
        bot.advance(minutes(1)).await;
        if asked() > seen.len() {
            seen.push(minute);
        }
    }
    assert_eq!(seen, [15, 45, 105, 225], "after 15 minutes, then 30, 60, 120");
    insta::assert_snapshot!(inc.find("Nobody has acknowledged").text(), @"🔔 Nobody has acknowledged this SEV3 for 225 min. Alerts that fire: 1.");
    inc.find("Nobody has acknowledged").button("Acknowledge").click(BEN).await;
    bot.advance(minutes(300)).await;
    assert_eq!(asked(), 4, "somebody has it");
    inc.slash(BEN, "resolve done").await;
    bot.channel("finance").find("☑️");
    bot.end().await;
}

/// A card that cannot be posted asks nobody: then it is an incident.
#[tokio::test]
async fn an_alert_that_nobody_can_be_asked_about_opens_an_incident() {
    let extra = "[[routes]]\nname = \"odd\"\naction = \"ask\"".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.sandbox.faults().fail_with("chat.postMessage", 1, "not_in_channel");
    bot.alert("dq", alert("w.a")).await;
    assert_eq!(bot.incident(1).await["title"], "w.a is wrong");
    // Not only what is refused; what goes on failing, too. It is asked in time, or not at all.
    bot.sandbox.faults().rate_limit("chat.postMessage", 400, 30);
    bot.alert("dq", alert("w.b")).await;
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 1);
    bot.advance(minutes(14)).await;
    assert_eq!(bot.incident(2).await["title"], "w.b is wrong");
    bot.end_with_given_up(2).await;
}
