//! Every Web API method that the bot calls, with every error that Slack documents for it: the incident is never lost, nobody is paged
//! twice, and what becomes of the call is one of a few things. The snapshot is the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::*;

/// What the bot calls in the life of an incident.
const CALLED: [&str; 19] = [
    "bookmarks.add",
    "bookmarks.list",
    "canvases.edit",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.update",
    "conversations.archive",
    "conversations.canvases.create",
    "conversations.create",
    "conversations.history",
    "conversations.invite",
    "conversations.setTopic",
    "files.completeUploadExternal",
    "files.getUploadURLExternal",
    "pins.add",
    "reactions.add",
    "usergroups.users.list",
    "views.open",
    "views.publish",
];

/// The documented errors: of Slack's own specification, and of its documentation where the specification has none.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let specification: Value = serde_json::from_str(&fixture("specs/web-api.json")).unwrap();
    let pages: Value = serde_json::from_str(&fixture("documented/slack-errors.json")).unwrap();
    CALLED
        .into_iter()
        .map(|method| {
            let of = |errors: &Value| -> BTreeSet<String> {
                errors.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let mut all = of(&specification[method]["errors"]);
            all.extend(of(&pages[method]));
            assert!(!all.is_empty(), "nothing is documented of {method}");
            (method.to_owned(), all)
        })
        .collect()
}

/// A whole incident in which a method answers with an error once; what became of that call.
async fn what_becomes(bot: &Bot, method: &str, error: &str, number: u64) -> String {
    let slack = bot.sandbox.slack();
    let calls_before = bot.sandbox.traffic().len();
    let pages = bot.sandbox.pagerduty().pages();
    if method == "chat.update" || method == "canvases.edit" || method == "conversations.archive" {
        // Only what stands already can be edited.
        bot.slash(ANA, "data-incidents", &format!("declare! {method} {error}")).await;
        bot.slash(ANA, "data-incidents", &format!("INC-{number} postmortem")).await;
        bot.sandbox.faults().fail_with(method, 1, error);
    } else {
        bot.sandbox.faults().fail_with(method, 1, error);
        bot.slash(ANA, "data-incidents", &format!("declare! {method} {error} --on warehouse.orders")).await;
    }
    bot.advance(minutes(2)).await;
    let say = async |user: &str, line: &str| bot.slash(user, "data-incidents", &format!("INC-{number} {line}")).await;
    say(BEN, "take command").await;
    say(BEN, "note it goes on").await;
    let channel = bot.incident(number).await["channel"].clone();
    if let Some(id) = channel["id"].as_str().filter(|_| channel["thread"].is_null()) {
        let ts = slack.say(BEN, id, "it was the disk");
        bot.settle().await;
        slack.react(BEN, id, &ts, "pushpin");
    }
    slack.open_home(BEN);
    let form = say(BEN, "update").await;
    say(BEN, "update good by noon").await;
    say(BEN, "postmortem").await;
    say(BEN, "resolve done").await;
    say(BEN, "reviewed").await;
    bot.advance(minutes(8)).await;
    bot.clock.advance(chrono::Duration::days(1));
    bot.advance(minutes(3)).await;
    // Whatever it was, the incident is whole, and paged for once.
    let incident = bot.incident(number).await;
    assert_eq!(incident["status"], "resolved", "{method} {error}");
    assert_eq!(bot.sandbox.pagerduty().pages() - pages, 1, "{method} {error}");
    let timeline = bot.get(&format!("/api/v1/incidents/INC-{number}/timeline?limit=200")).await.to_string();
    for words in ["it goes on", "good by noon", "\"resolved\""] {
        assert!(timeline.contains(words), "{method} {error}: {words} is lost");
    }
    let calls: Vec<_> =
        bot.sandbox.traffic().into_iter().skip(calls_before).filter(|call| call.path == method).collect();
    let failed = calls.iter().position(|call| call.response["error"] == error);
    let Some(failed) = failed else { return "never called".to_owned() };
    if timeline.contains("\"channel_lost\"") {
        return "goes on in another channel, and says so".to_owned();
    }
    if timeline.contains("lives in this thread") {
        return "lives in a thread, and says why".to_owned();
    }
    if timeline.contains("\"delivery_failed\"") && timeline.contains(error) {
        return "is given up, and the timeline and the channel say what and why".to_owned();
    }
    if form.contains("did not open the form") {
        return "is told to the one who asked, with another way".to_owned();
    }
    if [("conversations.create", "name_taken"), ("chat.update", "message_not_found")].contains(&(method, error)) {
        return "is done another way: by another name, as a new message".to_owned();
    }
    if error.starts_with("already_") || ["cant_invite_self", "no_reaction"].contains(&error) {
        return "is so already".to_owned();
    }
    let passing = ["chat.postEphemeral", "views.publish"].contains(&method);
    if !passing && calls.iter().skip(failed + 1).any(|call| call.response["ok"] == true) {
        return "is tried again, until it is done".to_owned();
    }
    "is done without; the log says so".to_owned()
}

/// The documented errors of a method, by what becomes of the call.
async fn table_of(methods: &[&str]) -> String {
    let documented = documented();
    let mut table = String::new();
    for method in methods {
        let variables = vec![("MUSTER_SLACK__ARCHIVE_AFTER_DAYS", "1".to_owned())];
        let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
        let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (place, error) in documented[*method].iter().enumerate() {
            let outcome = what_becomes(&bot, method, error, place as u64 + 1).await;
            outcomes.entry(outcome).or_default().push(error);
        }
        table.push_str(&format!("{method}\n"));
        for (outcome, errors) in outcomes {
            table.push_str(&format!("  {outcome}: {}\n", errors.join(", ")));
        }
    }
    table
}

#[tokio::test]
async fn every_documented_error_of_slack_about_channels() {
    let methods: Vec<_> = CALLED.into_iter().filter(|method| method.starts_with("conversations.")).collect();
    insta::assert_snapshot!(table_of(&methods).await);
}

#[tokio::test]
async fn every_documented_error_of_slack_about_messages() {
    let methods: Vec<_> = CALLED.into_iter().filter(|method| method.starts_with("chat.")).collect();
    insta::assert_snapshot!(table_of(&methods).await);
}

#[tokio::test]
async fn every_documented_error_of_slack_about_the_rest() {
    let methods: Vec<_> = CALLED
        .into_iter()
        .filter(|method| !method.starts_with("conversations.") && !method.starts_with("chat."))
        .collect();
    insta::assert_snapshot!(table_of(&methods).await);
}
