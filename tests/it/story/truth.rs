//! Nothing is said that is not so: who was told, what is good again, what was reached, what was promised, and what the draft knows.

use serde_json::json;

use super::mail::Sink;
use super::{alert, bot_with};
use crate::harness::*;

/// Revenue is made of orders and of returns. Finance reads it.
const REVENUE: &str = "
assets:
  - {name: w.orders, sla: 'by 07:00 UTC'}
  - {name: w.returns}
  - {name: bi.revenue, kind: dashboard, consumers: [{name: Finance, slack: '#finance'}]}
edges: [[w.orders, bi.revenue], [w.returns, bi.revenue]]
";

async fn revenue() -> Bot {
    let bot = Bot::start().await;
    bot.sandbox.slack().add_channel("finance", &[CHLOE]);
    assert_eq!(bot.put("/api/v1/catalog/yaml", REVENUE.to_owned()).await.0, 200);
    bot
}

/// Tells everybody downstream of an incident.
async fn tell_all(bot: &Bot, number: u64) {
    bot.inc(number).slash(ANA, "notify downstream").await;
    bot.submit(ANA, json!({})).await;
}

async fn draft(bot: &Bot) -> String {
    bot.text("/api/v1/incidents/INC-1/postmortem").await
}

fn section<'a>(draft: &'a str, name: &str) -> &'a str {
    let after = draft.split(&format!("## {name}\n\n")).nth(1).unwrap_or_else(|| panic!("no {name} in {draft}"));
    after.split("\n\n").next().unwrap()
}

