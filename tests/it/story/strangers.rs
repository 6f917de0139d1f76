//! People of other workspaces, and people who left: what they read, and what they may do.

use serde_json::json;

use crate::harness::*;

#[tokio::test]
async fn a_channel_that_strangers_come_to_read_is_left() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let first = bot.inc(1).name.clone();
    bot.inc(1).slash(BEN, "take command").await;
    bot.sandbox.slack().share(&first);
    bot.settle().await;
    bot.channel("dm-ben").find("is lost: it is shared with another workspace");
    let second = bot.incident(1).await["channel"]["name"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    bot.slash(BEN, "data-incidents", "INC-1 note the numbers of March").await;
    bot.channel(&second).find("the numbers of March");
    assert!(!bot.sandbox.slack().messages(&first).iter().any(|one| one.text.contains("March")));
    bot.end().await;
}

#[tokio::test]
async fn who_is_deactivated_may_do_nothing_any_more() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    assert_eq!(inc.slash(BEN, "note before").await, "INC-1: Ben noted: before.");
    bot.sandbox.slack().deactivates(BEN);
    bot.settle().await;
    insta::assert_snapshot!(inc.slash(BEN, "note after").await, @"This account may not write on the timeline.");
    inc.card().button("Acknowledge").click(BEN).await;
    assert_eq!(bot.incident(1).await["status"], "pending");
    bot.end().await;
}

/// People of another workspace read of an incident only that there is one.
#[tokio::test]
async fn an_announcement_that_strangers_read_names_no_details() {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    sandbox.slack().share("data-incidents");
    let bot = Bot::set_up(Setup { sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let data = bot.channel("data-incidents");
    let announced = data.expect("INC-1 SEV2 · pending");
    assert!(!announced.text().contains("orders") && announced.labels().is_empty(), "{}", announced.text());
    // Nor does its thread serve as a place.
    bot.sandbox.slack().forbid_channels(true);
    bot.slash(ANA, "data-incidents", "declare! salaries are wrong").await;
    bot.advance(minutes(1)).await;
    assert!(!bot.sandbox.slack().messages("data-incidents").iter().any(|one| one.text.contains("salaries")));
    bot.channel("dm-ana").find("there is no announcement channel whose thread could serve");
    bot.end_with_given_up(1).await;
}

#[tokio::test]
async fn an_announcement_channel_that_strangers_come_to_read_falls_silent_on_details() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let data = bot.channel("data-incidents");
    data.expect("orders are stale for 9 h");
    bot.sandbox.slack().enter("U0MUSTERBT", "data-incidents");
    bot.sandbox.slack().share("data-incidents");
    bot.settle().await;
    bot.inc(1).slash(BEN, "ack").await;
    assert!(!data.find("INC-1 SEV2 · investigating").text().contains("orders"));
    bot.end().await;
}

/// What an incident is about is told in no channel that people of another workspace read.
#[tokio::test]
async fn a_channel_that_strangers_read_is_told_nothing() {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    for room in ["with-the-vendor", "finance-alerts"] {
        sandbox.slack().add_channel(room, &[BEN]);
        sandbox.slack().enter("U0MUSTERBT", room);
    }
    sandbox.slack().share("with-the-vendor");
    let extra = "[[teams]]\nname = \"vendor\"\nslack = \"#with-the-vendor\"\n[[teams]]\nname = \"finance\"\nslack = \"#finance-alerts\"\n[[routes]]\nname = \"odd\"\nmatch = \"pillar=distribution\"\naction = \"ask\"\nchannel = \"with-the-vendor\"".to_owned();
    let again = extra.clone();
    let bot = Bot::set_up(Setup { extra, sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    let catalog = "assets: [{name: warehouse.orders}, {name: bi.a, owners: [{name: vendor}]}, {name: bi.b, owners: [{name: finance}]}]\nedges: [[warehouse.orders, bi.a], [warehouse.orders, bi.b]]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(ANA);
    inc.card().button("Impact").click(ANA).await;
    inc.slash(ANA, "notify downstream").await;
    bot.submit(ANA, json!({})).await;
    inc.find("message to vendor was not delivered: people of another workspace read #with-the-vendor");
    let finance = bot.channel("finance-alerts");
    finance.find("orders are stale for 9 h");
    // Nor is anybody asked there.
    bot.alert("dq", json!({"key": "o", "title": "odd values", "asset": "w.odd", "pillar": "distribution"})).await;
    assert_eq!(bot.incident(2).await["title"], "odd values");
    // When strangers come, it falls silent, also after a restart before Slack is asked again; when they are gone, it goes on.
    bot.sandbox.slack().share("finance-alerts");
    bot.settle().await;
    bot.sandbox.faults().rate_limit("conversations.list", 100, 600);
    let setup = bot.crash();
    let bot = Bot::set_up(Setup { extra: again, ..setup }).await;
    let (slack, inc, finance) = (bot.sandbox.slack(), bot.inc(1), bot.channel("finance-alerts"));
    inc.slash(ANA, "update good by noon").await;
    assert!(!slack.messages("finance-alerts").iter().any(|one| one.text.contains("noon")));
    slack.unshare("finance-alerts");
    inc.slash(ANA, "update good by one").await;
    finance.find("good by one");
    assert!(
        !slack.messages("with-the-vendor").iter().any(|one| one.text.contains("orders") || one.text.contains("odd"))
    );
    bot.end_with_given_up(3).await;
}
