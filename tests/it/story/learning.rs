//! What people learn of an incident: causes, what was promised, and what the post-mortem says.

use chrono::Duration;
use serde_json::json;

use super::{alert, warehouse};
use crate::harness::*;

#[tokio::test]
async fn whys_the_cause_and_what_was_learnt_reach_the_post_mortem() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(ANA, "why 1 nobody looked").await, @"There is no why 1 yet: /incident why <text> answers the first.");
    insta::assert_snapshot!(inc.slash(ANA, "why the load stopped at 05:00").await, @"INC-1: Ana answered why 1: the load stopped at 05:00.");
    // The button asks the next, and repeats the last.
    inc.find("Why 1").button("Why?").click(BEN).await;
    let form = bot.sandbox.slack().open_views(BEN)[0].view.to_string();
    assert!(form.contains("Why 1: the load stopped at 05:00"), "{form}");
    bot.submit(BEN, json!({"text": "its disk was full"})).await;
    inc.find("Why 2 (of 1)");
    assert_eq!(
        inc.slash(ANA, "why 1 nothing retried it").await,
        "INC-1: Ana answered why 3 (of 1): nothing retried it."
    );
    insta::assert_snapshot!(inc.slash(ANA, "why 9 gremlins").await, @"There is no why 9; the last one is 3.");
    insta::assert_snapshot!(inc.slash(ANA, "cause gremlins").await, @"A cause lies with data, logic or operations. It is written /incident cause <data|logic|operations> <text>: what caused it, as you agreed; never who.");
    inc.slash(ANA, "cause data the source was late").await;
    // Named again, the last one holds. Its words can be corrected, and the post-mortem follows.
    inc.slash(ANA, "cause").await;
    bot.submit(ANA, json!({"kind": "operations", "text": "nothing watched the disc"})).await;
    assert!(inc.card().text().contains("• cause (operations): nothing watched the disc"), "{}", inc.card().text());
    let timeline = inc.slash(ANA, "timeline").await;
    let line = timeline.lines().find(|line| line.contains("nothing watched the disc")).unwrap().to_owned();
    let number = line.trim_start_matches("• ").split(' ').next().unwrap().to_owned();
    inc.slash(ANA, &format!("edit {number} nothing watched the disk")).await;
    inc.slash(BEN, "retro well the runbook had the very step").await;
    inc.slash(BEN, "retro").await;
    bot.submit(BEN, json!({"what": "lucky", "text": "it was not month end"})).await;
    insta::assert_snapshot!(inc.slash(BEN, "retro never").await, @"Something went well, was hard, or was lucky. It is written /incident retro <well|hard|lucky> <text>: what went well, what was hard, where luck helped: for the post-mortem.");
    inc.slash(BEN, "resolve done").await;
    inc.find("Resolved").button("What did we learn?").click(BEN).await;
    bot.submit(BEN, json!({"what": "hard", "text": "nobody knew the loader"})).await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    let section =
        |name: &str| draft.split(&format!("## {name}\n\n")).nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    insta::assert_snapshot!(section("Causes"), @r"
    - Why 1: the load stopped at 05:00
    - Why 2 (of 1): its disk was full
    - Why 3 (of 1): nothing retried it
    - Named before as the cause (data): the source was late
    - Cause (operations): nothing watched the disk
    ");
    for (name, words) in [
        ("What went well", "- the runbook had the very step"),
        ("What was hard", "- nobody knew the loader"),
        ("Where we were lucky", "- it was not month end"),
    ] {
        assert_eq!(section(name), words);
    }
    let resolved = inc.find("Resolved");
    assert!(!resolved.text().contains("what caused it"), "{}", resolved.text());
    resolved.button("Name the cause").click(CHLOE).await;
    assert_eq!(bot.sandbox.slack().open_views(CHLOE)[0].title, "The cause");
    bot.end().await;
}

