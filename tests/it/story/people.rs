//! Who may do what, what is captured, and who is first.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::*;

#[tokio::test]
async fn guests_strangers_and_other_workspaces_are_refused_in_words() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(GUEST);
    inc.enter(STRANGER);
    insta::assert_snapshot!(inc.slash(GUEST, "ack").await, @"Guests of this workspace cannot acknowledge an incident. Ask a member in the channel to do it.");
    assert!(inc.slash(GUEST, "show").await.contains("INC-1"), "a guest may read");
    insta::assert_snapshot!(inc.slash(STRANGER, "ack").await, @"This Muster serves another workspace.");
    insta::assert_snapshot!(inc.card().button("Acknowledge").click(STRANGER).await, @"People from another workspace cannot acknowledge an incident here. Ask a member in the channel to do it.");
    insta::assert_snapshot!(inc.card().button("Assign roles").click(GUEST).await, @"Guests of this workspace cannot assign roles. Ask a member in the channel to do it.");
    assert_eq!(bot.incident(1).await["status"], "pending");
    bot.end().await;
}

#[tokio::test]
async fn somebody_new_is_asked_for_and_may_try_again() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.sandbox.slack().add_user("U0NEW00001", "dana", "Dana");
    insta::assert_snapshot!(bot.inc(1).slash("U0NEW00001", "ack").await, @"I do not know you yet and have just asked Slack who you are. Please try once more in a few seconds.");
    assert_eq!(bot.inc(1).slash("U0NEW00001", "ack").await, "INC-1: Dana acknowledged.");
    // Somebody who joins while Muster runs is known at once.
    bot.sandbox.slack().joins("U0NEW00002", "eve", "Eve");
    bot.settle().await;
    assert_eq!(bot.inc(1).slash("U0NEW00002", "take scribe").await, "INC-1: Eve took the role of scribe.");
    bot.end().await;
}

#[tokio::test]
async fn two_who_press_at_once_make_one_change_and_the_loser_hears_who_was_first() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let card = bot.inc(1).card().view;
    let slack = bot.sandbox.slack();
    let inc = bot.inc(1);
    inc.enter(ANA);
    let (one, other) = tokio::join!(slack.click(ANA, &card, "Acknowledge"), slack.click(BEN, &card, "Acknowledge"));
    assert_eq!((one.unwrap().status, other.unwrap().status), (200, 200));
    bot.settle().await;
    let words: Vec<String> =
        [ANA, BEN].into_iter().flat_map(|user| slack.ephemerals(&inc.name, user)).map(|message| message.text).collect();
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].contains("already acknowledged INC-1 at 2026-11-23 06:"), "{words:?}");
    bot.end().await;
}

#[tokio::test]
async fn requests_that_are_not_slacks_are_refused() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let slack = bot.sandbox.slack();
    let now = bot.clock.now();
    let channel = bot.inc(1).name;
    let body = slack.command_body(BEN, &channel, "ack");
    let old = slack.sign(&body, now - Duration::seconds(301));
    let future = slack.sign(&body, now + Duration::seconds(301));
    let right = slack.sign(&body, now);
    for (headers, sent) in [
        (old, body.clone()),
        (future, body.clone()),
        (Vec::new(), body.clone()),
        (right.clone(), body.replace("ack", "resolve")),
    ] {
        assert_eq!(slack.raw("/slack/commands", headers, sent).await.status, 401);
    }
    assert_eq!(bot.incident(1).await["status"], "pending");
    let declare = slack.command_body(BEN, &channel, "declare once");
    let signed = slack.sign(&declare, now);
    assert!(slack.raw("/slack/commands", signed.clone(), declare.clone()).await.text().contains("INC-2"));
    // The very same request again, within the window: answered, and without effect.
    let again = slack.raw("/slack/commands", signed, declare).await;
    assert_eq!((again.status, again.text().as_str()), (200, "this was done already"));
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 2);
    let body = format!("team_id=T0OTHER000&user_id={BEN}&channel_id=C1&command=%2Fincident&text=list&trigger_id=1.2");
    let other = slack.raw("/slack/commands", slack.sign(&body, now), body).await;
    assert_eq!(other.text(), "This Muster serves another workspace.");
    let pagerduty = bot.sandbox.pagerduty();
    let refused =
        pagerduty.raw_webhook("{}".to_owned(), vec![("x-pagerduty-signature".to_owned(), "v1=00".to_owned())]).await;
    assert_eq!(refused.status, 401);
    let unknown = json!({"event": {"id": "1", "event_type": "pagey.ping", "data": {"type": "ping"}}}).to_string();
    let signature = pagerduty.sign(&unknown);
    let accepted = pagerduty.raw_webhook(unknown, vec![("x-pagerduty-signature".to_owned(), signature)]).await;
    assert_eq!(accepted.status, 202, "never a 4xx after a good signature");
    bot.settle().await;
    bot.end().await;
}

