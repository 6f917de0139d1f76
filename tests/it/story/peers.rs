//! What other incident bots were measured to fail at, as stories of ours: each ends consistent, with nothing lost, doubled or silent.
//! `docs/slack.md` puts the results beside theirs.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;

use crate::harness::*;

/// The Slack calls of declaring, in order, as a bot that nothing disturbs makes them.
async fn calls_of_declaring() -> Vec<String> {
    let bot = Bot::start().await;
    let before = bot.sandbox.traffic().len();
    bot.slash(ANA, "data-incidents", "declare orders are late --sev 2").await;
    let calls = bot.sandbox.traffic().into_iter().skip(before).filter(|call| call.service == "slack");
    let calls: Vec<String> = calls.map(|call| call.path).collect();
    assert!(calls.len() >= 8, "{calls:?}");
    bot.end().await;
    calls
}

/// One incident, one channel, one card, one announcement, one page; everything of its opening came about.
fn is_whole(bot: &Bot, what: &str) {
    let slack = bot.sandbox.slack();
    let channels: Vec<_> = slack.channels().into_iter().filter(|one| one.name.starts_with("inc-")).collect();
    assert_eq!(channels.len(), 1, "{what}: {channels:?}");
    let channel = &channels[0];
    let by_bot =
        |name: &str| -> Vec<_> { slack.messages(name).into_iter().filter(|one| one.user == "muster").collect() };
    let cards = by_bot(&channel.name).into_iter().filter(|one| one.text.starts_with("== INC-1")).count();
    assert_eq!((cards, channel.pins.len()), (1, 1), "{what}: one card, pinned");
    assert!(channel.topic.contains("INC-1"), "{what}: {}", channel.topic);
    assert!(channel.members.contains(&ANA.to_owned()), "{what}: who declared it is in it");
    let announced = by_bot("data-incidents").into_iter().filter(|one| one.text.contains("orders are late")).count();
    assert_eq!(announced, 1, "{what}: one announcement");
    assert_eq!(bot.sandbox.pagerduty().pages(), 1, "{what}: one page");
}

#[tokio::test]
async fn every_call_of_declaring_may_fail_or_be_the_last_thing_before_a_crash() {
    let calls = calls_of_declaring().await;
    for (place, method) in calls.iter().enumerate() {
        // How many calls of this method come before.
        let nth = calls[..place].iter().filter(|one| *one == method).count();
        for fault in ["429", "500", "its answer is lost", "crash"] {
            let what = format!("{method} ({}.): {fault}", nth + 1);
            let bot = Bot::start().await;
            let faults = bot.sandbox.faults();
            faults.pass(method, nth);
            match fault {
                "429" => faults.rate_limit(method, 1, 2),
                "500" => faults.server_error(method, 1, 500),
                _ => faults.lose_answer(method, 1),
            }
            let told =
                bot.sandbox.slack().command(ANA, "data-incidents", "declare orders are late --sev 2").await.text();
            assert!(told.starts_with("INC-1: Ana declared"), "{what}: {told}");
            let bot = if fault == "crash" {
                bot.run_until_called(method, nth + 1).await;
                Bot::set_up(bot.crash()).await
            } else {
                bot
            };
            bot.settle().await;
            bot.advance(minutes(3)).await;
            is_whole(&bot, &what);
            bot.end().await;
        }
    }
}

#[tokio::test]
async fn a_call_that_hangs_holds_up_nothing_for_ever() {
    let calls = &calls_of_declaring().await;
    // Some at once, since each waits.
    let cases = futures_util::stream::iter(calls.iter().enumerate());
    cases
        .for_each_concurrent(4, async |(place, method)| {
            let nth = calls[..place].iter().filter(|one| *one == method).count();
            let variables = vec![("MUSTER_SLACK__TIMEOUT_SECONDS", "1".to_owned())];
            let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
            bot.sandbox.faults().pass(method, nth);
            bot.sandbox.faults().slow(method, 1, Duration::from_secs(2));
            bot.slash(ANA, "data-incidents", "declare orders are late --sev 2").await;
            bot.advance(minutes(3)).await;
            is_whole(&bot, &format!("{method} ({}.) hangs", nth + 1));
            bot.end().await;
        })
        .await;
}