#[tokio::test]
async fn what_was_no_incident_is_dismissed_with_a_reason() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(ANA, "dismiss expected").await, @"Why? Whoever reads it later wants to know. It is written /incident dismiss <false-positive|expected|duplicate> <reason>: end it as no incident, and say why.");
    insta::assert_snapshot!(inc.slash(ANA, "dismiss the backfill runs").await, @"It is a false positive, expected, or a duplicate. It is written /incident dismiss <false-positive|expected|duplicate> <reason>: end it as no incident, and say why.");
    insta::assert_snapshot!(inc.slash(ANA, "dismiss false-positive the check was wrong").await, @"INC-1: Ana resolved (false alarm): the check was wrong.");
    assert_eq!(bot.incident(1).await["status"], "resolved");
    bot.clock.advance(Duration::days(2));
    bot.alert("dq", json!({"key": "2", "title": "another", "asset": "w.x"})).await;
    bot.inc(2).slash(BEN, "take command").await;
    bot.advance(minutes(40)).await;
    bot.inc(2).slash(BEN, "resolve done").await;
    // What went before the last day is not counted; verdicts are of all time.
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "stats 1d").await, @r"
    📊 Since 2026-11-24 06:40 UTC
    1 incident (1 SEV3). Medians: acknowledged in 0 min, resolved in 40 min.
    Alerts, by what people said of them: 0 of 1 were useful (0 %). Monitors judged: 1.
    The noisiest:
    • orders are stale for 9 h (dq): false 1, expected 0, useful 0 (0 %)
    ");
    assert!(bot.slash(ANA, "data-incidents", "stats").await.contains("2 incidents (1 SEV2, 1 SEV3)"));
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "stats soon").await, @"“soon” is not a time I understand. It is written /incident stats [30d]: how incidents went, and how monitors do by what people said of their alerts.");
    bot.end().await;
}

#[tokio::test]
async fn what_was_promised_is_set_beside_what_was_broken() {
    let bot = Bot::start().await;
    let catalog = "assets: [{name: warehouse.orders, sla: 'by 07:00 UTC'}]\nedges: [[warehouse.orders, bi.sales]]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    assert!(inc.slash(ANA, "sla").await.contains("data bad for less than a minute in 1 incident, and still bad in 1"));
    inc.slash(ANA, "since 3h ago").await;
    bot.advance(minutes(60)).await;
    insta::assert_snapshot!(inc.slash(ANA, "sla").await, @r"
    📜 What was promised, and the incidents of the last 30 days
    • warehouse.orders: by 07:00 UTC; data bad for 4 h 0 min in 1 incident, and still bad in 1
    ");
    inc.slash(ANA, "good-again 30m ago").await;
    inc.slash(ANA, "resolve done").await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(
        draft.contains("## SLA\n\n- warehouse.orders: by 07:00 UTC; data bad for 3 h 30 min in this incident\n"),
        "{draft}"
    );
    assert!(bot.slash(ANA, "data-incidents", "sla warehouse.orders").await.contains("data bad for 3 h 30 min"));
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "sla bi.sales").await, @r"
    📜 What was promised, and the incidents of the last 30 days
    • bi.sales: no SLA is known; no incident with bad data that you can see
    ");
    bot.end().await;
}

/// Who noticed it, where, and what should have noticed it before: in the post-mortem.
#[tokio::test]
async fn the_post_mortem_names_the_gap_in_monitoring() {
    let bot = warehouse("").await;
    bot.alert("dq", alert("w.orders")).await;
    bot.advance(minutes(12)).await;
    bot.alert("dq", alert("w.raw")).await;
    bot.slash(ANA, "data-incidents", "declare payments look odd").await;
    let detection = async |name: &str| {
        let text = bot.text(&format!("/api/v1/incidents/{name}/postmortem")).await;
        text.split("## Detection\n\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned()
    };
    insta::assert_snapshot!(detection("INC-1").await, @r"
    - Noticed by the monitor dq on w.orders at 2026-11-23 06:00 UTC.
    - It was seen downstream first: the likeliest root, w.raw, was reported 12 min later.
    - 2 alerts joined; 2 of them still fire.
    ");
    insta::assert_snapshot!(detection("INC-2").await, @r"
    - Noticed by a person, who declared it at 2026-11-23 06:12 UTC.
    - Monitoring gap: no monitor reported it; check what broke.
    ");
    bot.end().await;
}
