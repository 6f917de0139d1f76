//! One incident, from the webhook to the post-mortem.

use serde_json::json;

use crate::harness::*;

#[tokio::test]
async fn a_stale_table_becomes_an_incident_that_people_end() {
    let bot = Bot::start().await;

    let answer = bot.alert("dq", stale_orders()).await;
    assert_eq!(answer["alerts"][0]["outcome"], "opened");
    assert_eq!(answer["alerts"][0]["incident"], "INC-1");

    // PagerDuty has one page, and the announcement channel a line.
    let pages = bot.sandbox.pagerduty().incidents();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].title, "[INC-1] SEV2 orders are stale for 9 h");
    assert_eq!(pages[0].severity, "critical");
    let hub = bot.channel("data-incidents");
    hub.expect("INC-1 SEV2 · pending · orders are stale for 9 h · #inc-1-orders-are-stale-for-9-h");

    // The channel: card first and pinned, then the runbook; the team is in it.
    let inc = bot.inc(1);
    let card = inc.expect("== INC-1: orders are stale for 9 h ==");
    insta::assert_snapshot!(card.text());
    assert_eq!(
        card.labels(),
        ["Acknowledge", "Take command", "Join", "Assign roles", "Severity", "Runbook", "Update", "More…", "Resolve"]
    );
    inc.expect("Runbook: A table is stale (0 of");
    inc.expect("handed to PagerDuty. It is not known yet whether anyone was notified");
    inc.expect("PagerDuty opened an incident for orders-pipeline");
    let view = inc.view();
    assert_eq!(view.topic, "SEV2 · pending · commander: nobody · INC-1");
    assert_eq!(view.pins, std::slice::from_ref(&card.view.ts));
    for person in [BEN, CHLOE] {
        assert!(view.members.contains(&person.to_owned()), "{:?}", view.members);
    }
    assert!(
        view.bookmarks.iter().any(|(title, link)| title == "PagerDuty" && link.ends_with("/PDINC01")),
        "{:?}",
        view.bookmarks
    );

    assert!(view.bookmarks.iter().any(|(title, _)| title == "Runbook: A table is stale"), "{:?}", view.bookmarks);

    // Ben acknowledges by button: here, and in PagerDuty.
    bot.advance(minutes(3)).await;
    inc.card().button("Acknowledge").click(BEN).await;
    inc.expect("👀 @Ben has it.");
    assert_eq!(bot.sandbox.pagerduty().incidents()[0].status, "acknowledged");
    assert!(!inc.card().labels().contains(&"Acknowledge"));
    inc.enter(ANA);
    insta::assert_snapshot!(card.button("Acknowledge").click(ANA).await, @"Ben already acknowledged INC-1 at 2026-11-23 06:03 UTC. Take a role with /incident take responder to join in.");

    // Ana takes the command and hands out roles in a form.
    inc.card().button("Take command").click(ANA).await;
    inc.expect("@Ana is now commander.");
    inc.card().button("Assign roles").click(ANA).await;
    bot.submit(ANA, json!({"responder": [BEN], "scribe": CHLOE})).await;
    inc.expect("@Ben is now responder (by @Ana).");
    inc.expect("@Chloe is now scribe (by @Ana).");
    assert_eq!(inc.view().topic, "SEV2 · investigating · commander: Ana · INC-1");

    // The runbook is worked through; a step needs a reason to be skipped.
    let checklist = inc.find("Runbook: A table is stale");
    checklist.button("Done 1").click(BEN).await;
    inc.find("Runbook: A table is stale").button("Skip 2").click(BEN).await;
    bot.submit(BEN, json!({"text": "there is no staging copy"})).await;
    let checklist = inc.find("Runbook: A table is stale (2 of");
    assert!(
        checklist.text().contains("☑ 1.") && checklist.text().contains("— @Ben, 2026-11-23 06:03 UTC"),
        "{}",
        checklist.text()
    );
    assert!(
        checklist.text().contains("⊘ 2.") && checklist.text().contains("skipped: there is no staging copy"),
        "{}",
        checklist.text()
    );
    assert!(checklist.view.edited);

    // What people say is captured; a pushpin puts it on the timeline.
    let said = inc.say(BEN, "the 05:00 load never started <!channel>").await;
    bot.sandbox.slack().react(CHLOE, &inc.name, &said, "pushpin");
    bot.settle().await;

    inc.slash(BEN, "since 2026-11-22 21:00").await;
    inc.expect("@Ben says that the data has been bad since 2026-11-22 21:00 UTC.");
    inc.slash(BEN, "fix restarted the scheduler and reloaded").await;
    inc.expect("🔧 Fix, recorded by @Ben: restarted the scheduler and reloaded");

    // The monitor is green again, and a button asks.
    bot.advance(minutes(40)).await;
    let answer = bot.alert("dq", resolved(stale_orders())).await;
    assert_eq!(answer["alerts"][0]["outcome"], "resolved");
    inc.expect("✅ The monitor says that orders are stale for 9 h is over. Still firing: 0 of 1.");
    let ask = inc.expect("🟢 All alerts are green.");
    inc.slash(BEN, "good-again 06:40").await;
    inc.expect("@Ben says that the data has been good again since 2026-11-23 06:40 UTC.");
    ask.button("Resolve").click(ANA).await;
    bot.submit(ANA, json!({"text": "orders are complete"})).await;
    let over = inc.expect("🟢 Resolved by @Ana. orders are complete");
    assert!(over.text().contains("steps of “A table is stale” neither done nor skipped"), "{}", over.text());
    assert_eq!(bot.sandbox.pagerduty().incidents()[0].status, "resolved");
    assert_eq!(inc.view().topic, "SEV2 · resolved · commander: Ana · INC-1");
    assert!(hub.find("INC-1").text().contains("resolved"));

    // The draft comes as a file, and the API has the same.
    over.button("Draft post-mortem").click(ANA).await;
    let file = inc.expect("The post-mortem draft of INC-1 is here.").view.file.clone().expect("a file");
    assert_eq!(file.name, "inc-1-postmortem.md");
    insta::assert_snapshot!(file.content.replace(&bot.sandbox.pagerduty_url(), "https://pagerduty.example"));
    let told = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert_eq!(told.lines().filter(|line| line.starts_with("## ")).count(), 15);

    let incident = bot.incident(1).await;
    assert_eq!(incident["status"], "resolved");
    assert_eq!(
        incident["acknowledged_at"],
        "2026-11-23T06:03:00Z".replace("06:03:00", incident["acknowledged_at"].as_str().unwrap().get(11..19).unwrap())
    );
    assert_eq!(incident["roles"]["commander"], json!([ANA]));
    assert_eq!(incident["alerts"][0]["status"], "resolved");
    assert_eq!(incident["alerts"][0]["joined_because"], "it opened the incident");
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    // Slack posts a message for each topic, so none is set twice in a row.
    let traffic = bot.sandbox.traffic();
    let topics = traffic.iter().filter(|exchange| exchange.path == "conversations.setTopic");
    let topics: Vec<_> = topics.map(|exchange| &exchange.request["topic"]).collect();
    assert!(topics.len() > 1 && topics.windows(2).all(|two| two[0] != two[1]), "{topics:?}");
    bot.finish().await;
}

