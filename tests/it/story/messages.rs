//! What people do with messages and with the form *More…*.

use serde_json::json;

use super::whispered;
use crate::harness::*;

#[tokio::test]
async fn every_verb_can_be_chosen_by_hand() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let more = || async { inc.card().button("More…").click(BEN).await };
    more().await;
    bot.submit(BEN, json!({"verb": "note", "rest": "the loader was restarted"})).await;
    inc.find("📝 @Ben: the loader was restarted");
    // What cannot be read stays in the form.
    more().await;
    bot.submit(BEN, json!({"verb": "since", "rest": "whenever"})).await;
    assert_eq!(bot.sandbox.slack().open_views(BEN).len(), 1);
    bot.submit(BEN, json!({"verb": "since", "rest": "2h ago"})).await;
    inc.find("bad since");
    // What asks more asks it in the same place; what is read is whispered.
    more().await;
    bot.submit(BEN, json!({"verb": "cause"})).await;
    bot.submit(BEN, json!({"kind": "logic", "text": "a join lost rows"})).await;
    inc.find("a join lost rows");
    more().await;
    bot.submit(BEN, json!({"verb": "timeline"})).await;
    let told = bot.sandbox.slack().ephemerals(&inc.name, BEN).pop().unwrap();
    assert!(told.text.contains("Timeline of INC-1"), "{}", told.text);
    // It is asked who may when it is sent.
    inc.card().button("More…").click(GUEST).await;
    bot.submit(GUEST, json!({"verb": "resolve", "rest": "done"})).await;
    assert_eq!(bot.incident(1).await["status"], "pending");
    bot.end().await;
}

#[tokio::test]
async fn a_message_becomes_a_task() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(BEN);
    let ts = inc.say(BEN, "somebody must tell the vendor").await;
    let message = bot.sandbox.slack().messages(&inc.name).into_iter().find(|one| one.ts == ts).unwrap();
    inc.shortcut(ANA, &message, "task_from_message").await;
    bot.submit(ANA, json!({"owner": CHLOE, "due": "someday"})).await;
    assert_eq!(bot.sandbox.slack().open_views(ANA).len(), 1, "a mistake is shown in the form");
    bot.submit(ANA, json!({"text": "somebody must tell the vendor", "owner": CHLOE, "due": "2h"})).await;
    inc.find("☐ Task 1 for @Chloe: somebody must tell the vendor");
    assert!(inc.card().text().contains("— @Chloe"), "{}", inc.card().text());
    // In a channel of no incident there is a choice.
    let data = bot.channel("data-incidents");
    let ts = data.say(ANA, "and the board").await;
    let message = bot.sandbox.slack().messages("data-incidents").into_iter().find(|one| one.ts == ts).unwrap();
    for (shortcut, kept) in [("task_from_message", "☐ Task 2: and the board"), ("timeline", "📝 @Ana: and the board")]
    {
        data.shortcut(ANA, &message, shortcut).await;
        let choice = bot.sandbox.slack().ephemerals("data-incidents", ANA).pop().unwrap();
        bot.sandbox.slack().click(ANA, &choice, "INC-1: orders are stale for 9 h").await.unwrap();
        bot.settle().await;
        inc.find(kept);
    }
    bot.end().await;
}

#[tokio::test]
async fn any_message_can_be_pinned_with_its_own_time_and_files_and_taken_back() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(ANA);
    let slack = bot.sandbox.slack();
    let ts = inc.say(ANA, "the disk was full").await;
    bot.advance(minutes(30)).await;
    slack.react(BEN, &inc.name, &ts, "pushpin");
    bot.settle().await;
    // What the bot said itself, and what it has not heard, is looked up.
    let said = inc.find("PagerDuty opened an incident").view.ts.clone();
    bot.sandbox.faults().fail_with("conversations.replies", 1, "internal_error");
    slack.react(BEN, &inc.name, &said, "pushpin");
    bot.settle().await;
    bot.advance(minutes(1)).await;
    let timeline = inc.slash(BEN, "timeline").await;
    let line = timeline.lines().find(|line| line.contains("Ana said: the disk was full")).unwrap();
    assert!(line.contains("06:00 UTC"), "its own time: {line}");
    assert!(timeline.contains("said: 🔔") || timeline.contains("PagerDuty opened an incident"), "{timeline}");
    let marked =
        slack.messages(&inc.name).into_iter().filter(|one| one.reactions.iter().any(|name| name == "white_check_mark"));
    assert_eq!(marked.count(), 2);
    slack.delete(&inc.name, &ts);
    bot.settle().await;
    let timeline = inc.slash(BEN, "timeline").await;
    assert!(timeline.contains("(deleted in Slack)") && !timeline.contains("the disk was full"), "{timeline}");
    bot.end().await;
}

