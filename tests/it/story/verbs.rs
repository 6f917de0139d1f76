//! Every verb of `/incident`, and what people read.

use serde_json::json;

use super::{labels, press, whispered};
use crate::harness::*;

async fn open_incident() -> Bot {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.inc(1).skip_rest();
    bot
}

#[tokio::test]
async fn declare_opens_at_once_with_a_title_and_asks_without_one() {
    let bot = Bot::start().await;
    let told = bot.slash(ANA, "data-incidents", "declare revenue looks doubled").await;
    assert_eq!(told, "INC-1: Ana declared the incident: revenue looks doubled (SEV3).");
    let inc = bot.inc(1);
    inc.expect("== INC-1: revenue looks doubled ==");
    assert!(inc.view().members.contains(&ANA.to_owned()));
    assert_eq!(bot.sandbox.pagerduty().pages(), 1, "SEV3 is paged");

    assert_eq!(bot.slash(ANA, "data-incidents", "declare").await, "");
    let answer = bot.sandbox.slack().submit(ANA, &json!({"severity": "4"})).await;
    assert_eq!(answer.unwrap_err(), "the question title must be answered");
    bot.submit(
        ANA,
        json!({"title": "a dashboard is empty", "severity": "4", "asset": "bi.sales", "text": "since this morning"}),
    )
    .await;
    let incident = bot.incident(2).await;
    assert_eq!((&incident["severity"], &incident["assets"]), (&json!("SEV4"), &json!(["bi.sales"])));
    bot.inc(2).find("📝 @Ana: since this morning");
    assert_eq!(bot.sandbox.pagerduty().pages(), 1, "SEV4 is not paged");

    // The shortcuts ask the same; one brings the message's words along.
    let said = bot.channel("data-incidents").say(BEN, "why is churn 0 today?").await;
    let message =
        bot.sandbox.slack().messages("data-incidents").into_iter().find(|message| message.ts == said).unwrap();
    bot.sandbox.slack().message_shortcut(BEN, &message, "declare_from_message").await;
    bot.submit(BEN, json!({})).await;
    assert_eq!(bot.incident(3).await["title"], "why is churn 0 today?");
    bot.sandbox.slack().shortcut(CHLOE, "declare").await;
    assert_eq!(bot.sandbox.slack().open_views(CHLOE)[0].title, "Declare an incident");
    bot.end().await;
}

#[tokio::test]
async fn list_and_show_tell_how_it_stands() {
    let bot = open_incident().await;
    bot.slash(ANA, "data-incidents", "declare second").await;
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "list").await);
    assert!(bot.slash(BEN, "data-incidents", "list mine").await.contains("None."));
    bot.inc(1).slash(BEN, "take responder").await;
    assert!(bot.slash(BEN, "data-incidents", "list mine").await.contains("INC-1"));
    bot.inc(1).slash(BEN, "resolve done").await;
    let open = bot.slash(ANA, "data-incidents", "list open").await;
    assert!(open.contains("INC-2") && !open.contains("INC-1"), "{open}");
    assert!(bot.slash(ANA, "data-incidents", "list all").await.contains("INC-1"));
    insta::assert_snapshot!(bot.inc(1).slash(ANA, "show").await);
    assert!(bot.slash(ANA, "data-incidents", "show INC-2").await.contains("second"));
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "show").await, @"Which incident do you mean by show?");
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "INC-9 ack").await, @"There is no INC-9. /incident list shows what is open.");
    bot.end().await;
}

