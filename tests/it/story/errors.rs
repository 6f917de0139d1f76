//! Every Web API method that the bot calls, with every error that Slack documents for it: the incident is never lost, nobody is paged
//! twice, and what becomes of the call is one of a few things. The snapshot is the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

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

/// What it calls beside that: at its start, for people who are new, for links, for what is taken back.
const BESIDE: [&str; 11] = [
    "apps.connections.open",
    "auth.test",
    "chat.unfurl",
    "conversations.info",
    "conversations.join",
    "conversations.list",
    "conversations.replies",
    "files.delete",
    "reactions.remove",
    "users.info",
    "users.list",
];

/// The documented errors: of Slack's own specification, and of its reference where the specification has none (as far as copies of it could be
/// read; the rest from memory).
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let specification: Value = serde_json::from_str(&fixture("specs/web-api.json")).unwrap();
    let pages: Value = serde_json::from_str(&fixture("documented/slack-errors.json")).unwrap();
    CALLED
        .into_iter()
        .chain(BESIDE)
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

/// A bot takes so many errors. What was exchanged and what is open adds up, and every look at it costs more.
const A_BOT: usize = 8;

/// A whole incident in which a method answers with an error once; what became of that call, of those after the first `seen`.
async fn what_becomes(bot: &Bot, method: &str, error: &str, number: u64, seen: &mut usize) -> String {
    let slack = bot.sandbox.slack();
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
    let calls = calls_since(bot, method, seen);
    let failed = calls.iter().position(|call| call.response["error"] == error);
    let Some(failed) = failed else { return "never called".to_owned() };
    if timeline.contains("\"channel_lost\"") {
        return "goes on in another channel, and says so".to_owned();
    }
    if timeline.contains("\"only_thread\"") {
        return "lives in a thread, and says why".to_owned();
    }
    if timeline.contains("\"delivery_failed\"") && timeline.contains(error) {
        return "is given up, and the timeline and the channel say what and why".to_owned();
    }
    if form.contains("The form could not be opened") {
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

/// The calls of a method after the first `seen` of all, which are now all.
fn calls_since(bot: &Bot, method: &str, seen: &mut usize) -> Vec<muster::sandbox::Exchange> {
    let traffic = bot.sandbox.traffic();
    let before = std::mem::replace(seen, traffic.len());
    traffic.into_iter().skip(before).filter(|call| call.path == method).collect()
}

/// The documented errors of a method, by what becomes of the call.
async fn table_of(methods: &[&str]) -> String {
    let documented = documented();
    let mut table = String::new();
    for method in methods {
        let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let errors: Vec<_> = documented[*method].iter().collect();
        for errors in errors.chunks(A_BOT) {
            let variables = vec![("MUSTER_SLACK__ARCHIVE_AFTER_DAYS", "1".to_owned())];
            let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
            let mut seen = 0;
            for (error, number) in errors.iter().zip(1..) {
                let outcome = what_becomes(&bot, method, error, number, &mut seen).await;
                outcomes.entry(outcome).or_default().push(error);
            }
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

/// Makes the bot call a method that does not belong to the life of an incident; the `n`-th time.
async fn provoke(bot: &Bot, method: &str, n: usize) {
    let slack = bot.sandbox.slack();
    let name = bot.inc(1).name.clone();
    match method {
        "chat.unfurl" => {
            bot.channel("data-incidents").say(ANA, "see http://127.0.0.1:8080/assets/w.orders").await;
        }
        "conversations.info" | "conversations.join" => {
            let channel = format!("room-{n}");
            slack.add_channel(&channel, &[ANA]);
            bot.slash(ANA, &channel, "INC-1 link").await;
        }
        "conversations.list" => {
            bot.sandbox.faults().lose_answer("chat.postMessage", 1);
            bot.slash(ANA, "data-incidents", &format!("declare! loader {n} is stuck")).await;
        }
        "conversations.replies" | "reactions.remove" => {
            bot.slash(ANA, &name, &format!("note {n} and counting")).await;
            let said = bot.channel(&name).find(&format!(": {n} and counting")).view.ts.clone();
            slack.react(BEN, &name, &said, "pushpin");
            bot.settle().await;
            if method == "reactions.remove" {
                slack.unreact(BEN, &name, &said, "pushpin");
            }
        }
        "files.delete" => {
            bot.alert("dq", json!({"key": format!("m{n}"), "title": "mid", "asset": format!("c{n}.mid")})).await;
            bot.advance(minutes(2)).await;
            bot.alert("dq", json!({"key": format!("r{n}"), "title": "raw", "asset": format!("c{n}.raw")})).await;
        }
        "users.info" => {
            let id = format!("U0NEW{n:05}");
            slack.add_user(&id, &format!("new{n}"), &format!("New {n}"));
            bot.slash(&id, &name, "ack").await;
        }
        _ => unreachable!("{method} is called at the start"),
    }
    bot.settle().await;
    bot.advance(minutes(12)).await;
}

/// The same for what stands beside: what becomes of the call, the incident being as it was.
#[tokio::test]
async fn every_documented_error_of_slack_beside_an_incidents_life() {
    let documented = documented();
    let mut table = String::new();
    for method in BESIDE {
        let at_start = ["apps.connections.open", "auth.test", "users.list"].contains(&method);
        let mut bot = None;
        let mut seen = 0;
        let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (n, error) in documented[method].iter().enumerate() {
            if at_start || bot.is_none() {
                bot = Some(begun(method, at_start.then_some(error.as_str()), documented[method].len()).await);
                seen = 0;
            }
            let bot = bot.as_ref().unwrap();
            if !at_start {
                bot.sandbox.faults().fail_with(method, 1, error);
                provoke(bot, method, n).await;
            }
            let calls = calls_since(bot, method, &mut seen);
            let failed = calls.iter().position(|call| call.response["error"] == error.as_str());
            let failed = failed.unwrap_or_else(|| panic!("{method} is not called: {error}"));
            let again = calls.iter().skip(failed + 1).any(|call| call.response["ok"] == true);
            let dead = bot.muster.app.store.values(muster::store::Range::<muster::records::Dead>::all()).await.unwrap();
            let given_up = dead.iter().any(|rec| rec.why.to_string().contains(&format!("`{error}`")));
            let outcome = match (again, given_up) {
                (true, _) => "is tried again, until it is done",
                (false, true) => "is given up, and kept among the dead letters with the reason",
                (false, false) => "is done without; the log or the answer says so",
            };
            outcomes.entry(outcome.to_owned()).or_default().push(error);
            // Nobody is stuck: the incident takes the next word, and says it.
            let note = format!("still here after {method} {error}");
            // Also whoever was not read at the start is known at once.
            bot.slash(ANA, "data-incidents", &format!("INC-1 note {note}")).await;
            bot.advance(minutes(3)).await;
            let name = bot.incident(1).await["channel"]["name"].as_str().unwrap().to_owned();
            bot.channel(&name).find(&note);
        }
        table.push_str(&format!("{method}\n"));
        for (outcome, errors) in outcomes {
            table.push_str(&format!("  {outcome}: {}\n", errors.join(", ")));
        }
    }
    insta::assert_snapshot!(table);
}

/// A bot with an incident; where the method is called at the start, it fails once then.
async fn begun(method: &str, error: Option<&str>, chains: usize) -> Bot {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    if let Some(error) = error {
        sandbox.faults().fail_with(method, 1, error);
    }
    let socket = vec![
        ("MUSTER_SLACK__MODE", "socket".to_owned()),
        ("MUSTER_SLACK__APP_TOKEN", "xapp-sandbox".to_owned()),
        ("MUSTER_SLACK__SIGNING_SECRET", String::new()),
    ];
    let variables = if method == "apps.connections.open" { socket } else { Vec::new() };
    let bot = Bot::set_up(Setup { variables, sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    if method == "apps.connections.open" {
        bot.advance(minutes(5)).await;
        bot.sandbox.slack().connected(1).await;
    }
    bot.advance(minutes(12)).await;
    if method == "files.delete" {
        let edges: Vec<_> = (0..chains).map(|n| format!("[c{n}.raw, c{n}.mid], [c{n}.mid, c{n}.end]")).collect();
        bot.put("/api/v1/catalog/yaml", format!("edges: [{}]", edges.join(", "))).await;
    } else {
        bot.put("/api/v1/catalog/yaml", "edges: [[w.orders, bi.sales]]".to_owned()).await;
    }
    bot.alert("dq", stale_orders()).await;
    bot.inc(1).enter(BEN);
    bot
}

/// What is called is in one of the tables.
#[test]
fn every_method_that_is_called_is_in_a_table() {
    let called: BTreeSet<_> = muster::slack::client::Method::ALL.map(muster::slack::client::Method::as_str).into();
    assert_eq!(called, CALLED.into_iter().chain(BESIDE).collect());
}
