//! The verbs of the contract that make people learn, find the cause and reach each other, and each of them by hand too.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::*;

#[tokio::test]
async fn whys_the_cause_and_what_was_learnt_reach_the_post_mortem() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(ANA, "why 1 nobody looked").await, @"There is no why 1 yet: /incident why <text> answers the first.");
    insta::assert_snapshot!(inc.slash(ANA, "why the load stopped at 05:00").await, @"INC-1: Ana answered why 1: the load stopped at 05:00.");
    // The button asks the next, and repeats the last.
    inc.find("Why 1").button("Why?").click(BEN).await;
    let form = bot.sandbox.slack().open_views(BEN)[0].view.to_string();
    assert!(form.contains("Why 1: the load stopped at 05:00"), "{form}");
    bot.submit(BEN, json!({"text": "its disk was full"})).await;
    inc.find("Why 2 (of 1)");
    assert_eq!(
        inc.slash(ANA, "why 1 nothing retried it").await,
        "INC-1: Ana answered why 3 (of 1): nothing retried it."
    );
    insta::assert_snapshot!(inc.slash(ANA, "why 9 gremlins").await, @"There is no why 9; the last one is 3.");
    insta::assert_snapshot!(inc.slash(ANA, "cause gremlins").await, @"A cause lies with data, logic or operations. It is written /incident cause <data|logic|operations> <text>: what caused it, as you agreed; never who.");
    inc.slash(ANA, "cause data the source was late").await;
    // Named again, the last one holds. Its words can be corrected, and the post-mortem follows.
    inc.slash(ANA, "cause").await;
    bot.submit(ANA, json!({"kind": "operations", "text": "nothing watched the disc"})).await;
    assert!(inc.card().text().contains("• cause (operations): nothing watched the disc"), "{}", inc.card().text());
    let timeline = inc.slash(ANA, "timeline").await;
    let line = timeline.lines().find(|line| line.contains("nothing watched the disc")).unwrap().to_owned();
    let number = line.trim_start_matches("• ").split(' ').next().unwrap().to_owned();
    inc.slash(ANA, &format!("edit {number} nothing watched the disk")).await;
    inc.slash(BEN, "retro well the runbook had the very step").await;
    inc.slash(BEN, "retro").await;
    bot.submit(BEN, json!({"what": "lucky", "text": "it was not month end"})).await;
    insta::assert_snapshot!(inc.slash(BEN, "retro never").await, @"Something went well, was hard, or was lucky. It is written /incident retro <well|hard|lucky> <text>: what went well, what was hard, where luck helped: for the post-mortem.");
    inc.slash(BEN, "resolve done").await;
    inc.find("Resolved").button("What did we learn?").click(BEN).await;
    bot.submit(BEN, json!({"what": "hard", "text": "nobody knew the loader"})).await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    let section =
        |name: &str| draft.split(&format!("## {name}\n\n")).nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    insta::assert_snapshot!(section("Causes"), @r"
    - Why 1: the load stopped at 05:00
    - Why 2 (of 1): its disk was full
    - Why 3 (of 1): nothing retried it
    - Cause (data): the source was late
    - Cause (operations): nothing watched the disk
    ");
    for (name, words) in [
        ("What went well", "- the runbook had the very step"),
        ("What was hard", "- nobody knew the loader"),
        ("Where we were lucky", "- it was not month end"),
    ] {
        assert_eq!(section(name), words);
    }
    let resolved = inc.find("Resolved").text().to_owned();
    assert!(!resolved.contains("what caused it"), "{resolved}");
    bot.end().await;
}