#[tokio::test]
async fn somebody_who_acknowledges_in_pagerduty_has_it_here_and_nothing_is_echoed() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let key = bot.sandbox.pagerduty().incidents()[0].dedup_key.clone();
    let before = bot.sandbox.traffic().iter().filter(|exchange| exchange.service == "pagerduty").count();
    bot.sandbox.pagerduty().acknowledge(&key, "Dana Doe");
    bot.settle().await;
    bot.sandbox.pagerduty().redeliver_last();
    bot.settle().await;
    let inc = bot.inc(1);
    inc.find("👀 Dana Doe (PagerDuty) has it.");
    assert_eq!(bot.incident(1).await["status"], "investigating");
    assert_eq!(bot.sandbox.traffic().iter().filter(|exchange| exchange.service == "pagerduty").count(), before);
    let timeline = bot.get("/api/v1/incidents/INC-1/timeline").await;
    let acks =
        timeline["entries"].as_array().unwrap().iter().filter(|entry| entry["event"]["type"] == "acknowledged").count();
    assert_eq!(acks, 1);
    // Closed there, it stays open here until somebody says so.
    bot.sandbox.pagerduty().resolve(&key, "Dana Doe");
    bot.settle().await;
    inc.find("Dana Doe (PagerDuty) closed the page in PagerDuty. The incident stays open");
    assert_eq!(bot.incident(1).await["status"], "investigating");
    bot.end().await;
}

#[tokio::test]
async fn alerts_of_one_asset_share_an_incident_and_a_new_one_follows_a_resolved_one() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let mut other = stale_orders();
    other["key"] = json!("orders.rows");
    other["title"] = json!("orders has 3 rows");
    let answer = bot.alert("dq", other.clone()).await;
    assert_eq!(
        (&answer["alerts"][0]["outcome"], &answer["alerts"][0]["incident"]),
        (&json!("attached"), &json!("INC-1"))
    );
    let answer = bot.alert("dq", other.clone()).await;
    assert_eq!(answer["alerts"][0]["outcome"], "repeated");
    bot.inc(1).find("orders has 3 rows on warehouse.orders — same asset, warehouse.orders");
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);

    bot.alert("dq", resolved(other.clone())).await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    bot.alert("dq", other.clone()).await;
    bot.inc(1).find("🔔 orders has 3 rows is firing again.");
    bot.inc(1).slash(ANA, "resolve done").await;
    let answer = bot.alert("dq", other).await;
    assert_eq!(
        (&answer["alerts"][0]["outcome"], &answer["alerts"][0]["incident"]),
        (&json!("opened"), &json!("INC-2"))
    );
    assert_eq!(bot.sandbox.pagerduty().pages(), 2);
    bot.end().await;
}

#[tokio::test]
async fn a_source_may_resolve_by_itself_or_only_note_that_all_is_green() {
    let bot = Bot::start().await;
    bot.alert("auto", stale_orders()).await;
    bot.alert("auto", resolved(stale_orders())).await;
    bot.inc(1).find("🟢 Resolved by auto. All alerts are green");
    assert_eq!(bot.incident(1).await["status"], "resolved");
    assert_eq!(bot.sandbox.pagerduty().incidents()[0].status, "resolved");
    bot.alert("quiet", stale_orders()).await;
    bot.alert("quiet", resolved(stale_orders())).await;
    assert_eq!(bot.incident(2).await["status"], "pending");
    bot.end().await;
}

#[tokio::test]
async fn a_sev1_without_a_commander_asks_for_one_after_five_minutes() {
    let bot = Bot::start().await;
    let alert =
        json!({"title": "ledger is empty", "asset": "finance.ledger", "pillar": "volume", "severity": "critical"});
    bot.alert("dq", alert).await;
    assert_eq!(bot.incident(1).await["severity"], "SEV1", "a tier-1 asset is one worse");
    let inc = bot.inc(1);
    inc.skip_rest();
    bot.advance(minutes(6)).await;
    let ask = inc.expect("⏰ This SEV1 has had no commander for 5 min. Who takes command?");
    ask.button("Take command").click(BEN).await;
    inc.expect("@Ben is now commander.");
    inc.slash(BEN, "take responder").await;
    inc.expect("In a SEV1 one person should not be commander too");
    bot.end().await;
}
