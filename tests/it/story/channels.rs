//! An incident's channel: lost, shared, linked, archived, none at all; and the announcement.

use chrono::Duration;
use serde_json::json;

use super::{alert, press};
use crate::harness::*;

#[tokio::test]
async fn what_is_of_passing_interest_stands_below_the_card() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let mut second = stale_orders();
    second["key"] = "orders.rows".into();
    bot.alert("dq", second).await;
    let inc = bot.inc(1);
    let card = inc.card().view.ts.clone();
    for words in ["same asset, warehouse.orders", "is handed to PagerDuty"] {
        assert_eq!(inc.find(words).view.thread.as_deref(), Some(card.as_str()), "{words}");
    }
    inc.slash(BEN, "take command").await;
    for words in ["PagerDuty opened an incident", "@Ben is now commander"] {
        assert_eq!(inc.find(words).view.thread, None, "{words}");
    }
    bot.end().await;
}

#[tokio::test]
async fn a_channel_that_is_lost_is_replaced_and_nothing_with_it() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let first = bot.inc(1).name.clone();
    bot.inc(1).slash(BEN, "take command").await;
    bot.inc(1).slash(BEN, "runbook late-or-missing-data").await;
    // Archived, heard as an event.
    bot.sandbox.slack().archive(&first);
    bot.settle().await;
    let second = format!("{first}-2");
    let inc = bot.channel(&second);
    assert!(inc.card().text().contains("commander: @Ben"), "{}", inc.card().text());
    assert!(inc.view().members.contains(&BEN.to_owned()), "who has a role is invited");
    bot.channel("dm-ben").expect("is lost: somebody archived it");
    // Deleted while nobody listened: the next word finds out, and is said in the new one.
    bot.sandbox.slack().archive_unheard(&second);
    bot.slash(ANA, "data-incidents", "INC-1 note still broken").await;
    let third = format!("{first}-3");
    bot.channel(&third).find("📝 @Ana: still broken");
    bot.sandbox.slack().delete_channel(&third);
    bot.settle().await;
    // Put out of it: it is public, so it comes back by itself with the next word or in another channel.
    let fourth = bot.incident(1).await["channel"].clone();
    bot.channel(fourth["name"].as_str().unwrap()).card();
    bot.sandbox.slack().remove_bot(fourth["id"].as_str().unwrap());
    bot.settle().await;
    let fifth = bot.incident(1).await["channel"].clone();
    assert_ne!(fifth["id"], fourth["id"]);
    let fifth = fifth["name"].as_str().unwrap().to_owned();
    // Renamed, made private: it goes on.
    bot.sandbox.slack().rename(&fifth, "the-orders-thing");
    bot.sandbox.slack().make_private("the-orders-thing");
    bot.settle().await;
    bot.slash(ANA, "the-orders-thing", "note renamed").await;
    bot.channel("the-orders-thing").find("📝 @Ana: renamed");
    // An end is an end: nothing is made anew for what is over.
    bot.slash(BEN, "the-orders-thing", "resolve done").await;
    bot.sandbox.slack().archive("the-orders-thing");
    bot.settle().await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 1);
    bot.end().await;
}

#[tokio::test]
async fn where_no_channel_may_be_made_the_incident_lives_in_a_thread() {
    let bot = Bot::start().await;
    bot.sandbox.slack().forbid_channels(true);
    bot.alert("dq", stale_orders()).await;
    let messages = bot.sandbox.slack().messages("data-incidents");
    let root = &messages[0];
    let in_thread: Vec<_> = messages.iter().filter(|message| message.thread.as_deref() == Some(&root.ts)).collect();
    let said = |words: &str| in_thread.iter().any(|message| message.text.contains(words));
    assert!(said("== INC-1: orders are stale for 9 h =="), "the card: {messages:#?}");
    assert!(said(
        "Slack lets Muster make no channel here (restricted_action), so the incident lives in this thread; the workspace does not let the app do this. Ask a workspace admin"
    ));
    // Its buttons work, what is said in it is kept, and other threads are not it.
    let card = in_thread.iter().find(|message| message.text.contains("== INC-1")).unwrap();
    press(&bot, BEN, card, "Take command").await;
    assert_eq!(bot.incident(1).await["roles"]["commander"], json!([BEN]));
    let ts = bot.sandbox.slack().reply(BEN, "data-incidents", &root.ts, "it was the disk");
    bot.sandbox.slack().say(CHLOE, "data-incidents", "lunch?");
    bot.settle().await;
    bot.sandbox.slack().react(ANA, "data-incidents", &ts, "pushpin");
    bot.settle().await;
    let told = bot.slash(ANA, "data-incidents", "INC-1 timeline").await;
    assert!(told.contains("Ben said: it was the disk") && !told.contains("lunch"), "{told}");
    bot.slash(BEN, "data-incidents", "INC-1 postmortem").await;
    let file = bot
        .sandbox
        .slack()
        .messages("data-incidents")
        .into_iter()
        .rev()
        .find(|message| message.file.is_some())
        .unwrap();
    assert_eq!(file.thread.as_deref(), Some(root.ts.as_str()));
    bot.end().await;
}