#[tokio::test]
async fn what_was_no_incident_is_dismissed_with_a_reason() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(ANA, "dismiss expected").await, @"Why? Whoever reads it later wants to know. It is written /incident dismiss <false-positive|expected|duplicate> <reason>: end it as no incident, and say why.");
    insta::assert_snapshot!(inc.slash(ANA, "dismiss the backfill runs").await, @"It is a false positive, expected, or a duplicate. It is written /incident dismiss <false-positive|expected|duplicate> <reason>: end it as no incident, and say why.");
    insta::assert_snapshot!(inc.slash(ANA, "dismiss false-positive the check was wrong").await, @"INC-1: Ana resolved (false alarm): the check was wrong.");
    assert_eq!(bot.incident(1).await["status"], "resolved");
    bot.clock.advance(Duration::days(2));
    bot.alert("dq", json!({"key": "2", "title": "another", "asset": "w.x"})).await;
    bot.inc(2).slash(BEN, "take command").await;
    bot.advance(minutes(40)).await;
    bot.inc(2).slash(BEN, "resolve done").await;
    // What went before the last day is not counted; verdicts are of all time.
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "stats 1d").await, @r"
    📊 Since 2026-11-24 06:40 UTC
    1 incident (1 SEV3). Medians: acknowledged in 0 min, resolved in 40 min.
    Alerts, by what people said of them: 0 of 1 were useful (0 %). Monitors judged: 1.
    The noisiest:
    • orders are stale for 9 h (dq): false 1, expected 0, useful 0 (0 %)
    ");
    assert!(bot.slash(ANA, "data-incidents", "stats").await.contains("2 incidents (1 SEV2, 1 SEV3)"));
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "stats soon").await, @"“soon” is not a time I understand. It is written /incident stats [30d]: how incidents went, and how monitors do by what people said of their alerts.");
    bot.end().await;
}

#[tokio::test]
async fn what_was_promised_is_set_beside_what_was_broken() {
    let bot = Bot::start().await;
    let catalog = "assets: [{name: warehouse.orders, sla: 'by 07:00 UTC'}]\nedges: [[warehouse.orders, bi.sales]]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    assert!(inc.slash(ANA, "sla").await.contains("1 incident, no time of bad data is recorded"));
    inc.slash(ANA, "since 3h ago").await;
    bot.advance(minutes(60)).await;
    insta::assert_snapshot!(inc.slash(ANA, "sla").await, @r"
    📜 What was promised, and the incidents that were opened in the last 30 days
    • warehouse.orders: by 07:00 UTC; data bad for 4 h 0 min in 1 incident
    ");
    inc.slash(ANA, "good-again 30m ago").await;
    inc.slash(ANA, "resolve done").await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(
        draft.contains("## SLA\n\n- warehouse.orders: by 07:00 UTC; data bad for 3 h 30 min in this incident\n"),
        "{draft}"
    );
    assert!(bot.slash(ANA, "data-incidents", "sla warehouse.orders").await.contains("data bad for 3 h 30 min"));
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "sla bi.sales").await, @r"
    📜 What was promised, and the incidents that were opened in the last 30 days
    • bi.sales: no SLA is known; no incident that you can see
    ");
    bot.end().await;
}

#[tokio::test]
async fn nobody_answers_so_it_is_escalated() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "escalate").await;
    inc.slash(ANA, "escalate the board meets at nine").await;
    let titles: Vec<_> = bot.sandbox.pagerduty().incidents().into_iter().map(|one| one.title).collect();
    assert_eq!(
        titles[1..],
        ["[INC-1] SEV2 Escalated: orders are stale for 9 h", "[INC-1] SEV2 the board meets at nine"],
    );
    inc.slash(ANA, "resolve done").await;
    assert!(bot.sandbox.pagerduty().incidents().iter().all(|one| one.status == "resolved"));
    insta::assert_snapshot!(inc.slash(ANA, "escalate").await, @"INC-1 is resolved. If it is not over, reopen it with /incident reopen <reason>.");
    bot.end().await;
}

/// The REST requests are held against PagerDuty's own schema.
fn check_rest(call: &muster::sandbox::RestCall) {
    let document: Value = serde_json::from_str(&fixture("specs/rest.json")).unwrap();
    let mut schema =
        document["paths"][&call.path][call.method]["requestBody"]["content"]["application/json"]["schema"].clone();
    assert!(!schema.is_null(), "{call:?}");
    schema["components"] = document["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&call.body).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{:#}", call.body);
    assert_eq!(call.from, "bot@example.com");
}