/// Slack promises no order: what was taken back before it came stays so, and what was changed before it came is as it was changed.
#[tokio::test]
async fn events_out_of_order_tell_the_same_story() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let slack = bot.sandbox.slack();
    inc.enter(BEN);
    bot.sandbox.faults().delay_deliveries(true);
    let gone = slack.say(BEN, &inc.name, "my password is hunter2");
    let kept = slack.say(BEN, &inc.name, "the loader hangs");
    slack.edit(&inc.name, &kept, "the loader hangs on a lock");
    slack.edit(&inc.name, &kept, "the loader hangs on a lock of the vacuum");
    slack.delete(&inc.name, &gone);
    bot.sandbox.faults().delay_deliveries(false);
    bot.settle().await;
    slack.react(BEN, &inc.name, &kept, "pushpin");
    bot.settle().await;
    inc.slash(BEN, "postmortem").await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.contains("hangs on a lock of the vacuum") && !draft.contains("hunter2"), "{draft}");
    bot.end().await;
}

/// What was written reads as it was written, wherever it goes.
#[tokio::test]
async fn what_people_write_is_read_as_they_wrote_it() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare! R&D rows < 5 --on app.user.id").await;
    let incident = bot.incident(1).await;
    assert_eq!(
        (incident["title"].as_str(), incident["assets"][0].as_str()),
        (Some("R&D rows < 5"), Some("app.user.id"))
    );
    let inc = bot.inc(1);
    inc.slash(ANA, "note ask @ben about R&D, see https://grafana.example.com/x").await;
    inc.find("@Ana: ask @Ben about R&D, see https://grafana.example.com/x");
    let said = inc.say(BEN, "rows <5 & falling, ask @chloe").await;
    bot.sandbox.slack().react(BEN, &inc.name, &said, "pushpin");
    bot.settle().await;
    let timeline = inc.slash(ANA, "timeline").await;
    assert!(timeline.contains("Ben said: rows <5 & falling, ask @Chloe"), "{timeline}");
    inc.slash(ANA, "task ask the R&D team @ben friday").await;
    let tasks = inc.slash(ANA, "tasks").await;
    assert!(tasks.contains("ask the R&D team"), "{tasks}");
    bot.end().await;
}

/// A button that was pressed twice did it once; and names typed into a form are people.
#[tokio::test]
async fn buttons_pressed_twice_and_names_typed_by_hand() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.slash(ANA, "data-incidents", "declare orders are stale again").await;
    let choice = whispered(&bot, "data-incidents", ANA);
    let slack = bot.sandbox.slack();
    for _ in 0..2 {
        slack.click(ANA, &choice, "Open a new one anyway").await.unwrap();
        bot.settle().await;
    }
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 2);
    let inc = bot.inc(1);
    inc.enter(ANA);
    inc.card().button("More…").click(ANA).await;
    bot.submit(ANA, json!({"verb": "task", "rest": "tell the vendor @ben friday"})).await;
    let tasks = inc.slash(ANA, "tasks").await;
    assert!(tasks.contains("tell the vendor — @U0BEN00001"), "{tasks}");
    inc.card().button("More…").click(ANA).await;
    bot.submit(ANA, json!({"verb": "assign", "rest": "scribe @Chloe"})).await;
    assert_eq!(bot.incident(1).await["roles"]["scribe"], json!([CHLOE]));
    inc.card().button("More…").click(ANA).await;
    let refused = bot.submit(ANA, json!({"verb": "assign", "rest": "scribe @nobody"})).await;
    assert!(refused.body.contains("I know nobody called @nobody"), "{}", refused.body);
    bot.end().await;
}