#[tokio::test]
async fn ack_take_assign() {
    let bot = open_incident().await;
    let inc = bot.inc(1);
    assert_eq!(inc.slash(BEN, "ack").await, "INC-1: Ben acknowledged.");
    inc.expect("👀 @Ben has it.");
    assert!(inc.slash(CHLOE, "ack").await.starts_with("Ben already acknowledged INC-1"));
    assert_eq!(inc.slash(BEN, "take commander").await, "INC-1: Ben took the role of commander.");
    inc.expect("@Ben is now commander.");
    insta::assert_snapshot!(inc.slash(BEN, "take commander").await, @"You are commander of INC-1 already.");
    insta::assert_snapshot!(inc.slash(BEN, "take lunch").await, @"Which role? It is written /incident take <role>: take a role: commander, deputy, responder, scribe, liaison; take command asks whoever has it.");
    assert_eq!(inc.slash(BEN, "assign liaison @chloe").await, "INC-1: Ben made Chloe liaison.");
    inc.expect("@Chloe is now liaison (by @Ben).");
    assert!(inc.view().members.contains(&CHLOE.to_owned()));
    assert!(
        inc.slash(BEN, "assign liaison @chloe")
            .await
            .starts_with("The list of people who get a role they do not have yet cannot be empty.")
    );
    assert_eq!(inc.slash(BEN, "assign").await, "");
    assert_eq!(bot.sandbox.slack().open_views(BEN)[0].title, "Assign roles");
    bot.finish_quietly().await;
}

#[tokio::test]
async fn taking_the_command_of_somebody_present_asks_and_goes_through_after_two_minutes() {
    let bot = open_incident().await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take commander").await;
    inc.expect("@Ana is now commander.");
    inc.slash(BEN, "take commander").await;
    let ask = inc.expect("@Ben asks @Ana for the command. It goes over at");
    assert!(inc.slash(CHLOE, "take commander").await.starts_with("Ben already asked for the command"));
    insta::assert_snapshot!(ask.button("Hand over").click(CHLOE).await, @"Only the commander, Ana, can answer this.");
    ask.button("Keep the command").click(ANA).await;
    inc.expect("@Ana keeps the command that @Ben asked for.");
    bot.advance(minutes(3)).await;
    assert_eq!(bot.incident(1).await["roles"]["commander"], json!([ANA]));
    // Asked again, and nobody answers.
    inc.slash(BEN, "take commander").await;
    inc.expect("@Ben asks @Ana for the command.");
    bot.advance(minutes(3)).await;
    inc.expect("@Ben is now commander, taking over from @Ana (by Muster).");
    insta::assert_snapshot!(ask.button("Hand over").click(BEN).await, @"That request for the command is settled already.");
    bot.finish_quietly().await;
}

#[tokio::test]
async fn sev_update_note() {
    let bot = open_incident().await;
    let inc = bot.inc(1);
    assert_eq!(inc.slash(ANA, "sev 1").await, "INC-1: Ana changed the severity from SEV2 to SEV1.");
    inc.expect("@Ana changed the severity from SEV2 to SEV1.");
    insta::assert_snapshot!(inc.slash(ANA, "sev 1").await, @"INC-1 is SEV1 already.");
    insta::assert_snapshot!(inc.slash(ANA, "sev 9").await, @"A severity is 1 (worst) to 5. It is written /incident sev <1-5>: decide how bad it is.");
    inc.card().button("Severity").click(ANA).await;
    bot.submit(ANA, json!({"severity": "2"})).await;
    inc.expect("from SEV1 to SEV2");
    inc.slash(ANA, "update backfill runs, good by 07:00 next 30m").await;
    inc.expect("📣 Update by @Ana:\n> backfill runs, good by 07:00\nNext update: 2026-11-23 06:");
    assert!(inc.card().text().contains("last update: backfill runs, good by 07:00"), "{}", inc.card().text());
    inc.slash(BEN, "take commander").await;
    inc.expect("@Ben is now commander.");
    bot.advance(minutes(32)).await;
    let late = inc.expect("did not come. @Ben, what is the current state?").text().to_owned();
    assert!(late.contains("The update promised for"));
    inc.find("did not come").button("Update").click(BEN).await;
    let answer = bot.sandbox.slack().submit(BEN, &json!({"text": "still running", "next": "soon"})).await.unwrap();
    assert_eq!(answer.json["errors"]["next"], "“soon” is not a time I understand. Write 30m, 2h or 15:00.");
    bot.submit(BEN, json!({"text": "still running", "next": "1h"})).await;
    inc.expect("> still running");
    inc.slash(CHLOE, "note the 05:00 run never started").await;
    inc.expect("📝 @Chloe: the 05:00 run never started");
    insta::assert_snapshot!(inc.slash(CHLOE, "note").await, @"A note cannot be empty. For example /incident note the 05:00 run never started.");
    bot.finish_quietly().await;
}