#[tokio::test]
async fn fifty_broken_records_hide_nothing() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare orders are late").await;
    for n in 0..50 {
        for kind in [muster::store::Kind::Number, muster::store::Kind::Open] {
            bot.put_raw(kind, &format!("{n:020}"), json!({"v": 1, "uid": format!("gone-{n}")})).await;
        }
        bot.put_raw(muster::store::Kind::Incident, &format!("gone-{n}"), json!({"v": 1, "title": null})).await;
    }
    for line in ["list", "list all", "search orders"] {
        assert!(bot.slash(BEN, "data-incidents", line).await.contains("INC-1"), "{line}");
    }
    bot.sandbox.slack().open_home(BEN);
    bot.settle().await;
    assert!(bot.sandbox.slack().home_text(BEN).contains("INC-1"));
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 1);
    bot.slash(BEN, "data-incidents", "declare! a dashboard is empty").await;
    bot.inc(2).find("== INC-2");
    bot.end().await;
}

#[tokio::test]
async fn two_hundred_open_incidents_fit() {
    let bot = Bot::start().await;
    for n in 0..200 {
        bot.sandbox.slack().command(ANA, "data-incidents", &format!("declare! loader {n} stuck")).await;
    }
    bot.settle().await;
    let told = bot.slash(BEN, "data-incidents", "list").await;
    assert!(told.contains("INC-200") && !told.contains("INC-100 "), "{told}");
    // What is somebody's own is in the home, however much came after it.
    for line in
        ["INC-1 take scribe", "INC-2 task ask the vendor @ben friday", "INC-3 task mend it @ben", "INC-3 task done 1"]
    {
        bot.slash(BEN, "data-incidents", line).await;
    }
    bot.slash(ANA, "data-incidents", "INC-2 resolve done").await;
    bot.slash(ANA, "data-incidents", "INC-2 reviewed").await;
    bot.sandbox.slack().open_home(BEN);
    bot.settle().await;
    insta::assert_snapshot!(bot.sandbox.slack().home_text(BEN));
    bot.slash(ANA, "data-incidents", "INC-2 task give 1 @chloe").await;
    bot.slash(BEN, "data-incidents", "INC-1 leave").await;
    bot.advance(minutes(1)).await;
    let home = bot.sandbox.slack().home_text(BEN);
    assert!(!home.contains("Your tasks") && !home.contains("Yours"), "{home}");
    assert_eq!(bot.slash(BEN, "data-incidents", "INC-150 ack").await, "INC-150: Ben acknowledged.");
    bot.end().await;
}

/// Down for a minute: what was said is read from the history for the draft, and what was decided before goes on.
#[tokio::test]
async fn a_minute_without_the_bot_loses_no_word() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let name = bot.inc(1).name.clone();
    bot.inc(1).enter(BEN);
    let setup = bot.crash();
    let (sandbox, clock) = setup.sandbox.clone().unwrap();
    sandbox.connect("http://127.0.0.1:9");
    sandbox.slack().say(BEN, &name, "it was the disk");
    sandbox.deliver().await;
    clock.advance(minutes(1));
    let bot = Bot::set_up(setup).await;
    bot.inc(1).slash(BEN, "postmortem").await;
    assert!(bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("messages of people: 1"));
    bot.inc(1).slash(BEN, "take command").await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    bot.end().await;
}

/// Twenty people and twenty monitors at the same moment: forty incidents with forty numbers, and nobody is turned away.
#[tokio::test]
async fn forty_at_once_get_a_number_each() {
    let bot = Bot::start().await;
    let slack = bot.sandbox.slack();
    let declared = (0..20).map(|n| {
        let line = format!("declare! loader {n} is stuck");
        let slack = &slack;
        async move { slack.command(ANA, "data-incidents", &line).await.text() }
    });
    let alerted = (0..20).map(|n| {
        let alert = json!({"key": format!("k{n}"), "title": format!("table {n} is late"), "asset": format!("t{n}.x")});
        let request = bot.http.post(format!("{}/hooks/dq", bot.base)).bearer_auth(TOKEN).body(alert.to_string());
        async move { request.send().await.unwrap().status().as_u16() }
    });
    let (declared, alerted) =
        tokio::join!(futures_util::future::join_all(declared), futures_util::future::join_all(alerted));
    assert!(declared.iter().all(|told| told.contains("Ana declared the incident")), "{declared:#?}");
    assert!(alerted.iter().all(|status| *status == 202), "{alerted:?}");
    bot.settle().await;
    let all = bot.get("/api/v1/incidents?limit=200").await["incidents"].as_array().unwrap().clone();
    let ids: std::collections::BTreeSet<_> = all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((all.len(), ids.len()), (40, 40));
    bot.end().await;
}