#[tokio::test]
async fn one_person_is_paged_by_the_rest_api_and_without_it_by_name() {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    let pager = sandbox.pagerduty();
    pager.add_user("The bot", "bot@example.com");
    pager.add_user("Chloe", "chloe@pager.example.com");
    pager.add_service("PORDERS");
    let variables = vec![
        ("MUSTER_PAGERDUTY__API_TOKEN", "pagerduty-api-token".to_owned()),
        ("MUSTER_PAGERDUTY__API_URL", sandbox.pagerduty_url()),
        ("MUSTER_PAGERDUTY__FROM", "bot@example.com".to_owned()),
    ];
    let extra =
        "[[services]]\nname = \"returns\"\nassets = [\"w.returns\"]\npagerduty_service_id = \"PORDERS\"".to_owned();
    let bot = Bot::set_up(Setup { extra, variables, sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    bot.alert("dq", json!({"key": "r", "title": "returns are late", "asset": "w.returns", "severity": "info"})).await;
    let inc = bot.inc(1);
    bot.advance(minutes(11)).await;
    inc.slash(ANA, "page @chloe please look").await;
    inc.find(
        "PagerDuty knows nobody with the address chloe@example.com. If you have another address there, say so with",
    );
    insta::assert_snapshot!(inc.slash(CHLOE, "link not-an-address@").await, @"“not-an-address@” is not an e-mail address. It is written /incident link [e-mail]: INC-12 link moves that incident to this channel; with an e-mail address, it says who you are in PagerDuty.");
    insta::assert_snapshot!(inc.slash(CHLOE, "link ben@example.com").await, @"ben@example.com is somebody else's.");
    insta::assert_snapshot!(inc.slash(CHLOE, "link <mailto:chloe@pager.example.com|chloe@pager.example.com>").await, @"chloe@pager.example.com is you in PagerDuty from now on: on schedules, and when somebody pages you.");
    bot.sandbox.faults().lose_answer("pagerduty", 1);
    inc.slash(ANA, "page @chloe please look").await;
    bot.advance(minutes(2)).await;
    let pages = bot.sandbox.pagerduty().incidents();
    assert_eq!(pages.len(), 1, "a lost answer pages nobody twice: {pages:#?}");
    assert_eq!(
        (pages[0].title.as_str(), &pages[0].details["assigned"]),
        ("[INC-1] SEV5 please look", &json!("PUSER1"))
    );
    assert!(inc.card().text().contains("page for Chloe: paged"), "{}", inc.card().text());
    inc.slash(BEN, "ack").await;
    assert_eq!(bot.sandbox.pagerduty().incidents()[0].status, "acknowledged");
    inc.slash(BEN, "resolve done").await;
    assert_eq!(bot.sandbox.pagerduty().incidents()[0].status, "resolved");
    bot.sandbox.pagerduty().rest_calls().iter().for_each(check_rest);
    // Where the service has no id in PagerDuty, those who answer for it are paged, with the name.
    bot.alert("dq", stale_orders()).await;
    bot.inc(2).slash(ANA, "page @chloe").await;
    let last = bot.sandbox.pagerduty().incidents().pop().unwrap();
    assert_eq!(last.title, "[INC-2] SEV2 For Chloe: orders are stale for 9 h");
    bot.end_with_given_up(1).await;
}

#[tokio::test]
async fn every_verb_can_be_chosen_by_hand() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let more = || async { inc.card().button("More…").click(BEN).await };
    more().await;
    bot.submit(BEN, json!({"verb": "note", "rest": "the loader was restarted"})).await;
    inc.find("📝 @Ben: the loader was restarted");
    // What cannot be read stays in the form.
    more().await;
    bot.submit(BEN, json!({"verb": "since", "rest": "whenever"})).await;
    assert_eq!(bot.sandbox.slack().open_views(BEN).len(), 1);
    bot.submit(BEN, json!({"verb": "since", "rest": "2h ago"})).await;
    inc.find("bad since");
    // What asks more asks it in the same place; what is read is whispered.
    more().await;
    bot.submit(BEN, json!({"verb": "cause"})).await;
    bot.submit(BEN, json!({"kind": "logic", "text": "a join lost rows"})).await;
    inc.find("a join lost rows");
    more().await;
    bot.submit(BEN, json!({"verb": "timeline"})).await;
    let told = bot.sandbox.slack().ephemerals(&inc.name, BEN).pop().unwrap();
    assert!(told.text.contains("Timeline of INC-1"), "{}", told.text);
    // It is asked who may when it is sent.
    inc.card().button("More…").click(GUEST).await;
    bot.submit(GUEST, json!({"verb": "resolve", "rest": "done"})).await;
    assert_eq!(bot.incident(1).await["status"], "pending");
    bot.end().await;
}

#[tokio::test]
async fn a_message_becomes_a_task() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(BEN);
    let ts = inc.say(BEN, "somebody must tell the vendor").await;
    let message = bot.sandbox.slack().messages(&inc.name).into_iter().find(|one| one.ts == ts).unwrap();
    inc.shortcut(ANA, &message, "task_from_message").await;
    bot.submit(ANA, json!({"owner": CHLOE, "due": "someday"})).await;
    assert_eq!(bot.sandbox.slack().open_views(ANA).len(), 1, "a mistake is shown in the form");
    bot.submit(ANA, json!({"text": "somebody must tell the vendor", "owner": CHLOE, "due": "2h"})).await;
    inc.find("☐ Task 1 for @Chloe: somebody must tell the vendor");
    assert!(inc.card().text().contains("— @Chloe"), "{}", inc.card().text());
    // In a channel of no incident there is a choice.
    let data = bot.channel("data-incidents");
    let ts = data.say(ANA, "and the board").await;
    let message = bot.sandbox.slack().messages("data-incidents").into_iter().find(|one| one.ts == ts).unwrap();
    for (shortcut, kept) in [("task_from_message", "☐ Task 2: and the board"), ("timeline", "📝 @Ana: and the board")]
    {
        data.shortcut(ANA, &message, shortcut).await;
        let choice = bot.sandbox.slack().ephemerals("data-incidents", ANA).pop().unwrap();
        bot.sandbox.slack().click(ANA, &choice, "INC-1: orders are stale for 9 h").await.unwrap();
        bot.settle().await;
        inc.find(kept);
    }
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

#[tokio::test]
async fn any_message_can_be_pinned_with_its_own_time_and_files_and_taken_back() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(ANA);
    let slack = bot.sandbox.slack();
    let ts = inc.say(ANA, "the disk was full").await;
    bot.advance(minutes(30)).await;
    slack.react(BEN, &inc.name, &ts, "pushpin");
    bot.settle().await;
    // What the bot said itself, and what it has not heard, is looked up.
    let said = inc.find("PagerDuty notified somebody").view.ts.clone();
    bot.sandbox.faults().fail_with("conversations.replies", 1, "internal_error");
    slack.react(BEN, &inc.name, &said, "pushpin");
    bot.settle().await;
    bot.advance(minutes(1)).await;
    let timeline = inc.slash(BEN, "timeline").await;
    let line = timeline.lines().find(|line| line.contains("Ana said: the disk was full")).unwrap();
    assert!(line.contains("06:00 UTC"), "its own time: {line}");
    assert!(timeline.contains("said: 🔔") || timeline.contains("PagerDuty notified somebody"), "{timeline}");
    let marked =
        slack.messages(&inc.name).into_iter().filter(|one| one.reactions.iter().any(|name| name == "white_check_mark"));
    assert_eq!(marked.count(), 2);
    slack.delete(&inc.name, &ts);
    bot.settle().await;
    let timeline = inc.slash(BEN, "timeline").await;
    assert!(timeline.contains("(deleted in Slack)") && !timeline.contains("the disk was full"), "{timeline}");
    bot.end().await;
}

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
    inc.find("I could not deliver a message to people outside: people of another workspace read #with-the-vendor");
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
    bot.end_with_given_up(5).await;
}