#[tokio::test]
async fn an_existing_channel_is_linked_and_one_with_strangers_is_not() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let slack = bot.sandbox.slack();
    slack.add_channel("loading-crew", &[BEN, CHLOE]);
    slack.add_channel("with-the-vendor", &[BEN, STRANGER]);
    slack.share("with-the-vendor");
    bot.slash(BEN, "with-the-vendor", "INC-1 link").await;
    bot.channel("dm-ben").expect("I cannot work on INC-1 in that channel: people of another workspace read it.");
    // What is private goes to no channel that everybody reads.
    bot.slash(BEN, "data-incidents", "declare salaries leaked --private").await;
    bot.slash(BEN, "loading-crew", "INC-2 link").await;
    bot.channel("dm-ben")
        .expect("I cannot work on INC-2 in that channel: the incident is private, and everybody may read there.");
    bot.slash(BEN, "loading-crew", "INC-1 link").await;
    let crew = bot.channel("loading-crew");
    crew.find("== INC-1: orders are stale for 9 h ==");
    assert_eq!(crew.view().topic, "", "its topic is not ours");
    assert_eq!(crew.slash(CHLOE, "ack").await, "INC-1: Chloe acknowledged.");
    insta::assert_snapshot!(crew.slash(CHLOE, "INC-1 link").await, @"INC-1 is worked on here already.");
    bot.end().await;
}

#[tokio::test]
async fn a_channel_is_archived_some_days_after_the_end_and_named_as_configured() {
    let variables = vec![
        ("MUSTER_SLACK__ARCHIVE_AFTER_DAYS", "2".to_owned()),
        ("MUSTER_SLACK__CHANNEL_NAME", "data-{{severity}}-{{number}} {{title}}!".to_owned()),
    ];
    let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let name = "data-sev2-1-orders-are-stale-for-9-h";
    assert!(bot.slash(BEN, name, "reviewed").await.starts_with("INC-1 is not over"));
    bot.slash(BEN, name, "resolve done").await;
    bot.slash(BEN, name, "postmortem").await;
    bot.clock.advance(Duration::days(5));
    bot.settle().await;
    assert!(!bot.sandbox.slack().channel(name).unwrap().archived, "it waits for its review");
    bot.channel(name).card().button("Post-mortem is reviewed").click(BEN).await;
    bot.channel(name).find("📗 @Ben marked the post-mortem reviewed.");
    assert!(bot.slash(BEN, name, "reviewed").await.contains("is reviewed already"));
    bot.sandbox.slack().open_home(BEN);
    bot.settle().await;
    assert!(bot.sandbox.slack().home_text(BEN).contains("Post-mortems reviewed lately\n• INC-1"));
    bot.clock.advance(Duration::days(1));
    bot.settle().await;
    assert!(!bot.sandbox.slack().channel(name).unwrap().archived);
    bot.clock.advance(Duration::days(1));
    bot.settle().await;
    assert!(bot.sandbox.slack().channel(name).unwrap().archived);
    // What is over may be not over: Slack lets no bot open it again, so there is another.
    bot.slash(BEN, "data-incidents", "INC-1 reopen stale again").await;
    bot.channel(&format!("{name}-2")).find("stale again");
    // What was nothing has nothing to review.
    bot.slash(BEN, "data-incidents", "INC-1 resolve false alarm").await;
    bot.clock.advance(Duration::days(2));
    bot.settle().await;
    assert!(bot.sandbox.slack().channel(&format!("{name}-2")).unwrap().archived);
    bot.end().await;
}