#[tokio::test]
async fn what_people_say_is_captured_edited_and_forgotten_with_them() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let slack = bot.sandbox.slack();
    let kept = inc.say(BEN, "the loader hangs").await;
    let gone = inc.say(BEN, "my password is hunter2").await;
    slack.edit(&inc.name, &kept, "the loader hangs on a lock");
    slack.delete(&inc.name, &gone);
    bot.settle().await;
    let message = slack.messages(&inc.name).into_iter().find(|message| message.ts == kept).unwrap();
    assert_eq!(inc.shortcut(CHLOE, &message, "timeline").await, "It is on the timeline.");
    assert_eq!(inc.shortcut(CHLOE, &message, "timeline").await, "This message is on the timeline already.");
    slack.react(CHLOE, &inc.name, &kept, "pushpin");
    bot.settle().await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert_eq!(draft.matches("Ben said: the loader hangs on a lock").count(), 1, "{draft}");
    assert!(draft.contains(&format!("/p{}", kept.replace('.', ""))), "the sentence ends with a link to its message");
    assert!(!draft.contains("hunter2"));
    slack.unreact(CHLOE, &inc.name, &kept, "pushpin");
    bot.settle().await;
    assert!(!bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("the loader hangs"));
    // What was said while nobody listened comes with the history, for the draft.
    bot.sandbox.faults().delay_deliveries(true);
    slack.say(CHLOE, &inc.name, "said while the events were late");
    inc.slash(ANA, "postmortem").await;
    let captured = bot.muster.app.store.scan(muster::store::Kind::Message, "", "", 100).unwrap();
    assert!(captured.iter().any(|rec| rec.body["text"] == "said while the events were late"), "{captured:?}");
    bot.sandbox.faults().delay_deliveries(false);
    bot.settle().await;
    bot.end().await;
}

/// The shapes that Slack's own SDK for Java records (`json-logs/samples`, values blank): all are answered, whatever is missing, null or
/// new, and none changes anything.
#[tokio::test]
async fn every_recorded_shape_of_slacks_requests_is_answered() {
    let bot = Bot::start().await;
    let samples: Value = serde_json::from_str(&fixture("documented/slack-samples.json")).unwrap();
    let mut sent = 0;
    for (name, sample) in samples.as_object().unwrap() {
        let mut shapes = vec![sample.clone()];
        // Without each of its fields, with null for each, with a new one.
        for key in sample.as_object().unwrap().keys() {
            let mut without = sample.clone();
            without.as_object_mut().unwrap().remove(key);
            let mut null = sample.clone();
            null[key] = Value::Null;
            shapes.extend([without, null]);
        }
        for key in sample["event"].as_object().into_iter().flat_map(|event| event.keys()) {
            let mut without = sample.clone();
            without["event"].as_object_mut().unwrap().remove(key);
            let mut null = sample.clone();
            null["event"][key] = Value::Null;
            shapes.extend([without, null]);
        }
        let mut new = sample.clone();
        new["something_new"] = json!({"deep": [1, {"er": null}]});
        shapes.push(new);
        for mut shape in shapes {
            // As they come: the blanks of the samples filled where Slack always has something.
            for (key, value) in [("team_id", "T0MUSTER00"), ("event_id", "Ev1"), ("api_app_id", "A0MUSTER00")] {
                if shape[key] == "" {
                    shape[key] = json!(value);
                }
            }
            if shape["type"] == "" {
                shape["type"] = json!("event_callback");
            }
            let (path, body) = if name == "SlashCommandPayload" {
                let fields: std::collections::BTreeMap<String, String> = shape
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                    .collect();
                ("/slack/commands", serde_urlencoded::to_string(fields).unwrap())
            } else if shape.get("event").is_some() || sample.get("event").is_some() {
                ("/slack/events", shape.to_string())
            } else {
                let payload = [("payload", shape.to_string())];
                ("/slack/interactions", serde_urlencoded::to_string(payload).unwrap())
            };
            let headers = bot.sandbox.slack().sign(&body, bot.clock.now());
            let answer = bot.sandbox.slack().raw(path, headers, body).await;
            assert_eq!(answer.status, 200, "{name}: {shape}: {}", answer.body);
            sent += 1;
        }
    }
    assert!(sent > 200, "{sent}");
    bot.settle().await;
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"], json!([]));
    bot.end().await;
}
