//! What goes wrong outside, and what people notice of it.

use std::time::Duration;

use serde_json::json;

use super::alert;
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
    inc.expect("PagerDuty opened an incident");
    inc.expect("⏰ This SEV2 has had no commander for 5 min");
    inc.expect("⏰ This SEV2 has had no commander for 10 min");
    inc.expect_together(&["🔔 Nobody has acknowledged", "⏰ This SEV2 has had no commander for 15 min"]);
    inc.expect("handed to PagerDuty");
    inc.expect("PagerDuty opened an incident");
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
    bot.inc(1).find("PagerDuty opened an incident");
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
    inc.expect("PagerDuty opened an incident");
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
    bot.inc(1).find("🚨 PagerDuty refuses the page for orders-pipeline: 'routing_key' must be 32 characters long. This page notifies nobody; please call by hand.");
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

/// What is only a kindness, or shows what can be seen elsewhere, holds no word back; and comes when Slack lets it.
#[tokio::test]
async fn what_nobody_waits_for_holds_nothing_back() {
    let bot = Bot::start().await;
    let kind = [
        "pins.add",
        "bookmarks.list",
        "chat.postEphemeral",
        "conversations.invite",
        "conversations.setTopic",
        "reactions.add",
        "files.getUploadURLExternal",
        "conversations.canvases.create",
    ];
    for method in kind {
        bot.sandbox.faults().rate_limit(method, 1000, 30);
    }
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.find("== INC-1: orders are stale for 9 h ==");
    inc.slash(BEN, "take command").await;
    inc.find("@Ben is now commander");
    let said = inc.say(BEN, "the loader hangs").await;
    bot.sandbox.slack().react(BEN, &inc.name, &said, "pushpin");
    bot.slash(BEN, &inc.name, "postmortem").await;
    inc.slash(BEN, &format!("note {}", "very long ".repeat(290))).await;
    inc.slash(BEN, "update we know what it is").await;
    inc.find("we know what it is");
    let view = inc.view();
    assert_eq!((view.pins.len(), view.topic.as_str(), view.members.contains(&BEN.to_owned())), (0, "", false));
    for method in kind {
        bot.sandbox.faults().mend(method);
    }
    bot.advance(minutes(6)).await;
    let view = inc.view();
    assert_eq!(view.pins.len(), 1);
    assert!(view.topic.contains("commander: Ben") && view.members.contains(&BEN.to_owned()), "{view:?}");
    let found =
        |ts: &str| bot.sandbox.slack().messages(&inc.name).into_iter().find(|message| message.ts == ts).unwrap();
    assert_eq!(found(&said).reactions.len(), 2, "the pushpin and its answer");
    // Each once, and in order.
    let twice = bot
        .sandbox
        .slack()
        .messages(&inc.name)
        .iter()
        .filter(|one| one.text.contains("we know what it is") && !one.edited)
        .count();
    assert_eq!(twice, 1, "{}", bot.sandbox.slack().transcript());
    bot.end().await;
}

/// An operator's template that asks for what is not there is no reason to say nothing: the shipped one says it.
#[tokio::test]
async fn a_template_that_fails_is_said_by_the_shipped_one() {
    let folder = crate::harness::folder();
    std::fs::write(folder.path().join("noted.hbs"), "{{event.no_such_thing}}").unwrap();
    let extra = format!("[message_templates]\npath = {:?}", folder.path());
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "note the loader hangs").await;
    inc.find("📝 @Ana: the loader hangs");
    bot.end().await;
}

/// Files whose answer is lost are found again, and come once.
#[tokio::test]
async fn files_whose_answer_is_lost_come_once() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "edges: [[warehouse.orders, bi.sales]]".to_owned()).await;
    bot.sandbox.faults().lose_answer("files.completeUploadExternal", 1);
    bot.alert("dq", stale_orders()).await;
    bot.advance(minutes(2)).await;
    let inc = bot.inc(1);
    bot.sandbox.faults().lose_answer("files.completeUploadExternal", 1);
    inc.slash(ANA, "postmortem").await;
    bot.advance(minutes(2)).await;
    // A second draft, asked for on purpose, is a second file.
    inc.slash(ANA, "note one more thing").await;
    bot.sandbox.faults().lose_answer("files.completeUploadExternal", 1);
    inc.slash(ANA, "postmortem").await;
    bot.advance(minutes(2)).await;
    let mut files: Vec<_> =
        bot.sandbox.slack().messages(&inc.name).into_iter().filter_map(|one| one.file).map(|file| file.name).collect();
    files.sort();
    assert_eq!(files, ["inc-1-lineage.png", "inc-1-postmortem.md", "inc-1-postmortem.md"]);
    bot.end().await;
}

/// Where Muster may not whisper, whoever pressed something hears it directly.
#[tokio::test]
async fn who_cannot_be_whispered_to_is_told_directly() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.inc(1).enter(ANA);
    bot.inc(1).slash(BEN, "ack").await;
    bot.sandbox.faults().fail_with("chat.postEphemeral", 1, "channel_not_found");
    let card = bot.inc(1).card().view;
    bot.sandbox.slack().click(ANA, &card, "Update").await.unwrap();
    bot.submit(ANA, json!({"text": "all is well"})).await;
    bot.sandbox.slack().deactivates(ANA);
    bot.settle().await;
    bot.sandbox.slack().click(ANA, &card, "Update").await.unwrap();
    bot.settle().await;
    bot.channel("dm-ana").find("may not post updates");
    bot.end().await;
}

/// Who hangs up loses nothing: what was begun is finished, and what is saved is known at once.
#[tokio::test]
async fn who_hangs_up_leaves_nothing_half_done() {
    use tokio::io::AsyncWriteExt as _;
    let bot = Bot::start().await;
    for n in 0..20 {
        let body = alert(&format!("w.t{n}")).to_string();
        let mut line = tokio::net::TcpStream::connect(bot.base.trim_start_matches("http://")).await.unwrap();
        let request = format!(
            "POST /hooks/dq HTTP/1.1\r\nhost: muster\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        line.write_all(request.as_bytes()).await.unwrap();
    }
    bot.settle().await;
    bot.alert("dq", alert("w.last")).await;
    for incident in bot.get("/api/v1/incidents?limit=100").await["incidents"].as_array().unwrap() {
        let asset = incident["assets"][0].as_str().unwrap();
        let status = bot.get(&format!("/api/v1/assets/{asset}/status")).await.to_string();
        assert!(status.contains(incident["id"].as_str().unwrap()), "{asset}: {status}");
    }
    bot.end().await;
}
