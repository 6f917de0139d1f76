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
    insta::assert_snapshot!(inc.slash(ANA, "since 06:10").await, @"INC-1: Ana recorded that the data is bad since 2026-11-23 05:10 UTC. I read the time as 2026-11-23 06:10 CET, 05:10 UTC.");
    assert_eq!(bot.incident(1).await["bad_from"], "2026-11-23T05:10:00Z");
    insta::assert_snapshot!(inc.slash(BEN, "since last night").await, @"INC-1: Ben recorded that the data is bad since 2026-11-23 03:00 UTC. I read the time as 2026-11-22 22:00 EST, 2026-11-23 03:00 UTC.");
    insta::assert_snapshot!(inc.slash(CHLOE, "since 4pm").await, @"INC-1: Chloe recorded that the data is bad since 2026-11-23 03:00 UTC. I read the time as 2026-11-23 16:00 NZDT, 03:00 UTC.");
    assert_eq!(bot.incident(1).await["bad_from"], "2026-11-23T03:00:00Z");
    insta::assert_snapshot!(inc.slash(CHLOE, "since 8pm yesterday UTC+1").await, @"INC-1: Chloe recorded that the data is bad since 2026-11-22 19:00 UTC. I read the time as 2026-11-23 08:00 NZDT, 2026-11-22 19:00 UTC.");
    insta::assert_snapshot!(inc.slash(ANA, "since half an hour ago").await, @"INC-1: Ana recorded that the data is bad since 2026-11-23 05:30 UTC. I read the time as 2026-11-23 06:30 CET, 05:30 UTC.");
    insta::assert_snapshot!(inc.slash(ANA, "good-again this evening").await, @"17:00 UTC (2026-11-23) is in the future, and data cannot have gone bad or good then yet. Give a time that has passed, such as 06:10 or 2h ago. I read the time as 2026-11-23 18:00 CET, 17:00 UTC.");
    insta::assert_snapshot!(inc.slash(ANA, "good-again 03:10 CET").await, @"02:10 UTC (2026-11-23) is before the data went bad (05:30 UTC (2026-11-23)). Correct that first with /incident since <time>. I read the time as 2026-11-23 03:10 CET, 02:10 UTC.");
    insta::assert_snapshot!(inc.slash(ANA, "good-again 06:50 IST").await, @"“IST” is the time of several places. Write the difference to UTC instead, such as 06:10 UTC+2, or the place, such as 06:10 Europe/Berlin. It is written /incident good-again <time>: since when the data is good again downstream: 06:10, an hour ago.");
    insta::assert_snapshot!(inc.slash(ANA, "good-again 06:50").await, @"INC-1: Ana recorded that the data is good again since 2026-11-23 05:50 UTC. I read the time as 2026-11-23 06:50 CET, 05:50 UTC.");
    bot.end().await;
}

#[tokio::test]
async fn what_is_promised_is_promised_by_ones_own_clock() {
    let bot = begun().await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    insta::assert_snapshot!(inc.slash(ANA, "update the load runs next 9am").await, @"INC-1: Ana posted an update: the load runs. I read the time as 2026-11-23 09:00 CET, 08:00 UTC.");
    assert!(inc.find("the load runs").text().contains("Next update: 2026-11-23 08:00 UTC"));
    // In Slack, everybody reads it by their own clock.
    assert!(
        inc.find("the load runs").view.blocks.to_string().contains("1795420800"),
        "{:?}",
        inc.find("the load runs").view
    );
    insta::assert_snapshot!(inc.slash(ANA, "remind at noon").await, @"INC-1: the reminder of the next update is moved; no page is changed. I read the time as 2026-11-23 12:00 CET, 11:00 UTC.");
    insta::assert_snapshot!(inc.slash(BEN, "task add a check <@U0CHLOE001> by next tuesday 9am").await, @"INC-1: Ben added task 1 for Chloe: add a check. I read the time as 2026-11-24 09:00 EST, 14:00 UTC.");
    insta::assert_snapshot!(inc.slash(BEN, "silence warehouse.returns* until tomorrow morning backfill is running").await, @"Silence 1 holds until 2026-11-24 09:00 EST, 14:00 UTC. Alerts that it hides open an incident then, if they still fire. /incident unsilence 1 ends it.");
    let found = inc.slash(ANA, "search since yesterday 6am orders").await;
    assert!(found.starts_with("Incidents: since 2026-11-22 06:00 CET, 05:00 UTC, “orders”\n• INC-1"), "{found}");
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
    insta::assert_snapshot!(answer.json["errors"]["next"], @r#""“yesterday” is 2026-11-22 23:59 CET, 22:59 UTC, which has passed already. Write 30m, 2h or 15:00.""#);
    bot.submit(ANA, json!({"text": "the load runs", "next": "tomorrow 9am"})).await;
    assert!(inc.find("the load runs").text().contains("Next update: 2026-11-24 08:00 UTC"));
    bot.end().await;
}

#[tokio::test]
async fn without_a_zone_times_are_utc_and_that_is_said() {
    let bot = begun().await;
    bot.sandbox.slack().lives_in(ANA, None);
    bot.settle().await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(ANA, "since 05:10").await, @"INC-1: Ana recorded that the data is bad since 2026-11-23 05:10 UTC. Slack has not told me your time zone, so I read times as UTC.");
    // A zone of a name that is not known here counts by its hours.
    bot.sandbox.slack().lives_in(ANA, Some(("Atlantis/Capital", 7200)));
    bot.settle().await;
    insta::assert_snapshot!(inc.slash(ANA, "since 05:10").await, @"INC-1: Ana recorded that the data is bad since 2026-11-23 03:10 UTC. I read the time as 2026-11-23 05:10 UTC+02:00, 03:10 UTC.");
    // Who moves is read by the new clock at once.
    bot.sandbox.slack().lives_in(ANA, Some(("Asia/Kolkata", 19800)));
    bot.settle().await;
    insta::assert_snapshot!(inc.slash(ANA, "since 06:10 IST").await, @"INC-1: Ana recorded that the data is bad since 2026-11-23 00:40 UTC. I read the time as 2026-11-23 06:10 IST, 00:40 UTC.");
    bot.end().await;
}