/// The channel in which incidents are announced may be private, and given by its id.
#[tokio::test]
async fn the_announcement_channel_may_be_private_and_given_by_its_id() {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    let id = sandbox.slack().add_channel("data-incidents-internal", &[ANA, BEN]);
    sandbox.slack().make_private(&id);
    sandbox.slack().enter("U0MUSTERBT", &id);
    let variables = vec![("MUSTER_SLACK__ANNOUNCE_CHANNEL", id.clone())];
    let bot = Bot::set_up(Setup { variables, sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    bot.sandbox.faults().lose_answer("chat.postMessage", 1);
    bot.alert("dq", stale_orders()).await;
    bot.advance(minutes(1)).await;
    let announced = bot.channel("data-incidents-internal");
    announced.find("INC-1 SEV2").button("Tell me how it goes on").click(BEN).await;
    bot.channel("dm-ben").expect("You or your team asked to hear of this");
    bot.inc(1).slash(ANA, "resolve done").await;
    announced.find("resolved");
    let count = bot.sandbox.slack().messages("data-incidents-internal").len();
    assert_eq!(count, 1, "one line, kept true in place");
    bot.end().await;
}

/// A channel belongs to one open incident at a time, also when two come at once.
#[tokio::test]
async fn two_incidents_do_not_share_a_channel() {
    let bot = Bot::start().await;
    bot.alert("dq", alert("w.a")).await;
    bot.alert("dq", alert("w.b")).await;
    let slack = bot.sandbox.slack();
    slack.add_channel("loading-crew", &[ANA, BEN]);
    slack.command(ANA, "loading-crew", "INC-1 link").await;
    slack.command(BEN, "loading-crew", "INC-2 link").await;
    bot.settle().await;
    bot.advance(minutes(1)).await;
    let homes: Vec<_> = [bot.incident(1).await, bot.incident(2).await]
        .iter()
        .map(|incident| incident["channel"]["name"] == "loading-crew")
        .collect();
    assert_eq!(homes.iter().filter(|here| **here).count(), 1, "{homes:?}");
    let (winner, loser, asked) = if homes[0] { (1, 2, "dm-ben") } else { (2, 1, "dm-ana") };
    bot.channel(asked).find("it is the channel of another incident");
    // When that one is over, the room is free again.
    bot.slash(ANA, "loading-crew", &format!("INC-{winner} resolve done")).await;
    bot.slash(BEN, "loading-crew", &format!("INC-{loser} link")).await;
    assert_eq!(bot.incident(loser).await["channel"]["name"], "loading-crew");
    assert_eq!(bot.slash(BEN, "loading-crew", "ack").await, format!("INC-{loser}: Ben acknowledged."));
    bot.end().await;
}

/// Whoever is in a private incident's channel can work there, with forms too.
#[tokio::test]
async fn whoever_is_in_a_private_channel_can_send_its_forms() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare! salaries leaked --private").await;
    let inc = bot.inc(1);
    inc.enter(BEN);
    inc.card().button("Update").click(BEN).await;
    assert_eq!(bot.submit(BEN, json!({"text": "the table is locked"})).await.body, "");
    inc.find("the table is locked");
    inc.card().button("More…").click(BEN).await;
    assert_eq!(bot.submit(BEN, json!({"verb": "note", "rest": "the key was rotated"})).await.body, "");
    inc.find("the key was rotated");
    // Elsewhere he does not even learn that there is one, unless he has something to do there.
    assert!(bot.slash(BEN, "data-incidents", "INC-1 show").await.contains("There is no INC-1"));
    inc.slash(ANA, "task rotate it @ben").await;
    assert!(bot.slash(BEN, "data-incidents", "INC-1 task done 1").await.contains("Ben finished task 1"));
    bot.end().await;
}

#[tokio::test]
async fn what_outlives_the_channel_is_said_all_the_same() {
    let variables = vec![("MUSTER_SLACK__ARCHIVE_AFTER_DAYS", "1".to_owned())];
    let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "task write to the vendor @ben 4d").await;
    inc.slash(ANA, "resolve false alarm").await;
    // Where Slack does not let it be archived, that is said, and it stays the incident's.
    bot.sandbox.faults().fail_with("conversations.archive", 1, "restricted_action");
    bot.clock.advance(Duration::days(1));
    bot.settle().await;
    inc.find("restricted_action");
    assert!(!inc.view().archived);
    assert_eq!(bot.incident(1).await["channel"]["name"], inc.name.as_str());
    inc.slash(ANA, "reopen stale again").await;
    inc.slash(ANA, "resolve false alarm").await;
    bot.clock.advance(Duration::days(1));
    bot.settle().await;
    assert!(inc.view().archived);
    bot.clock.advance(Duration::days(3));
    bot.settle().await;
    let dm = bot.channel("dm-ben");
    dm.find("⏰ Task 1 is due: write to the vendor").button("Done").click(BEN).await;
    assert_eq!(bot.incident(1).await["tasks_open"], 0);
    bot.end_with_given_up(1).await;
}

/// Private channels have events of their own.
#[tokio::test]
async fn a_private_channel_is_renamed_left_deleted_and_the_incident_goes_on() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare salaries leaked --private").await;
    let place = || async { bot.incident(1).await["channel"]["name"].as_str().unwrap().to_owned() };
    let slack = bot.sandbox.slack();
    let first = place().await;
    slack.rename(&first, "quiet-one");
    bot.settle().await;
    assert_eq!(place().await, "quiet-one");
    slack.enter(ANA, "quiet-one");
    slack.say(ANA, "quiet-one", "it was a view");
    bot.settle().await;
    assert!(bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("messages of people: 1"));
    slack.remove_bot("quiet-one");
    bot.settle().await;
    let second = place().await;
    assert_ne!(second, "quiet-one");
    slack.delete_channel(&second);
    bot.settle().await;
    let third = place().await;
    slack.archive(&third);
    bot.settle().await;
    let fourth = place().await;
    assert!(![&second, &third].contains(&&fourth) && slack.channel(&fourth).unwrap().private);
    bot.end().await;
}