/// Numbers, times and names at the edges: each is answered with words, and nothing else happens.
#[tokio::test]
async fn lines_at_the_edges_are_answered_with_words() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let max = "99999999999999999999999999";
    let lines = [
        format!("remind {max}d"),
        "remind 0m".into(),
        "remind -5m".into(),
        format!("update x next {max}h"),
        "update x next 999999999h".into(),
        "since 99:99".into(),
        "since 31.02.2026 12:00".into(),
        format!("since {max} days ago"),
        "since 9999-12-31 23:59".into(),
        "good-again 0000-00-00".into(),
        format!("silence w.* {max}h because"),
        "silence w.* 0m because".into(),
        "silence [a 2h because".into(),
        format!("edit {max} x"),
        "edit 0 x".into(),
        "edit -1 at 06:00".into(),
        format!("timeline {max}"),
        "timeline 0".into(),
        "timeline -3".into(),
        format!("alerts {max}"),
        format!("tasks {max}"),
        format!("task done {max}"),
        format!("task x @ben {max}d"),
        format!("why {max} x"),
        "why 0 x".into(),
        format!("move {max} new"),
        "move 0 new".into(),
        "merge INC-1".into(),
        format!("merge INC-{max}"),
        format!("INC-{max} show"),
        "INC-0 ack".into(),
        "INC- ack".into(),
        format!("runbook done {max}"),
        "runbook skip 0 x".into(),
        "sev 0".into(),
        "sev 99999999999".into(),
        format!("unsilence {max}"),
        format!("stats {max}d"),
        "stats -1d".into(),
        "search".into(),
        format!("search since {max}d"),
        "search \"".into(),
        "page".into(),
        "page @".into(),
        "assign responder <@>".into(),
        "assign responder <@U1|".into(),
        "take \u{202E}redocs".into(),
        "note \u{200B}\u{200B}".into(),
        "link @".into(),
        format!("link {}@example.com", "a".repeat(300)),
        "dismiss".into(),
        "cause".into(),
        "retro \u{1F600}".into(),
        "asset \u{0}".into(),
        format!("asset {}", "a".repeat(2_000)),
        format!("subscribe {}", "é".repeat(600)),
        "look".into(),
        "help \u{1F600}".into(),
        "\u{1F600}".into(),
        "".into(),
        "    ".into(),
        format!("note {}", "x".repeat(5_000)),
        format!("declare {}", "é".repeat(500)),
    ];
    for line in &lines {
        let answer = bot.sandbox.slack().command(ANA, &inc.name, line).await;
        assert_eq!(answer.status, 200, "{line}");
        // A form, where one asks, is the answer.
        let form = !bot.sandbox.slack().open_views(ANA).is_empty();
        assert!(form || !answer.text().is_empty(), "{line}");
        bot.settle().await;
    }
    let incident = bot.incident(1).await;
    assert_eq!((&incident["status"], &incident["severity"]), (&json!("pending"), &json!("SEV2")));
    bot.clock.advance(Duration::days(400));
    bot.settle().await;
    bot.end().await;
}

