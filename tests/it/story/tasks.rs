//! Tasks and updates, and the reminders of both.

use chrono::Duration;
use serde_json::json;

use super::{bot_with, press, whispered};
use crate::harness::*;

#[tokio::test]
async fn tasks_are_given_done_by_button_and_due() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "task add a freshness check @ben 2h").await;
    inc.slash(ANA, "task write to the vendor").await;
    assert!(inc.card().text().contains("☐ 1 add a freshness check — @Ben, due 2026-11-23"), "{}", inc.card().text());
    inc.find("☐ Task 2: write to the vendor").button("I take it").click(CHLOE).await;
    inc.find("☐ Task 2 goes to @Chloe");
    assert_eq!(inc.slash(ANA, "task give 2 @ana").await, "INC-1: Ana gave task 2 to Ana.");
    assert_eq!(inc.slash(CHLOE, "task take 2").await, "INC-1: Chloe gave task 2 to Chloe.");
    bot.advance(minutes(121)).await;
    let due = inc.find("⏰ Task 1 is due: add a freshness check — @Ben, what is the current state?");
    assert!(due.view.mentions.contains(&BEN.to_owned()));
    insta::assert_snapshot!(inc.slash(BEN, "tasks").await);
    press(&bot, BEN, &whispered(&bot, &inc.name, BEN), "Done 1").await;
    assert_eq!(inc.find("☐ Task 2 goes to @Chloe").button("Done").click(CHLOE).await, "");
    insta::assert_snapshot!(inc.slash(BEN, "task done 1").await, @"Task 1 is done already.");
    insta::assert_snapshot!(inc.slash(BEN, "task take 9").await, @"There is no task 9 on INC-1. /incident show lists them.");
    assert_eq!(bot.incident(1).await["tasks_open"], 0);
    assert!(bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("write to the vendor"));
    // A promise may begin with a word that elsewhere hands one over.
    for (line, task) in [
        ("task give backfills a pool", "give backfills a pool"),
        ("task take the board offline", "take the board offline"),
    ] {
        assert!(inc.slash(ANA, line).await.contains(task), "{line}");
    }
    insta::assert_snapshot!(inc.slash(ANA, "task give").await, @"To whom? Mention them with @. It is written /incident task <text> [@user] [friday|3d|2026-12-01]: promise something; task done <n>, task take <n>, task give <n> @user, tasks.");
    bot.end().await;
}

#[tokio::test]
async fn people_are_reminded_of_updates_up_to_a_limit() {
    let extra =
        "[updates]\nsev3_minutes = 60\nat_most = 2\ndays = [\"mon\"]\nfrom = \"08:00\"\nto = \"18:00\"\nzone = \"UTC\"";
    let bot = bot_with(extra).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(BEN, "take command").await;
    let said =
        || bot.sandbox.slack().messages(&inc.name).iter().filter(|message| message.text.starts_with("⏰")).count();
    bot.advance(minutes(60)).await;
    let due =
        inc.find("⏰ @Ben, no update of this SEV2 was posted since 2026-11-23 06:00 UTC. What is the current state?");
    assert_eq!(due.labels(), ["Update", "In 15 minutes", "Stop reminding"]);
    due.button("In 15 minutes").click(BEN).await;
    bot.advance(minutes(16)).await;
    assert_eq!(said(), 2, "after a quarter of an hour");
    bot.advance(Duration::hours(5)).await;
    assert_eq!(said(), 2, "two without an answer, and no more");
    // The form asks what changed and what it means, and an answer starts anew.
    due.button("Update").click(BEN).await;
    bot.submit(BEN, json!({"text": "the load runs", "impact": "today's figures come at noon"})).await;
    inc.find("> the load runs\n> Impact: today's figures come at noon");
    bot.advance(minutes(61)).await;
    assert_eq!(said(), 3);
    inc.find("⏰").button("Stop reminding").click(BEN).await;
    bot.advance(minutes(200)).await;
    assert_eq!(said(), 3);
    insta::assert_snapshot!(inc.slash(BEN, "remind later").await, @"“later” is not a time I understand. It is written /incident remind <15m|off>: be reminded of the next update later, or no more.");
    inc.slash(BEN, "remind 20m").await;
    bot.advance(minutes(21)).await;
    assert_eq!(said(), 4);
    inc.slash(BEN, "resolve done").await;
    bot.advance(minutes(200)).await;
    assert_eq!(said(), 4, "none after the end");
    // Below SEV2, within working hours only: it is 19 o'clock on a Monday, and the next one is a week away.
    bot.advance(Duration::hours(2)).await;
    bot.slash(ANA, "data-incidents", "declare a small thing").await;
    bot.inc(2).slash(ANA, "take command").await;
    bot.advance(Duration::hours(30)).await;
    assert!(
        !bot.sandbox
            .slack()
            .messages(&bot.inc(2).name)
            .iter()
            .any(|message| message.text.contains("people have heard"))
    );
    bot.end().await;
}
