//! What goes wrong outside, and what people notice of it.

use std::time::Duration;

use crate::harness::*;

#[tokio::test]
async fn slack_down_does_not_hold_up_the_page_and_what_waits_comes_in_order() {
    let bot = Bot::start().await;
    bot.sandbox.faults().down("slack", true);
    bot.alert("dq", stale_orders()).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1, "the page goes out");
    assert_eq!(bot.sandbox.slack().channels().len(), 1, "and Slack has no channel yet");
    bot.advance(minutes(20)).await;
    let mut second = stale_orders();
    second["key"] = "orders.rows".into();
    bot.alert("dq", second).await;
    bot.sandbox.faults().down("slack", false);
    bot.advance(minutes(10)).await;
    let inc = bot.inc(1);
    inc.expect("== INC-1");
    inc.expect("Runbook:");
    inc.expect("handed to PagerDuty");
    inc.expect("PagerDuty notified somebody");
    inc.expect("⏰ This SEV2 has had no commander for 5 min");
    inc.expect("⏰ This SEV2 has had no commander for 10 min");
    inc.expect_together(&["🔔 Nobody has acknowledged", "⏰ This SEV2 has had no commander for 15 min"]);
    inc.expect("handed to PagerDuty");
    inc.expect("PagerDuty notified somebody");
    inc.expect("same asset, warehouse.orders");
    bot.finish_quietly().await;
}

#[tokio::test]
async fn pagerduty_down_is_tried_until_it_answers_and_is_one_page() {
    let bot = Bot::start().await;
    bot.sandbox.faults().down("pagerduty", true);
    bot.alert("dq", stale_orders()).await;
    assert!(bot.inc(1).card().text().contains("page for orders-pipeline: not yet accepted by PagerDuty, trying"));
    bot.inc(1).slash(BEN, "take command").await;
    bot.advance(minutes(90)).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 0);
    bot.sandbox.faults().down("pagerduty", false);
    bot.advance(minutes(6)).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    bot.inc(1).find("PagerDuty notified somebody");
    bot.end().await;
}

#[tokio::test]
async fn lost_answers_double_nothing() {
    let bot = Bot::start().await;
    let faults = bot.sandbox.faults();
    faults.lose_answer("/v2/enqueue", 1);
    faults.lose_answer("conversations.create", 1);
    faults.lose_answer("chat.postMessage", 3);
    bot.alert("dq", stale_orders()).await;
    bot.advance(minutes(10)).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    assert_eq!(bot.sandbox.slack().channels().iter().filter(|channel| channel.name.starts_with("inc-1")).count(), 1);
    let inc = bot.inc(1);
    inc.expect("== INC-1");
    inc.expect("Runbook:");
    // PagerDuty's webhook was faster than the second answer, so there is no "handed over" any more.
    inc.expect("PagerDuty notified somebody");
    assert!(inc.card().view.pinned);
    let hub = bot.sandbox.slack().messages("data-incidents");
    assert_eq!(hub.len(), 1, "the announcement is one line: {hub:?}");
    bot.end().await;
}

#[tokio::test]
async fn slack_asking_for_patience_gets_it() {
    let bot = Bot::start().await;
    bot.sandbox.faults().rate_limit("chat.postMessage", 2, 30);
    bot.alert("dq", stale_orders()).await;
    let posts = || bot.sandbox.traffic().iter().filter(|exchange| exchange.path == "chat.postMessage").count();
    let before = posts();
    assert!(before <= 2, "no call within the time Slack asked for");
    bot.advance(minutes(3)).await;
    bot.inc(1).expect("== INC-1");
    bot.end().await;
}

#[tokio::test]
async fn duplicated_late_and_shuffled_events_change_nothing() {
    let bot = Bot::start().await;
    let faults = bot.sandbox.faults();
    faults.duplicate_deliveries(true);
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let said = inc.say(BEN, "it is the scheduler").await;
    faults.delay_deliveries(true);
    bot.sandbox.slack().react(CHLOE, &inc.name, &said, "pushpin");
    inc.card().button("Acknowledge").click(BEN).await;
    bot.settle().await;
    faults.delay_deliveries(false);
    bot.settle().await;
    let timeline = bot.get("/api/v1/incidents/INC-1/timeline").await;
    let count = |kind: &str| {
        timeline["entries"].as_array().unwrap().iter().filter(|entry| entry["event"]["type"] == kind).count()
    };
    assert_eq!((count("message_pinned"), count("paged"), count("acknowledged")), (1, 1, 1), "{timeline:#}");
    bot.end().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_said_and_the_rest_goes_on() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.skip_rest();
    bot.sandbox.faults().fail_with("chat.postMessage", 1, "invalid_blocks");
    inc.slash(ANA, "note one").await;
    inc.expect("⚠️ I could not deliver a message: Slack answered `invalid_blocks` to chat.postMessage; Slack finds the message malformed");
    inc.slash(ANA, "note two").await;
    inc.expect("📝 @Ana: two");
    let ready: serde_json::Value =
        bot.http.get(format!("{}/readyz", bot.base)).send().await.unwrap().json().await.unwrap();
    assert_eq!(ready["degraded"][0], "1 delivery was given up; the incidents' timelines say which");
}

#[tokio::test]
async fn a_page_that_pagerduty_refuses_is_said_in_the_channel() {
    let setup =
        Setup { variables: vec![("MUSTER_PAGERDUTY__ROUTING_KEY", "too-short".to_owned())], ..Setup::default() };
    let bot = Bot::set_up(setup).await;
    bot.alert("dq", stale_orders()).await;
    bot.inc(1).find("🚨 PagerDuty refuses the page for orders-pipeline: 'routing_key' must be 32 characters long. Nobody was notified; please call by hand.");
    assert!(bot.inc(1).card().text().contains("REFUSED by PagerDuty, call by hand"));
}

#[tokio::test]
async fn slack_is_answered_while_everything_behind_hangs() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.sandbox.faults().slow("slack", 50, Duration::from_secs(30));
    bot.sandbox.faults().slow("pagerduty", 50, Duration::from_secs(30));
    let answer = bot.sandbox.slack().command(BEN, &bot.inc(1).name, "ack").await;
    assert_eq!(answer.text(), "INC-1: Ben acknowledged.");
    // A form that Slack does not open is said, with another way.
    let answer = bot.sandbox.slack().command(BEN, &bot.inc(1).name, "sev").await;
    assert_eq!(
        answer.text(),
        "Slack did not open the form in time. Please try again, or write it in one line: /incident help shows how."
    );
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_repeats_nothing() {
    let bot = Bot::start().await;
    bot.sandbox.faults().down("slack", true);
    bot.sandbox.faults().lose_answer("/v2/enqueue", 1);
    bot.alert("dq", stale_orders()).await;
    let setup = bot.crash();
    let bot = Bot::set_up(setup).await;
    bot.sandbox.faults().down("slack", false);
    bot.advance(minutes(10)).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    let inc = bot.inc(1);
    inc.expect("== INC-1");
    inc.slash(BEN, "ack").await;
    inc.find("👀 @Ben has it.");
    bot.end().await;
}
