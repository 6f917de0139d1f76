//! Times are typed and said by the person's own clock, and in UTC.

use serde_json::json;

use crate::harness::*;

/// Ana is in Berlin, Ben in New York, Chloe in Auckland.
async fn begun() -> Bot {
    let bot = Bot::start().await;
    let slack = bot.sandbox.slack();
    slack.lives_in(ANA, Some(("Europe/Berlin", 3600)));
    slack.lives_in(BEN, Some(("America/New_York", -18000)));
    slack.lives_in(CHLOE, Some(("Pacific/Auckland", 46800)));
    bot.alert("dq", stale_orders()).await;
    bot
}

#[tokio::test]
async fn each_types_times_by_their_own_clock_and_hears_both() {
    let bot = begun().await;
    let inc = bot.inc(1);
    // It is 07:00 in Berlin, 01:00 in New York, 19:00 in Auckland.
    insta::assert_snapshot!(inc.slash(ANA, "since 06:10").await, @"");
    assert_eq!(bot.incident(1).await["bad_from"], "2026-11-23T05:10:00Z");
    insta::assert_snapshot!(inc.slash(BEN, "since last night").await, @"");
    insta::assert_snapshot!(inc.slash(CHLOE, "since 4pm").await, @"");
    assert_eq!(bot.incident(1).await["bad_from"], "2026-11-23T03:00:00Z");
    insta::assert_snapshot!(inc.slash(CHLOE, "since 8pm yesterday UTC+1").await, @"");
    insta::assert_snapshot!(inc.slash(ANA, "since half an hour ago").await, @"");
    insta::assert_snapshot!(inc.slash(ANA, "good-again this evening").await, @"");
    insta::assert_snapshot!(inc.slash(ANA, "good-again 03:10 CET").await, @"");
    insta::assert_snapshot!(inc.slash(ANA, "good-again 06:50 IST").await, @"");
    insta::assert_snapshot!(inc.slash(ANA, "good-again 06:50").await, @"");
    bot.end().await;
}

#[tokio::test]
async fn what_is_promised_is_promised_by_ones_own_clock() {
    let bot = begun().await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    insta::assert_snapshot!(inc.slash(ANA, "update the load runs next 9am").await, @"");
    assert_eq!(bot.incident(1).await["next_update"], "2026-11-23T08:00:00Z");
    // Everybody reads it by their own clock.
    assert!(
        inc.find("the load runs").view.blocks.to_string().contains("1795420800"),
        "{:?}",
        inc.find("the load runs").view
    );
    insta::assert_snapshot!(inc.slash(ANA, "remind at noon").await, @"");
    insta::assert_snapshot!(inc.slash(BEN, "task add a check <@U0CHLOE001> by next tuesday 9am").await, @"");
    insta::assert_snapshot!(inc.slash(BEN, "silence warehouse.returns* until tomorrow morning backfill is running").await, @"");
    insta::assert_snapshot!(inc.slash(ANA, "search since yesterday 6am orders").await, @"");
    bot.end().await;
}

/// The question names the zone by whose clocks the answer is read.
#[tokio::test]
async fn a_form_reads_times_by_the_clock_that_it_names() {
    let bot = begun().await;
    let inc = bot.inc(1);
    inc.card().button("Update").click(ANA).await;
    let view = bot.sandbox.slack().open_views(ANA).pop().unwrap().view.to_string();
    assert!(view.contains("When do they hear again? (Europe/Berlin)"), "{view}");
    let answer = bot.sandbox.slack().submit(ANA, &json!({"text": "x", "next": "yesterday"})).await.unwrap();
    insta::assert_snapshot!(answer.json["errors"]["next"], @"");
    bot.submit(ANA, json!({"text": "the load runs", "next": "tomorrow 9am"})).await;
    assert_eq!(bot.incident(1).await["next_update"], "2026-11-24T08:00:00Z");
    bot.end().await;
}

#[tokio::test]
async fn without_a_zone_times_are_utc_and_that_is_said() {
    let bot = begun().await;
    bot.sandbox.slack().lives_in(ANA, None);
    bot.settle().await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(ANA, "since 05:10").await, @"");
    // A zone of a name that is not known here counts by its hours.
    bot.sandbox.slack().lives_in(ANA, Some(("Atlantis/Capital", 7200)));
    bot.settle().await;
    insta::assert_snapshot!(inc.slash(ANA, "since 05:10").await, @"");
    // Who moves is read by the new clock at once.
    bot.sandbox.slack().lives_in(ANA, Some(("Asia/Kolkata", 19800)));
    bot.settle().await;
    insta::assert_snapshot!(inc.slash(ANA, "since 06:10 IST").await, @"");
    bot.end().await;
}
