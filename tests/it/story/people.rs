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
    let captured: Vec<muster::domain::captured::Captured> =
        bot.muster.app.store.values(muster::store::Range::all()).await.unwrap();
    assert!(captured.iter().any(|one| one.text == "said while the events were late"), "{captured:?}");
    bot.sandbox.faults().delay_deliveries(false);
    bot.settle().await;
    bot.end().await;
}

/// A shape with values where it has blanks.
fn filled(mut shape: Value, values: &[(&str, Value)]) -> Value {
    for (pointer, value) in values {
        *shape.pointer_mut(pointer).unwrap_or_else(|| panic!("the shape has no {pointer}")) = value.clone();
    }
    shape
}

/// Without each of its fields in turn, with null for each, and with a new one.
fn variants(shape: &Value) -> Vec<Value> {
    let mut all = vec![shape.clone()];
    for key in shape.as_object().into_iter().flat_map(|map| map.keys()).filter(|key| *key != "type") {
        let (mut without, mut null) = (shape.clone(), shape.clone());
        without.as_object_mut().unwrap().remove(key);
        null[key] = Value::Null;
        all.extend([without, null]);
    }
    let mut new = shape.clone();
    new["something_new"] = json!({"deep": [1, {"er": null}]});
    all.push(new);
    all
}