#[tokio::test]
async fn runbook_steps_are_done_and_skipped_once() {
    let bot = open_incident().await;
    let inc = bot.inc(1);
    assert!(inc.slash(BEN, "runbook").await.contains("freshness A table is stale"));
    assert_eq!(
        inc.slash(BEN, "runbook done 1 newest row 21:00").await.split(' ').take(5).collect::<Vec<_>>().join(" "),
        "INC-1: Ben did step 1"
    );
    assert!(inc.find("Runbook: A table").text().contains("☑ 1."));
    assert!(inc.slash(ANA, "runbook done 1").await.starts_with("Step 1 was done already, by Ben at 2026-11-23 06:"));
    insta::assert_snapshot!(inc.slash(ANA, "runbook done 99").await, @"The checklist has 10 steps; there is no step 99.");
    insta::assert_snapshot!(inc.slash(ANA, "runbook skip 2").await, @"A reason cannot be empty. For example /incident runbook skip 3 there is no staging copy.");
    inc.slash(ANA, "runbook skip 2 no lineage here").await;
    assert!(inc.find("Runbook: A table").text().contains("skipped: no lineage here"));
    insta::assert_snapshot!(inc.slash(ANA, "runbook freshness").await, @"The runbook “A table is stale” is on INC-1 already. Its steps are in the channel.");
    assert!(
        inc.slash(ANA, "runbook nonsense")
            .await
            .starts_with("There is no runbook “nonsense”, or more than one fits. There are: backfill, ")
    );
    inc.slash(ANA, "runbook late-vendor").await;
    inc.expect("(0 of");
    inc.card().button("Runbook").click(ANA).await;
    bot.submit(ANA, json!({"runbook": "volume"})).await;
    inc.expect("(0 of");
    bot.finish_quietly().await;
}

#[tokio::test]
async fn times_fixes_and_tasks_are_recorded() {
    let bot = open_incident().await;
    let inc = bot.inc(1);
    inc.slash(BEN, "since 2h ago").await;
    inc.expect("says that the data has been bad since 2026-11-23 04:00 UTC");
    insta::assert_snapshot!(inc.slash(BEN, "good-again 03:00").await, @"03:00 UTC (2026-11-23) is before the data went bad (04:00 UTC (2026-11-23)). Correct that first with /incident since <time>.");
    insta::assert_snapshot!(inc.slash(BEN, "since 2027-01-01").await, @"00:00 UTC (2027-01-01) is in the future, and data cannot have gone bad or good then yet. Give a time that has passed, such as 06:10 or 2h ago.");
    inc.slash(BEN, "good-again now").await;
    inc.expect("says that the data has been good again since 2026-11-23 06:00 UTC");
    inc.slash(BEN, "fix reloaded").await;
    inc.expect("🔧 Fix, recorded by @Ben: reloaded");
    inc.slash(ANA, "task add a freshness check @ben friday").await;
    inc.expect("☐ Task 1 for @Ben: add a freshness check (due 2026-11-27 23:59 UTC)");
    assert!(inc.card().text().contains("tasks: 1 of 1 open"));
    inc.slash(BEN, "task done 1").await;
    inc.expect("☑ @Ben finished task 1: add a freshness check");
    insta::assert_snapshot!(inc.slash(BEN, "task done 1").await, @"Task 1 is done already.");
    insta::assert_snapshot!(inc.slash(BEN, "task done 7").await, @"There is no task 7 on INC-1. /incident show lists them.");
    bot.finish_quietly().await;
}

