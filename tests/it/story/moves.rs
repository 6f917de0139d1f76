//! People move alerts, merge incidents, and say what the alerts were worth.

use super::routes::ROUTES;
use super::{alert, bot_with, outcome, warehouse};
use crate::harness::*;

/// People know better: an alert is moved out, an incident is merged into another; both are on the timeline, and later alerts follow.
#[tokio::test]
async fn people_move_alerts_and_merge_incidents() {
    let bot = warehouse("").await;
    bot.alert("dq", alert("w.orders")).await;
    bot.alert("dq", alert("bi.dash")).await;
    bot.alert("dq", alert("w.returns")).await;
    let one = bot.inc(1).name.clone();
    insta::assert_snapshot!(bot.slash(ANA, &one, "alerts").await, @r"
    🔔 Alerts of INC-1
    • 1 🔴 w.orders is wrong (it opened the incident)
    • 2 🔴 bi.dash is wrong (bi.dash is made of w.orders (2 steps), which is broken)
    /incident move 2 INC-7 moves alert 2 to another incident.
    ");
    insta::assert_snapshot!(bot.slash(ANA, &one, "move 7 new").await, @"INC-1 has no such alert. /incident alerts numbers them.");
    insta::assert_snapshot!(bot.slash(ANA, &one, "move 2 new").await, @"INC-1: Ana moved the alert “bi.dash is wrong” to an incident of its own.");
    assert_eq!(bot.incident(3).await["title"], "bi.dash is wrong");
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    assert_eq!(bot.incident(3).await["alerts"][0]["joined_because"], "Ana moved it here from INC-1");
    // It says where it is now, and repeats go there.
    assert_eq!(outcome(&bot.alert("dq", alert("bi.dash")).await), ("repeated".into(), "INC-3".into()));
    insta::assert_snapshot!(bot.slash(BEN, &one, "merge INC-1").await, @"An incident cannot be merged into itself; name another, for example /incident merge INC-12.");
    insta::assert_snapshot!(bot.slash(BEN, &one, "merge INC-9").await, @"There is no INC-9. /incident list shows what is open.");
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "INC-2 merge INC-1").await, @"INC-2: Ben merged this into INC-1.");
    let merged = bot.incident(2).await;
    assert_eq!(merged["status"], "merged");
    let first = bot.incident(1).await;
    assert_eq!(
        (first["alerts_firing"].as_u64(), first["alerts"][1]["joined_because"].as_str()),
        (Some(2), Some("INC-2 was merged into this")),
        "{first}"
    );
    assert_eq!(outcome(&bot.alert("dq", alert("w.returns")).await), ("repeated".into(), "INC-1".into()));
    let mut other = alert("w.returns");
    other["key"] = "another check".into();
    assert_eq!(
        outcome(&bot.alert("dq", other).await),
        ("attached".into(), "INC-1".into()),
        "what is about its asset follows"
    );
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "INC-2 resolve x").await, @"INC-2 was merged into INC-1, and goes on there.");
    bot.inc(2).find("🔀 @Ben merged this into INC-1");
    bot.end().await;
}

/// What is over while its incident is being merged does not go on firing where it arrives.
#[tokio::test]
async fn an_alert_that_ends_while_it_moves_is_over() {
    let bot = warehouse("").await;
    bot.alert("quiet", alert("w.orders")).await;
    bot.alert("quiet", alert("w.returns")).await;
    let (status, _) = {
        let into = bot.inc(1).name.clone();
        bot.sandbox.slack().command(ANA, &into, "INC-2 merge INC-1").await;
        // Nothing has been carried out yet.
        bot.post("/hooks/quiet", Some(TOKEN), &resolved(alert("w.returns"))).await
    };
    assert_eq!(status, 202);
    bot.settle().await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    assert_eq!(bot.incident(2).await["status"], "merged");
    bot.end().await;
}

/// People say what alerts were worth, and the noisiest monitors are named.
#[tokio::test]
async fn verdicts_name_the_noisiest_monitors() {
    let bot = bot_with(ROUTES).await;
    for (n, asset) in ["w.a", "w.b", "w.a"].into_iter().enumerate() {
        bot.alert("dq", alert(asset)).await;
        let channel = bot.inc(n as u64 + 1);
        channel.slash(ANA, "resolve done").await;
        let button = ["Alert was useful", "False alarm", "False alarm"][n];
        channel.card().button(button).click(BEN).await;
        assert!(!channel.card().labels().contains(&"False alarm"), "it was said");
    }
    // Second thoughts count instead of the first.
    bot.inc(3).slash(ANA, "judge expected").await;
    let mut odd = alert("w.c");
    odd["pillar"] = "distribution".into();
    bot.alert("dq", odd).await;
    bot.channel("data-incidents").find("❓ w.c is wrong").button("Not a problem").click(BEN).await;
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "stats").await, @r"
    📊 Since 2026-10-24 06:00 UTC
    3 incidents (3 SEV3). Medians: resolved in 0 min.
    Alerts, by what people said of them: 1 of 4 were useful (25 %). Monitors judged: 3.
    The noisiest:
    • w.a is wrong (dq): false 0, expected 1, useful 1 (50 %)
    • w.b is wrong (dq): false 1, expected 0, useful 0 (0 %)
    • w.c is wrong (dq): false 1, expected 0, useful 0 (0 %)
    ");
    assert!(bot.text("/api/v1/incidents/INC-3/postmortem").await.contains("Ana called the alerts expected"));
    bot.end().await;
}

/// Whoever was told hears the end, wherever the incident went; and what fires is not brought where nobody looks any more.
#[tokio::test]
async fn a_merge_loses_nobody_and_nothing() {
    let bot = Bot::start().await;
    for asset in ["w.a", "w.b", "w.c"] {
        bot.alert("dq", alert(asset)).await;
    }
    bot.slash(CHLOE, "data-incidents", "INC-1 subscribe").await;
    bot.slash(ANA, "data-incidents", "INC-1 merge INC-2").await;
    let dm = bot.channel("dm-chloe");
    dm.expect("INC-1: w.a is wrong");
    dm.expect("It was merged into INC-2, and goes on there.");
    bot.slash(ANA, "data-incidents", "INC-2 update both load again").await;
    dm.expect("both load again");
    // It ends before the alerts of the third arrive there.
    let slack = bot.sandbox.slack();
    slack.command(ANA, "data-incidents", "INC-3 merge INC-2").await;
    slack.command(ANA, "data-incidents", "INC-2 resolve done").await;
    bot.settle().await;
    dm.expect("INC-2 is resolved");
    let fourth = bot.incident(4).await;
    assert_eq!(
        (fourth["title"].as_str(), fourth["status"].as_str()),
        (Some("w.c is wrong"), Some("pending")),
        "{fourth}"
    );
    // What is told to everybody goes to no place that few may see.
    bot.slash(ANA, "data-incidents", "declare salaries leaked --private").await;
    assert!(
        bot.slash(ANA, "data-incidents", "INC-4 move 1 INC-5").await.starts_with("INC-5 is private and INC-4 is not")
    );
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "INC-4 merge INC-5").await, @"INC-5 is private and INC-4 is not: whoever follows INC-4 would hear nothing more of what goes there. Merge INC-5 into INC-4, or close this one with /incident dismiss duplicate <reason>.");
    bot.end().await;
}