#[tokio::test]
async fn an_all_clear_is_given_only_when_the_data_is_known_to_be_good() {
    let bot = revenue().await;
    bot.alert("dq", alert("w.orders")).await;
    tell_all(&bot, 1).await;
    let finance = bot.channel("finance");
    finance.expect("What you use may be wrong (noticed");
    // The alert still fires, and nobody says that the data is good.
    bot.inc(1).slash(ANA, "resolve reloaded").await;
    insta::assert_snapshot!(finance.expect("INC-1 is resolved").text(), @r"
    ☑️ INC-1 is resolved: w.orders is wrong
    > reloaded
    Ana resolved it. Still firing: w.orders is wrong.
    Nobody has confirmed that bi.revenue can be relied on again.
    ");
    // Its end is the all-clear.
    bot.alert("dq", resolved(alert("w.orders"))).await;
    insta::assert_snapshot!(finance.expect("INC-1 is over").text(), @r"
    ✅ INC-1 is over: w.orders is wrong
    All alerts are green.
    You can rely on bi.revenue again.
    ");
    // What ended before people opened it again says nothing. What they say does, and once is enough.
    bot.inc(1).slash(ANA, "reopen stale again").await;
    finance.expect("INC-1 is not over");
    bot.inc(1).slash(ANA, "resolve loaded once more").await;
    let resolved_again = finance.expect("INC-1 is resolved");
    assert!(resolved_again.text().contains("Nobody has confirmed that bi.revenue can be relied on again."));
    bot.inc(1).slash(BEN, "good-again 06:00").await;
    insta::assert_snapshot!(finance.expect("INC-1 is over").text(), @r"
    ✅ INC-1 is over: w.orders is wrong
    The data is recorded as good again since 2026-11-23 06:00 UTC.
    You can rely on bi.revenue again.
    ");
    bot.inc(1).slash(BEN, "good-again 06:00").await;
    bot.inc(1).skip_rest();
    bot.finish_quietly().await;
}

#[tokio::test]
async fn an_asset_that_another_incident_reaches_gets_no_all_clear() {
    let bot = revenue().await;
    bot.alert("dq", alert("w.orders")).await;
    tell_all(&bot, 1).await;
    bot.alert("dq", alert("w.returns")).await;
    assert_eq!(super::open_incidents(&bot).await, 2);
    bot.alert("dq", resolved(alert("w.orders"))).await;
    bot.inc(1).slash(ANA, "resolve reloaded").await;
    let finance = bot.channel("finance");
    insta::assert_snapshot!(finance.find("INC-1 is resolved").text(), @r"
    ☑️ INC-1 is resolved: w.orders is wrong
    > reloaded
    Ana resolved it. All alerts are green.
    Do not rely on bi.revenue yet. Open there or upstream of it: INC-2.
    ");
    // A private incident is not named, and nothing is promised either.
    bot.inc(2).slash(ANA, "dismiss false-positive the check was wrong").await;
    bot.slash(BEN, "data-incidents", "declare! revenue is forged --asset bi.revenue --private").await;
    bot.inc(1).slash(ANA, "reopen stale again").await;
    bot.inc(1).slash(ANA, "good-again 06:00").await;
    bot.inc(1).slash(ANA, "resolve reloaded").await;
    let told = finance.find("INC-1 is resolved");
    assert!(told.text().contains("It is not known whether you can rely on bi.revenue again."), "{}", told.text());
    bot.end().await;
}

/// Two alerts in one incident, and one of them ended. Each team hears of its own data.
#[tokio::test]
async fn what_recovered_is_called_good_apart_from_what_did_not() {
    let bot = Bot::start().await;
    for channel in ["sales", "shop"] {
        bot.sandbox.slack().add_channel(channel, &[CHLOE]);
    }
    let catalog = "
assets:
  - {name: bi.sales, consumers: [{name: Sales, slack: '#sales'}]}
  - {name: bi.shop, consumers: [{name: Shop, slack: '#shop'}]}
edges: [[w.orders, bi.sales], [w.returns, bi.shop]]
";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.alert("dq", alert("w.orders")).await;
    bot.alert("dq", alert("w.returns")).await;
    bot.inc(2).slash(ANA, "merge INC-1").await;
    tell_all(&bot, 1).await;
    bot.alert("dq", resolved(alert("w.orders"))).await;
    bot.inc(1).slash(ANA, "resolve orders are reloaded").await;
    let (sales, shop) = (bot.channel("sales"), bot.channel("shop"));
    insta::assert_snapshot!(sales.find("INC-1 is ").text(), @r"
    ✅ INC-1 is over: w.orders is wrong
    > orders are reloaded
    Ana resolved it. Still firing: w.returns is wrong.
    All alerts about what you use ended. You can rely on bi.sales again.
    ");
    insta::assert_snapshot!(shop.find("INC-1 is ").text(), @r"
    ☑️ INC-1 is resolved: w.orders is wrong
    > orders are reloaded
    Ana resolved it. Still firing: w.returns is wrong.
    Nobody has confirmed that bi.shop can be relied on again.
    ");
    bot.end().await;
}

#[tokio::test]
async fn a_false_alarm_a_duplicate_and_what_was_expected_say_so() {
    for (line, words, clear) in [
        ("dismiss false-positive the check was wrong", "Ana says that it was a false alarm.", true),
        ("dismiss duplicate see INC-9", "Ana says that it is a duplicate of another incident.", false),
        ("dismiss expected the backfill runs", "Ana says that it was expected.", false),
    ] {
        let bot = revenue().await;
        bot.alert("dq", alert("w.orders")).await;
        tell_all(&bot, 1).await;
        bot.inc(1).slash(ANA, line).await;
        let finance = bot.channel("finance");
        let told = finance.find("INC-1 is ");
        assert!(told.text().contains(words), "{}", told.text());
        assert_eq!(told.text().contains("You can rely on bi.revenue again"), clear, "{}", told.text());
        bot.end().await;
    }
}

/// Two teams of whose channels Slack knows nothing. Of one, an address is known.
#[tokio::test]
async fn told_is_who_got_the_message_and_others_are_named_with_the_reason() {
    let (sink, url) = Sink::start();
    let bot = bot_with(&format!("[mail]\nsmtp_url = \"{url}\"\nfrom = \"muster@data.example.com\"\n")).await;
    let catalog = "
assets:
  - {name: w.orders}
  - {name: bi.ops, consumers: [{name: Ops, slack: '#ops', email: ops@example.com}]}
  - {name: bi.sales, consumers: [{name: Sales, slack: '#sales'}]}
edges: [[w.orders, bi.ops], [w.orders, bi.sales]]
";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.alert("dq", alert("w.orders")).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    tell_all(&bot, 1).await;
    inc.find("Telling downstream: Ops, Sales");
    insta::assert_snapshot!(inc.find("message to Ops").text(), @"⚠️ @Ana: a message to Ops was not delivered: Slack answered `channel_not_found` to chat.postMessage; the channel is gone or archived, or Muster was removed from it. Invite it again. It goes to ops@example.com instead.");
    insta::assert_snapshot!(inc.find("message to Sales").text(), @"⚠️ @Ana: a message to Sales was not delivered: Slack answered `channel_not_found` to chat.postMessage; the channel is gone or archived, or Muster was removed from it. Invite it again. Please tell them yourself.");
    assert_eq!(sink.letters.lock().unwrap().len(), 1);
    assert!(inc.card().text().contains("told outside: 1 · could not be told: 1"), "{}", inc.card().text());
    assert_eq!(bot.incident(1).await["told"], 1);
    let impact = section(&draft(&bot).await, "Impact").to_owned();
    assert!(impact.contains("- Told outside: Ops (by e-mail).\n"), "{impact}");
    assert!(impact.contains("- Could not be told: Sales (Slack answered \\`channel_not_found\\`"), "{impact}");
    // What follows goes by mail at once. Who never heard that it is bad hears nothing more.
    inc.slash(ANA, "update the backfill runs").await;
    inc.slash(ANA, "resolve reloaded").await;
    assert_eq!(sink.letters.lock().unwrap().len(), 3);
    let refusals = bot.sandbox.slack().messages(&inc.name);
    assert_eq!(refusals.iter().filter(|one| one.text.contains("was not delivered")).count(), 2);
    bot.end_with_given_up(2).await;
    // Once there is a channel, they can be told.
    let bot = revenue().await;
    bot.alert("dq", alert("w.orders")).await;
    bot.sandbox.slack().archive_unheard("finance");
    tell_all(&bot, 1).await;
    bot.inc(1).find("A message to Finance was not delivered");
    bot.put("/api/v1/catalog/yaml", REVENUE.replace("#finance", "#data-incidents")).await;
    tell_all(&bot, 1).await;
    bot.channel("data-incidents").find("What you use may be wrong");
    assert_eq!(bot.incident(1).await["told"], 1);
    assert!(!draft(&bot).await.contains("Could not be told"));
    bot.end_with_given_up(1).await;
}

#[tokio::test]
async fn what_waits_for_slack_is_not_called_told_and_what_is_over_is_not_told_any_more() {
    let bot = revenue().await;
    bot.alert("dq", alert("w.orders")).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "notify downstream").await;
    bot.sandbox.faults().down("slack", true);
    bot.submit(ANA, json!({})).await;
    assert!(section(&draft(&bot).await, "Impact").contains("- A message is on its way to: Finance."));
    assert_eq!(bot.incident(1).await["told"], 0);
    inc.slash(ANA, "resolve reloaded").await;
    bot.sandbox.faults().down("slack", false);
    bot.advance(minutes(30)).await;
    // They never heard that it is bad, so they hear no end of it.
    assert!(bot.sandbox.slack().messages("finance").is_empty());
    let impact = section(&draft(&bot).await, "Impact").to_owned();
    let why = "- Could not be told: Finance (the incident was over before the message could be sent).";
    assert!(impact.contains(why), "{impact}");
    bot.end().await;
}

#[tokio::test]
async fn sla_counts_what_is_open_and_nothing_that_was_no_incident() {
    let bot = revenue().await;
    let orders = async |bot: &Bot| bot.slash(ANA, "data-incidents", "sla w.orders").await;
    insta::assert_snapshot!(orders(&bot).await, @r"
    📜 What was promised, and the incidents of the last 30 days
    • w.orders: by 07:00 UTC; no incident with bad data that you can see
    ");
    bot.alert("dq", alert("w.orders")).await;
    bot.advance(minutes(90)).await;
    insta::assert_snapshot!(orders(&bot).await, @r"
    📜 What was promised, and the incidents of the last 30 days
    • w.orders: by 07:00 UTC; data bad for 1 h 30 min in 1 incident, and still bad in 1; since when is not recorded in 1, counted from when it was noticed
    ");
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "sla bi.revenue").await, @r"
    📜 What was promised, and the incidents of the last 30 days
    • bi.revenue: no SLA is known; no incident with bad data that you can see; open upstream of it: INC-1
    ");
    // It is open for longer than the days that are counted.
    bot.clock.advance(chrono::Duration::days(40));
    let told = orders(&bot).await;
    assert!(told.contains("data bad for 30 d 0 h in 1 incident, and still bad in 1"), "{told}");
    let inc = bot.inc(1);
    assert!(inc.slash(ANA, "show").await.contains("open for 40 d 1 h"));
    inc.slash(ANA, "resolve false alarm: the check was wrong").await;
    assert!(inc.slash(ANA, "show").await.contains("resolved after 40 d 1 h"));
    let told = orders(&bot).await;
    assert!(told.contains("no incident with bad data that you can see"), "{told}");
    assert!(draft(&bot).await.contains("- w.orders: by 07:00 UTC; this incident does not count, because it was a drill, or people said that nothing was wrong\n"));
    bot.end().await;
}

#[tokio::test]
async fn impact_of_what_is_over_says_what_it_reached_and_never_nothing_for_not_known() {
    let bot = revenue().await;
    bot.alert("dq", alert("w.orders")).await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(ANA, "impact").await, @r"
    == What INC-1 reaches: 1 dashboard, 1 team ==
    Where it may have started
    • w.orders: it shows the issue itself (other); nothing above it is known to be bad
    Whom it reaches
    • Finance (tier 4, 1 in all): bi.revenue
    ");
    inc.slash(ANA, "resolve reloaded").await;
    insta::assert_snapshot!(inc.slash(ANA, "impact").await, @r"
    == What INC-1 reached: 1 dashboard, 1 team ==
    It is over. The numbers are of the time when it was open; the list is by the lineage of today.
    Where it may have started
    • w.orders: it shows the issue itself (other); nothing above it is known to be bad
    Whom it reaches
    • Finance (tier 4, 1 in all): bi.revenue
    ");
    let answer = bot.get("/api/v1/incidents/INC-1/impact").await;
    assert_eq!(
        (&answer["words"], &answer["candidates"][0]["asset"]),
        (&json!("1 dashboard, 1 team"), &json!("w.orders"))
    );
    bot.alert("dq", alert("never.heard.of")).await;
    let unknown = bot.inc(2).slash(ANA, "impact").await;
    assert!(unknown.contains("What INC-2 reaches: not known") && unknown.contains("Not in the catalog"), "{unknown}");
    bot.end().await;
    let bot = Bot::start().await;
    bot.alert("dq", alert("w.orders")).await;
    insta::assert_snapshot!(bot.inc(1).slash(ANA, "impact").await, @r"
    == What INC-1 reaches: not known ==
    No lineage is imported, so Muster cannot know what is below.
    Not in the catalog: w.orders. Add the name under [lineage.aliases], or import the asset.
    ");
    bot.end().await;
}

#[tokio::test]
async fn the_announcement_shows_the_last_update_and_how_it_stands() {
    let bot = revenue().await;
    bot.alert("dq", alert("w.orders")).await;
    let (inc, announced) = (bot.inc(1), bot.channel("data-incidents"));
    announced.expect("INC-1 SEV3 · pending");
    inc.slash(ANA, "update the backfil runs next 30m").await;
    inc.slash(ANA, "sev 2").await;
    insta::assert_snapshot!(announced.find("INC-1").text(), @r"
    INC-1 SEV2 · pending · w.orders is wrong · #inc-1-w-orders-is-wrong
    📣 2026-11-23 06:00 UTC: the backfil runs · next update: 2026-11-23 06:30 UTC
    ");
    // A correction reaches it, too.
    let timeline = inc.slash(ANA, "timeline").await;
    let line = timeline.lines().find(|line| line.contains("backfil runs")).unwrap();
    let number = line.trim_start_matches(['•', '-', ' ', '*']).split([' ', '*']).next().unwrap();
    inc.slash(ANA, &format!("edit {number} the backfill runs")).await;
    assert!(announced.find("INC-1").text().contains("the backfill runs"), "{}", announced.find("INC-1").text());
    inc.slash(ANA, "resolve reloaded").await;
    insta::assert_snapshot!(announced.find("INC-1").text(), @r"
    INC-1 SEV2 · resolved · w.orders is wrong · #inc-1-w-orders-is-wrong
    📣 2026-11-23 06:00 UTC: the backfill runs
    ");
    // A private one is never announced.
    bot.slash(BEN, "data-incidents", "declare! revenue is forged --private").await;
    bot.inc(2).slash(BEN, "update the auditors are here").await;
    inc.skip_rest();
    bot.inc(2).skip_rest();
    bot.finish().await;
}

#[tokio::test]
async fn the_draft_has_every_fix_what_was_ruled_out_and_who_owns_what() {
    let bot = revenue().await;
    bot.alert("dq", alert("w.orders")).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "since 05:00").await;
    inc.slash(BEN, "look code the deploy at 04:50 changed the loader").await;
    inc.slash(BEN, "look data half of the rows are missing").await;
    inc.slash(BEN, "tried restarting the loader: no change").await;
    inc.slash(CHLOE, "ruled-out the deploy at 04:50").await;
    inc.slash(CHLOE, "ruled-out the network").await;
    inc.slash(ANA, "cause data the vendor sent half a file").await;
    inc.slash(ANA, "fix reloaded the file").await;
    bot.advance(minutes(20)).await;
    inc.slash(ANA, "fix the loader now refuses half a file").await;
    inc.slash(ANA, "task add check the number of rows @ben").await;
    inc.slash(ANA, "task add ask the vendor").await;
    inc.slash(ANA, "good-again 06:15").await;
    inc.slash(ANA, "resolve done").await;
    let draft = draft(&bot).await;
    let sections = ["Causes", "Tried", "Ruled out", "Resolution", "Action items", "SLA"];
    let shown = sections.map(|name| format!("{name}\n{}", section(&draft, name))).join("\n\n");
    insta::assert_snapshot!(shown, @r"
    Causes
    - Likeliest root by the lineage: w.orders (it shows the issue itself (other); nothing above it is known to be bad).
    - A look at the data showed: half of the rows are missing
    - Cause (data): the vendor sent half a file

    Tried
    - At 06:00: restarting the loader: no change

    Ruled out
    - At 06:00: the deploy at 04:50
    - At 06:00: the network
    - A look at the code showed: the deploy at 04:50 changed the loader

    Resolution
    - Resolved at 06:20: done
    - Fix at 06:00: reloaded the file
    - Fix at 06:20: the loader now refuses half a file
    - Time to recover: 15 min.

    Action items
    - Task 1: add check the number of rows (Ben)
    - Task 2: add ask the vendor (nobody yet)

    SLA
    - w.orders: by 07:00 UTC; data bad for 1 h 15 min in this incident
    ");
    bot.end().await;
}

/// What was not read is not called empty, and what PagerDuty was asked is not called done.
#[tokio::test]
async fn what_is_only_asked_for_or_not_read_is_said_so() {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    sandbox.faults().rate_limit("usergroups.users.list", 1, 600);
    let extra = "[[rotations]]\nname = \"data\"\nrole = \"commander\"\nslack_group = \"S0ORDERS01\"\n".to_owned();
    let bot = Bot::set_up(Setup { extra, sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    let told = bot.slash(ANA, "data-incidents", "oncall").await;
    assert!(told.contains("not read yet"), "{told}");
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    assert!(inc.card().text().contains("page for orders-pipeline: open in PagerDuty"), "{}", inc.card().text());
    let status = bot.get("/api/v1/assets/never.heard.of/status").await;
    assert_eq!(status["words"], "no open incident of it; what it is made of is not known");
    bot.end().await;
}