#[tokio::test]
async fn page_mitigate_resolve_reopen_postmortem_help() {
    let bot = open_incident().await;
    let inc = bot.inc(1);
    inc.slash(ANA, "page finance the ledger is next").await;
    inc.expect("📟 @Ana asks for a page to finance: the ledger is next");
    inc.expect("The page for finance is handed to PagerDuty.");
    inc.expect("PagerDuty opened an incident for finance");
    assert_eq!(bot.sandbox.pagerduty().incidents()[1].title, "[INC-1] SEV2 the ledger is next");
    insta::assert_snapshot!(inc.slash(ANA, "page marketing").await, @"There is no service “marketing”. There are: orders-pipeline, finance.");
    inc.slash(ANA, "page @ben you know the loader").await;
    inc.expect("📟 @Ana asks for a page to orders-pipeline: For Ben: you know the loader");
    inc.expect("The page for orders-pipeline is handed to PagerDuty.");
    inc.expect("PagerDuty opened an incident for orders-pipeline");
    inc.slash(ANA, "mitigate dashboards carry a warning").await;
    inc.expect(
        "🟡 Mitigated, says @Ana: consumers are protected, the cause may still be there. dashboards carry a warning",
    );
    insta::assert_snapshot!(inc.slash(ANA, "mitigate").await, @"INC-1 is mitigated already.");
    insta::assert_snapshot!(inc.slash(ANA, "reopen why").await, @"INC-1 is mitigated, so there is nothing to reopen.");
    inc.slash(ANA, "resolve all loads are green").await;
    inc.expect("🟢 Resolved by @Ana. all loads are green");
    insta::assert_snapshot!(inc.slash(BEN, "mitigate").await, @"INC-1 is resolved. If it is not over, reopen it with /incident reopen <reason>.");
    insta::assert_snapshot!(inc.slash(BEN, "resolve").await, @"INC-1 is resolved already.");
    inc.slash(BEN, "reopen stale again").await;
    inc.expect("🔴 Reopened by @Ben: stale again");
    bot.settle().await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 4, "a reopened incident pages again");
    inc.skip_rest();
    inc.slash(BEN, "postmortem").await;
    inc.expect("The post-mortem draft of INC-1 is here.");
    inc.slash(BEN, "resolve reloaded").await;
    inc.card().button("Reopen").click(ANA).await;
    bot.submit(ANA, json!({"text": "orders went stale again"})).await;
    inc.find("🔴 Reopened by @Ana: orders went stale again");
    inc.skip_rest();
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "help").await);
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "resovle").await, @"I do not know “resovle”. Did you mean /incident resolve? /incident help lists all.");
    bot.finish_quietly().await;
}

/// Answers say what happened to what, and what did not.
#[tokio::test]
async fn answers_say_what_happened() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let told = inc.slash(ANA, "subscribe").await;
    assert!(told.contains("by direct message") && told.contains("/incident unsubscribe"), "{told}");
    let told = inc.slash(ANA, "snooze 1h").await;
    assert!(told.contains("reminder of the next update is moved; no page is changed"), "{told}");
    let told = inc.slash(ANA, "page @ben").await;
    assert!(told.contains("orders-pipeline is to be paged instead, and the page names Ben"), "{told}");
    let told = inc.slash(ANA, "oncall").await;
    assert!(told.contains("There is no rotation yet") && told.contains("[[rotations]]"), "{told}");
    bot.end().await;
}

/// Words that are no command are asked about, and in an incident's channel they are about that incident.
#[tokio::test]
async fn words_that_are_no_command_open_nothing() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let told = inc.slash(ANA, "its fixed").await;
    assert!(told.contains("Nothing is done") && told.contains("INC-1"), "{told}");
    let asked = whispered(&bot, &inc.name, ANA);
    let lines = ["note its fixed", "update its fixed", "resolve its fixed", "declare its fixed"];
    assert_eq!(labels(&asked), lines.map(|line| format!("/incident {line}")));
    press(&bot, ANA, &asked, "/incident resolve its fixed").await;
    assert_eq!(bot.incident(1).await["status"], "resolved");
    for (line, severity) in [("sev3", "SEV3"), ("p1", "SEV1"), ("sev p2", "SEV2"), ("severity critical", "SEV1")] {
        inc.slash(ANA, line).await;
        assert_eq!(bot.incident(1).await["severity"], severity, "{line}");
    }
    let told = inc.slash(ANA, "help pizza").await;
    assert!(told.contains("There is no topic pizza"), "{told}");
    bot.slash(ANA, "data-incidents", "its broken").await;
    let asked = whispered(&bot, "data-incidents", ANA);
    assert_eq!(labels(&asked), ["/incident declare its broken", "/incident list"]);
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 1);
    bot.end().await;
}