/// All shapes of requests and events in Slack's own types for TypeScript (`@slack/types` 3.2, `@slack/bolt` 5.1; made from the types by
/// their compiler): each can be read, whatever is missing, null or new.
#[test]
fn every_shape_of_slacks_types_can_be_read() {
    use muster::slack::inbound::{Envelope, Interaction, SlackEvent, SlashCommand, event, read};
    let shapes: Value = serde_json::from_str(&fixture("documented/slack-shapes.json")).unwrap();
    for (name, shape) in shapes["requests"].as_object().unwrap() {
        let mut all = variants(shape);
        for part in ["view", "user", "team", "channel"] {
            for variant in variants(&shape[part]) {
                all.push(filled(shape.clone(), &[]));
                all.last_mut().unwrap()[part] = variant;
            }
        }
        if shape["actions"].is_array() {
            all.extend(variants(&shape["actions"][0]).into_iter().map(|action| {
                let mut changed = shape.clone();
                changed["actions"][0] = action;
                changed
            }));
        }
        for shape in all {
            let read = read::<Interaction>(shape.clone());
            assert_eq!(read.unwrap_or_else(|error| panic!("{name}: {error}: {shape:#}")).kind, shape["type"]);
        }
    }
    for command in variants(&shapes["command"]) {
        read::<SlashCommand>(command.clone()).unwrap_or_else(|error| panic!("{error}: {command:#}"));
    }
    // What the manifest asks for is understood; all else is nothing to Muster.
    let manifest: Value = serde_saphyr::from_str(&std::fs::read_to_string("manifest.yml").unwrap()).unwrap();
    let wanted: Vec<&str> = manifest["settings"]["event_subscriptions"]["bot_events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let said =
        ["message", "message/file_share", "message/me_message", "message/thread_broadcast", "message/message_deleted"];
    let mut understood = std::collections::BTreeSet::new();
    for (name, shape) in shapes["events"].as_object().unwrap() {
        let mut shape = shape.clone();
        // Of a person, and not of a bot.
        shape.as_object_mut().unwrap().remove("bot_id");
        let mut envelope = shapes["envelope"].clone();
        envelope["event"] = shape.clone();
        for envelope in variants(&envelope) {
            read::<Envelope>(envelope.clone()).unwrap_or_else(|error| panic!("{name}: {error}: {envelope:#}"));
        }
        for variant in variants(&shape) {
            event(&variant);
        }
        if event(&shape) != SlackEvent::Other {
            understood.insert(name.as_str());
        }
    }
    let expected: std::collections::BTreeSet<&str> = wanted
        .into_iter()
        .filter(|name| !name.starts_with("message."))
        .chain(said)
        .chain(["message/message_changed"])
        .collect();
    assert_eq!(understood, expected);
}

/// The same shapes with values where they have blanks, through the signed doors: each does what it is for.
#[tokio::test]
async fn slacks_shapes_do_what_they_are_for() {
    let shapes: Value = serde_json::from_str(&fixture("documented/slack-shapes.json")).unwrap();
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let channel = json!(inc.view().id);
    let slack = bot.sandbox.slack();
    let mut count = 0;
    let mut event = |kind: &str, values: &[(&str, Value)]| {
        count += 1;
        let mut shape = filled(shapes["events"][kind].clone(), values);
        shape.as_object_mut().unwrap().remove("bot_id");
        if let Some(message) = shape.get_mut("message").and_then(Value::as_object_mut) {
            message.remove("bot_id");
        }
        let event = json!(format!("EvShape{count}"));
        let envelope = [
            ("/team_id", json!("T0MUSTER00")),
            ("/api_app_id", json!("A0MUSTER00")),
            ("/event", shape),
            ("/event_id", event),
        ];
        ("/slack/events", filled(shapes["envelope"].clone(), &envelope).to_string())
    };
    let message = |ts: &str, text: &str| {
        [("/channel", channel.clone()), ("/user", json!(BEN)), ("/ts", json!(ts)), ("/text", json!(text))]
    };
    let ts = |n: u32| format!("1795413700.{n:06}");
    let item = [
        ("/user", json!(BEN)),
        ("/reaction", json!("pushpin")),
        ("/item/channel", channel.clone()),
        ("/item/ts", json!(ts(1))),
    ];
    let mut requests = vec![
        event("message", &message(&ts(1), "it was the disk")),
        event("message/thread_broadcast", &message(&ts(2), "all of you: the disk")),
        event("message/me_message", &message(&ts(3), "looks at the disk")),
        event("message", &message(&ts(4), "nothing of value")),
        event("message/message_deleted", &[("/channel", channel.clone()), ("/deleted_ts", json!(ts(4)))]),
        event(
            "message/message_changed",
            &[
                ("/channel", channel.clone()),
                ("/message/ts", json!(ts(1))),
                ("/message/edited/ts", json!(ts(5))),
                ("/message/user", json!(BEN)),
                ("/message/text", json!("it was the new disk")),
            ],
        ),
        event("reaction_added", &item),
    ];
    let interaction = |kind: &str, values: &[(&str, Value)]| {
        let common =
            [("/team/id", json!("T0MUSTER00")), ("/user/id", json!(BEN)), ("/user/team_id", json!("T0MUSTER00"))];
        let shape = filled(filled(shapes["requests"][kind].clone(), &common), values);
        ("/slack/interactions", serde_urlencoded::to_string([("payload", shape.to_string())]).unwrap())
    };
    requests.push(interaction(
        "block_actions",
        &[
            ("/actions/0/action_id", json!("ack")),
            ("/actions/0/value", json!("INC-1")),
            ("/actions/0/action_ts", json!("1795413701.000100")),
            ("/channel/id", channel.clone()),
        ],
    ));
    requests.push(interaction(
        "message_action",
        &[
            ("/callback_id", json!("timeline")),
            ("/channel/id", channel.clone()),
            ("/message/ts", json!(ts(2))),
            ("/message/user", json!(BEN)),
            ("/message/text", json!("all of you: the disk")),
        ],
    ));
    requests.push(interaction(
        "view_submission",
        &[
            ("/view/id", json!("V1")),
            ("/view/callback_id", json!("update")),
            ("/view/private_metadata", json!("INC-1")),
            (
                "/view/state/values",
                json!({"text": {"text": {"type": "plain_text_input", "value": "we have a new disk"}}}),
            ),
        ],
    ));
    let command = filled(
        shapes["command"].clone(),
        &[
            ("/team_id", json!("T0MUSTER00")),
            ("/channel_id", channel.clone()),
            ("/user_id", json!(BEN)),
            ("/command", json!("/incident")),
            ("/text", json!("take scribe")),
            ("/api_app_id", json!("A0MUSTER00")),
        ],
    );
    requests.push(("/slack/commands", serde_urlencoded::to_string(command.as_object().unwrap()).unwrap()));
    for (path, body) in requests {
        let headers = slack.sign(&body, bot.clock.now());
        assert_eq!(slack.raw(path, headers, body.clone()).await.status, 200, "{path}: {body}");
        bot.settle().await;
    }
    let incident = bot.incident(1).await;
    assert_eq!((&incident["status"], &incident["roles"]["scribe"]), (&json!("investigating"), &json!([BEN])));
    inc.find("> we have a new disk");
    let timeline = inc.slash(ANA, "timeline").await;
    for words in ["Ben said: it was the new disk", "Ben said: all of you: the disk"] {
        assert!(timeline.contains(words), "{words}: {timeline}");
    }
    assert!(bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("messages of people: 3"));
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
