//! Who comes in for the first time: known before they type, looked up while they wait, or refused for what is so.

use std::time::Duration;

use serde_json::json;

use crate::harness::*;

const DANA: &str = "U0NEW00001";
const EVE: &str = "U0NEW00002";
const NOBODY: &str = "U0NOBODY01";

/// How often Slack was asked who somebody is.
fn asked(bot: &Bot) -> usize {
    bot.sandbox.traffic().iter().filter(|call| call.path == "users.info").count()
}

#[tokio::test]
async fn the_first_command_of_everybody_is_done() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let slack = bot.sandbox.slack();
    // Slack told of her neither at the start nor since.
    slack.add_user(DANA, "dana", "Dana");
    assert_eq!(bot.inc(1).slash(DANA, "ack").await, "INC-1: Dana acknowledged.");
    assert_eq!(bot.inc(1).slash(DANA, "take scribe").await, "INC-1: Dana took the role of scribe.");
    assert_eq!(asked(&bot), 1, "whoever is known is not asked for again");
    // Somebody who joins while Muster runs is known by the event.
    slack.joins(EVE, "eve", "Eve");
    bot.settle().await;
    assert_eq!(bot.inc(1).slash(EVE, "take responder").await, "INC-1: Eve took the role of responder.");
    assert_eq!(asked(&bot), 1);
    bot.end().await;
}

/// Every door at which a person comes in: a button, a form, a shortcut, a word to the bot, the home, a pushpin, a link.
#[tokio::test]
async fn whoever_comes_in_by_another_door_is_known_as_well() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let (inc, slack) = (bot.inc(1), bot.sandbox.slack());
    bot.put("/api/v1/catalog/yaml", "edges: [[w.a, w.z]]".to_owned()).await;
    let newcomer = |n: usize| {
        let id = format!("U0DOOR{n:04}");
        slack.add_user(&id, &format!("new{n}"), &format!("New {n}"));
        inc.enter(&id);
        slack.enter(&id, "data-incidents");
        id
    };
    let [button, form, shortcut, mention, home, pin, link] = [1, 2, 3, 4, 5, 6, 7].map(newcomer);
    assert_eq!(inc.card().button("Acknowledge").click(&button).await, "");
    inc.find("@New 1 has it.");
    assert_eq!(inc.card().button("Update").click(&form).await, "");
    bot.submit(&form, json!({"text": "the load runs again"})).await;
    inc.find("@New 2");
    assert_eq!(slack.shortcut(&shortcut, "declare").await.body, "");
    assert_eq!(slack.open_views(&shortcut).len(), 1);
    inc.say(&mention, "<@U0MUSTERBT> note the disk is full").await;
    inc.find("@New 4: the disk is full");
    slack.open_home(&home);
    bot.settle().await;
    assert!(slack.home(&home).is_some());
    let said = inc.say(ANA, "the loader hangs").await;
    slack.react(&pin, &inc.name, &said, "pushpin");
    bot.settle().await;
    assert!(bot.text("/api/v1/incidents/INC-1/timeline").await.contains("the loader hangs"));
    bot.channel("data-incidents").say(&link, "see http://127.0.0.1:8080/assets/w.a").await;
    assert!(!slack.messages("data-incidents").pop().unwrap().unfurls.is_null());
    assert_eq!(asked(&bot), 7, "one call for each of them");
    bot.end().await;
}

#[tokio::test]
async fn whom_slack_does_not_know_is_told_so_and_costs_one_call() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    insta::assert_snapshot!(bot.inc(1).slash(NOBODY, "ack").await, @"Slack says that it knows nobody by your id in this workspace, so you cannot acknowledge an incident. Ask a member in the channel to do it. Whoever runs the workspace can say why.");
    for _ in 0..5 {
        assert!(bot.inc(1).slash(NOBODY, "show").await.starts_with("Slack says that it knows nobody"));
    }
    assert_eq!(asked(&bot), 1);
    assert_eq!(bot.incident(1).await["status"], "pending");
    // The answer counts for a while. After that, Slack is asked once more.
    bot.sandbox.slack().add_user(NOBODY, "dana", "Dana");
    bot.advance(minutes(11)).await;
    assert_eq!(bot.inc(1).slash(NOBODY, "ack").await, "INC-1: Dana acknowledged.");
    assert_eq!(asked(&bot), 2);
    bot.end().await;
}