/// What a role asks of people stands in the playbook, and an operator's own playbook says it in its own words.
#[tokio::test]
async fn role_cards_say_what_the_playbook_asks_of_the_role_now() {
    let folder = crate::harness::folder();
    let book = "---\nid: handle-an-incident\ntitle: Ours\nkind: playbook\n---\n\n- [ ] **Scribe:** write it in the `red book`.\n- [ ] **Liaison and commander:** call the desk.\n- [ ] **Scribe:** read it aloud.\n";
    std::fs::write(folder.path().join("handle-an-incident.md"), book).unwrap();
    let extra = format!("[runbooks]\npath = {:?}", folder.path());
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let card = inc.slash(ANA, "role scribe").await;
    assert!(card.contains("write it in the red book") && card.contains("read it aloud"), "{card}");
    assert!(!card.contains("call the desk"), "{card}");
    for role in ["liaison", "commander"] {
        assert!(inc.slash(ANA, &format!("role {role}")).await.contains("call the desk"), "{role}");
    }
    // What is done is not asked any more.
    inc.slash(ANA, "runbook handle-an-incident").await;
    inc.slash(ANA, "runbook done 1").await;
    let card = inc.slash(ANA, "role scribe").await;
    assert!(!card.contains("red book") && card.contains("read it aloud"), "{card}");
    // Where it says nothing of a role, Muster does.
    assert!(inc.slash(ANA, "role deputy").await.contains("Watch when the next update is due"));
    bot.end().await;
}