#[tokio::test]
async fn if_slack_does_not_answer_who_it_is_that_is_said_and_asked_again() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let (inc, slack) = (bot.inc(1), bot.sandbox.slack());
    slack.add_user(DANA, "dana", "Dana");
    bot.sandbox.faults().fail_with("users.info", 1, "internal_error");
    insta::assert_snapshot!(inc.slash(DANA, "ack").await, @"Slack did not answer who you are, and without that you cannot acknowledge an incident. I ask again by myself; please try once more in a minute.");
    bot.advance(minutes(1)).await;
    assert_eq!(inc.slash(DANA, "ack").await, "INC-1: Dana acknowledged.");
    // While Slack wants no calls, nobody is looked up, and nobody is let in.
    bot.sandbox.faults().rate_limit("users.info", 1, 50);
    slack.add_user(EVE, "eve", "Eve");
    let before = asked(&bot);
    for user in [EVE, NOBODY, "U0NOBODY02"] {
        let body = slack.command(user, &inc.name, "take scribe").await;
        assert!(body.text().starts_with("Slack did not answer who you are"), "{user}: {}", body.text());
    }
    assert_eq!(asked(&bot), before + 1);
    bot.advance(minutes(2)).await;
    assert_eq!(inc.slash(EVE, "take scribe").await, "INC-1: Eve took the role of scribe.");
    // A pushpin is not lost: Slack sends the event again.
    slack.add_user("U0NEW00003", "finn", "Finn");
    let said = inc.say(ANA, "the loader hangs").await;
    bot.sandbox.faults().fail_with("users.info", 1, "request_timeout");
    slack.react("U0NEW00003", &inc.name, &said, "pushpin");
    bot.sandbox.deliver().await;
    bot.advance(minutes(1)).await;
    let metrics = bot.text("/metrics").await;
    assert!(metrics.contains("muster_people_lookups_total{outcome=\"no_answer\"} 3"), "{metrics}");
    bot.end().await;
}

/// Slack waits three seconds. What takes longer is answered later, and a form stays open.
#[tokio::test]
async fn an_answer_that_takes_too_long_comes_later() {
    let variables = vec![("MUSTER_SLACK__TIMEOUT_SECONDS", "10".to_owned())];
    let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let (inc, slack) = (bot.inc(1), bot.sandbox.slack());
    slack.add_user(DANA, "dana", "Dana");
    inc.enter(DANA);
    bot.sandbox.faults().slow("users.info", 1, Duration::from_millis(3300));
    let watch = muster::clock::Stopwatch::start();
    let told = inc.slash(DANA, "ack").await;
    assert!(watch.seconds() < 3.0, "within Slack's three seconds");
    insta::assert_snapshot!(told, @"One moment: this takes longer than it should. The answer follows here; if none comes within a minute, /incident show says what was done.");
    while slack.ephemerals(&inc.name, DANA).len() < 2 {
        tokio::task::yield_now().await;
    }
    bot.settle().await;
    assert_eq!(slack.ephemerals(&inc.name, DANA)[1].text, "INC-1: Dana acknowledged.");
    assert_eq!(bot.incident(1).await["status"], "investigating");
    bot.end().await;
}

#[tokio::test]
async fn a_form_of_somebody_whom_slack_is_slow_to_name_stays_open() {
    let variables = vec![("MUSTER_SLACK__TIMEOUT_SECONDS", "10".to_owned())];
    let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let (inc, slack) = (bot.inc(1), bot.sandbox.slack());
    inc.card().button("Update").click(ANA).await;
    // The store of a restart without its people, as after an import: the form is there, and nobody is known.
    let id = muster::store::Id::<muster::slack::client::Member>::of(ANA);
    let mut batch = muster::store::Batch::new();
    batch.del(&id, muster::store::Expect::Any);
    bot.muster.app.store.commit(batch).await.unwrap();
    bot.sandbox.faults().slow("users.info", 1, Duration::from_millis(3300));
    let answers = json!({"text": "the load runs again"});
    let first = slack.submit(ANA, &answers).await.unwrap();
    insta::assert_snapshot!(first.body, @r#"{"errors":{"text":"This takes longer than it should. Send it once more in a few seconds; it counts only once."},"response_action":"errors"}"#);
    assert_eq!(bot.submit(ANA, answers).await.body, "");
    let updates =
        slack.messages(&inc.name).into_iter().filter(|message| message.text.contains("> the load runs again"));
    assert_eq!(updates.count(), 1);
    inc.skip_rest();
    bot.end().await;
}

/// A large workspace is read page by page, at Slack's pace, and again from its beginning if Slack forgot the place.
#[tokio::test]
async fn everybody_of_a_large_workspace_is_read_at_the_start() {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    for n in 0..900 {
        sandbox.slack().add_user(&format!("U0MANY{n:04}"), &format!("many{n}"), &format!("Many {n}"));
    }
    sandbox.faults().pass("users.list", 1);
    sandbox.faults().fail_with("users.list", 1, "invalid_cursor");
    let bot = Bot::set_up(Setup { sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    bot.advance(minutes(1)).await;
    let listings: Vec<_> = bot.sandbox.traffic().into_iter().filter(|call| call.path == "users.list").collect();
    assert_eq!(listings.len(), 7, "one page, a failure, and five pages");
    assert!(listings.iter().all(|call| call.status == 200), "Slack never had to say that it is too much");
    bot.alert("dq", stale_orders()).await;
    assert_eq!(bot.inc(1).slash("U0MANY0899", "ack").await, "INC-1: Many 899 acknowledged.");
    assert_eq!(asked(&bot), 0);
    bot.end().await;
}
