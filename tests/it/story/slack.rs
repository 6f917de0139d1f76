//! Slack, whole: what a responder, a commander and a bystander find where a hand would look for it. `docs/slack.md` lists the surfaces
//! with the stories that prove them.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::*;

async fn bot_with(extra: &str) -> Bot {
    Bot::set_up(Setup { extra: extra.to_owned(), ..Setup::default() }).await
}

/// What only one person reads next in a channel, with its buttons.
fn whispered(bot: &Bot, channel: &str, user: &str) -> muster::sandbox::MessageView {
    bot.sandbox.slack().ephemerals(channel, user).pop().unwrap_or_else(|| panic!("{user} heard nothing in #{channel}"))
}

async fn press(bot: &Bot, user: &str, message: &muster::sandbox::MessageView, label: &str) {
    bot.sandbox.slack().click(user, message, label).await.unwrap();
    bot.settle().await;
}

fn labels(message: &muster::sandbox::MessageView) -> Vec<&str> {
    message.buttons.iter().map(|button| button.label.as_str()).collect()
}

#[tokio::test]
async fn words_of_the_field_any_order_and_slips_are_understood() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "new sev1: orders are late --on warehouse.orders").await;
    let incident = bot.incident(1).await;
    assert_eq!((&incident["title"], &incident["severity"]), (&json!("orders are late"), &json!("SEV1")));
    assert_eq!(incident["assets"], json!(["warehouse.orders"]));
    let inc = bot.inc(1);
    assert_eq!(inc.slash(BEN, "ic").await, "INC-1: Ben took the role of commander.");
    assert_eq!(inc.slash(BEN, "assign @chloe scribe").await, "INC-1: Ben made Chloe scribe.");
    assert_eq!(inc.slash(BEN, "comms @ana").await, "INC-1: Ben made Ana liaison.");
    assert_eq!(inc.slash(BEN, "severity 2").await, "INC-1: Ben changed the severity from SEV1 to SEV2.");
    assert_eq!(inc.slash(CHLOE, "claim").await.split(' ').next(), Some("Ben"), "he has it already");
    // A slip is answered with a button that says what was meant.
    insta::assert_snapshot!(inc.slash(BEN, "asign responder @ana").await, @"I do not know “asign”. Did you mean /incident assign? /incident help lists all.");
    let slip = whispered(&bot, &inc.name, BEN);
    assert_eq!(labels(&slip), ["/incident assign responder <@U0ANA00001|ana>"]);
    press(&bot, BEN, &slip, &slip.buttons[0].label).await;
    assert!(bot.incident(1).await["roles"]["responder"].to_string().contains(ANA));
    // Elsewhere the open incidents are offered, and the press says the same line for the one that is meant.
    bot.slash(ANA, "data-incidents", "declare! a dashboard is empty").await;
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "note restarted it").await, @"Which incident do you mean by note restarted it?");
    let choice = whispered(&bot, "data-incidents", BEN);
    assert_eq!(labels(&choice), ["INC-1: orders are late", "INC-2: a dashboard is empty"], "what he is in comes first");
    press(&bot, BEN, &choice, "INC-2: a dashboard is empty").await;
    bot.inc(2).find("📝 @Ben: restarted it");
    // Help knows topics, and where it is asked.
    assert!(inc.slash(BEN, "help").await.contains("here it is about INC-1"));
    insta::assert_snapshot!(inc.slash(BEN, "help silence").await);
    bot.end().await;
}

#[tokio::test]
async fn what_is_open_already_is_shown_before_another_one_opens() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "edges: [[w.raw, w.orders], [w.orders, bi.sales]]".to_owned()).await;
    bot.slash(ANA, "data-incidents", "declare orders of yesterday missing --on w.orders").await;
    // By its words, by its asset, and by what the lineage ties to it.
    for line in [
        "declare yesterday's orders missing",
        "declare numbers look odd --on w.orders",
        "declare sales board empty --on bi.sales",
    ] {
        let told = bot.slash(BEN, "data-incidents", line).await;
        assert!(told.starts_with("This looks like what is open already:"), "{line}: {told}");
    }
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "declare orders missing from yesterday").await);
    let choice = whispered(&bot, "data-incidents", BEN);
    assert_eq!(labels(&choice), ["Join INC-1", "Open a new one anyway"]);
    press(&bot, BEN, &choice, "Join INC-1").await;
    assert!(bot.incident(1).await["roles"]["responder"].to_string().contains(BEN));
    press(&bot, BEN, &choice, "Open a new one anyway").await;
    assert_eq!(bot.incident(2).await["title"], "orders missing from yesterday");
    // The form shows them too, keeps what was typed, and sent twice it opens one.
    bot.slash(CHLOE, "data-incidents", "declare").await;
    let answers =
        json!({"title": "orders of yesterday are missing", "severity": "2", "asset": "w.orders", "pillar": "volume"});
    let answer = bot.submit(CHLOE, answers).await;
    assert_eq!(answer.json["response_action"], "update");
    let view = &bot.sandbox.slack().open_views(CHLOE)[0];
    assert_eq!(view.title, "Is it one of these?");
    let body = bot.sandbox.slack().submission_body(CHLOE, &json!({})).await.unwrap();
    for _ in 0..2 {
        assert_eq!(bot.sandbox.slack().raw_interaction(body.clone()).await.status, 200);
    }
    bot.settle().await;
    let third = bot.incident(3).await;
    assert_eq!(
        (&third["severity"], &third["pillar"], &third["title"]),
        (&json!("SEV2"), &json!("volume"), &json!("orders of yesterday are missing"))
    );
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 3);
    bot.end().await;
}

#[tokio::test]
async fn a_message_becomes_an_incident_and_the_first_line_of_its_story() {
    let bot = Bot::start().await;
    let said = bot.channel("data-incidents").say(BEN, "why is churn 0 today?").await;
    let message =
        bot.sandbox.slack().messages("data-incidents").into_iter().find(|message| message.ts == said).unwrap();
    bot.sandbox.slack().message_shortcut(CHLOE, &message, "declare_from_message").await;
    bot.submit(CHLOE, json!({"severity": "4"})).await;
    let inc = bot.inc(1);
    let told = inc.slash(CHLOE, "timeline").await;
    assert!(told.contains("Ben said: why is churn 0 today? (message)"), "{told}");
    let marked = bot.sandbox.slack().messages("data-incidents").into_iter().find(|message| message.ts == said).unwrap();
    assert_eq!(marked.reactions, ["white_check_mark"]);
    // Speaking to the bot is a line, answered only to the one who spoke; a form opens from a button.
    bot.channel("data-incidents").say(ANA, "@muster list").await;
    assert!(whispered(&bot, "data-incidents", ANA).text.contains("INC-1"));
    bot.channel("data-incidents").say(ANA, "hey @muster declare").await;
    let asked = whispered(&bot, "data-incidents", ANA);
    press(&bot, ANA, &asked, "Open the form").await;
    assert_eq!(bot.sandbox.slack().open_views(ANA)[0].title, "Declare an incident");
    bot.channel("data-incidents").say(ANA, "@muster the revenue board is empty").await;
    assert_eq!(labels(&whispered(&bot, "data-incidents", ANA)), ["/incident declare the revenue board is empty"]);
    bot.end().await;
}

#[tokio::test]
async fn a_drill_pages_nobody_tells_nobody_and_counts_nowhere() {
    let bot = bot_with("[lineage]\nnotify_tiers = [1, 2, 3, 4]").await;
    let catalog = "assets: [{name: bi.sales, owners: [{name: Sales, slack: '#sales'}]}]\nedges: [[w.orders, bi.sales]]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.sandbox.slack().add_channel("sales", &[CHLOE]);
    bot.slash(ANA, "data-incidents", "drill the loader dies --sev 1 --on w.orders").await;
    let name = bot.sandbox.slack().channels().into_iter().find(|one| one.name.starts_with("drill-inc-1")).unwrap().name;
    let inc = bot.channel(&name);
    assert!(inc.card().text().starts_with("== DRILL · INC-1: the loader dies =="), "{}", inc.card().text());
    assert!(inc.view().topic.starts_with("DRILL"));
    inc.slash(BEN, "take command").await;
    insta::assert_snapshot!(inc.slash(BEN, "page default").await, @"INC-1 is a drill: nobody outside is paged or told.");
    insta::assert_snapshot!(inc.slash(BEN, "notify downstream").await, @"INC-1 is a drill: nobody outside is paged or told.");
    bot.advance(minutes(20)).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 0);
    assert!(bot.sandbox.slack().messages("sales").is_empty(), "nobody outside is told");
    assert!(bot.slash(ANA, "data-incidents", "stats").await.contains("0 incidents"));
    bot.sandbox.slack().open_home(CHLOE);
    bot.settle().await;
    let home = bot.sandbox.slack().home_text(CHLOE);
    assert!(home.contains("Nothing is open. In 30 days: 0.") && home.contains("DRILL · the loader dies"), "{home}");
    // A real alert about the same table is no drill's, and the table is trusted while people practise.
    assert_eq!(bot.get("/api/v1/assets/w.orders/status").await["status"], "ok");
    let answer = bot.alert("dq", json!({"key": "k", "title": "orders are late", "asset": "w.orders"})).await;
    assert_eq!(answer["alerts"][0]["incident"], "INC-2");
    // How it went is said at its end: of what a real one asks, what was done, and how soon.
    inc.slash(BEN, "update we restart the loader").await;
    inc.slash(BEN, "since 2h ago").await;
    inc.slash(BEN, "task write the runbook").await;
    inc.slash(BEN, "resolve it was practice").await;
    insta::assert_snapshot!(inc.find("The drill is over").text(), @r"
    🎯 The drill is over: 4 of 8 of what a real one asks.
    • ✅ somebody acknowledged (after 0 min)
    • ✅ somebody took the command (after 0 min)
    • ✅ people were told how it stands (after 20 min)
    • ✅ it is recorded since when the data was bad
    • ❌ it is recorded what caused it
    • ❌ it is recorded what mended it
    • ❌ it is recorded since when the data is good again
    • ❌ every task is done
    What was ❌ is what to talk about, not who. /incident drill practises again.
    ");
    bot.end().await;
}

#[tokio::test]
async fn a_private_incident_is_seen_by_those_in_it_only() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare salaries leaked into the mart --private").await;
    let inc = bot.inc(1);
    assert!(bot.sandbox.slack().channel(&inc.name).unwrap().private);
    assert!(!bot.sandbox.slack().messages("data-incidents").iter().any(|message| message.text.contains("salaries")));
    assert_eq!(inc.view().members.len(), 2, "Ana and the bot: {:?}", inc.view().members);
    for line in ["show INC-1", "INC-1 ack", "INC-1 timeline", "INC-1 brief"] {
        let told = bot.slash(BEN, "data-incidents", line).await;
        assert_eq!(told, "There is no INC-1. /incident list shows what is open.", "{line}");
    }
    assert!(!bot.slash(BEN, "data-incidents", "list all").await.contains("salaries"));
    assert!(!bot.slash(BEN, "data-incidents", "declare salaries leaked into the mart").await.contains("looks like"));
    assert!(bot.slash(ANA, "data-incidents", "list").await.contains("🔒 salaries leaked"));
    // Nor does a page that everybody reads say so, and a monitor's alert about the same table is for everybody.
    bot.slash(ANA, "data-incidents", "declare salaries are wrong --on hr.salaries --private").await;
    assert_eq!(bot.get("/api/v1/assets/hr.salaries/status").await["status"], "ok");
    assert!(!bot.slash(CHLOE, "data-incidents", "asset hr.salaries").await.contains("INC-3"));
    let answer = bot.alert("dq", json!({"key": "s", "title": "salaries are stale", "asset": "hr.salaries"})).await;
    assert_eq!(answer["alerts"][0]["incident"], "INC-4");
    for line in ["INC-4 merge INC-3", "INC-4 move 1 INC-3"] {
        let told = bot.slash(BEN, "data-incidents", line).await;
        assert_eq!(told, "There is no INC-3. /incident list shows what is open.", "{line}");
    }
    inc.slash(ANA, "assign responder @ben").await;
    assert!(bot.slash(BEN, "data-incidents", "show INC-1").await.contains("salaries leaked"));
    bot.end().await;
}

/// One rule says who sees a private incident; a task in it lets its owner in everywhere, and its end keeps nobody out.
#[tokio::test]
async fn a_task_in_a_private_incident_is_its_owners_to_see_everywhere() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare salaries leaked into the mart --private").await;
    let inc = bot.inc(1);
    inc.slash(ANA, "task rotate the keys @ben friday").await;
    bot.sandbox.slack().open_home(BEN);
    bot.sandbox.slack().open_home(CHLOE);
    bot.settle().await;
    let home = bot.sandbox.slack().home_text(BEN);
    assert!(home.contains("rotate the keys") && home.contains("salaries leaked"), "{home}");
    for line in ["list", "search salaries", "show INC-1"] {
        let told = bot.slash(BEN, "data-incidents", line).await;
        assert!(told.contains("salaries leaked"), "{line}: {told}");
        let told = bot.slash(CHLOE, "data-incidents", line).await;
        assert!(!told.contains("salaries leaked"), "{line}: {told}");
    }
    assert!(!bot.sandbox.slack().home_text(CHLOE).contains("salaries"), "she is not in it");
    bot.end().await;
}

#[tokio::test]
async fn roles_are_held_by_several_left_and_explained() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(BEN, "assign liaison @ana @chloe").await;
    assert_eq!(bot.incident(1).await["roles"]["liaison"], json!([ANA, CHLOE]), "several may speak to those outside");
    let card = whispered(&bot, &inc.name, CHLOE);
    assert!(card.text.contains("You are liaison in INC-1"), "{}", card.text);
    press(&bot, CHLOE, &card, "Give the role back").await;
    inc.find("@Chloe gave back the role of liaison.");
    inc.slash(BEN, "take command").await;
    insta::assert_snapshot!(whispered(&bot, &inc.name, BEN).text);
    insta::assert_snapshot!(inc.slash(ANA, "leave scribe").await, @"You do not have the role of scribe in INC-1.");
    insta::assert_snapshot!(inc.slash(ANA, "leave lunch").await, @"“lunch” is no role. It is written /incident leave [role]: give a role back.");
    assert!(inc.slash(ANA, "role scribe").await.contains("You are scribe in INC-1"));
    press(&bot, ANA, &whispered(&bot, &inc.name, ANA), "Take this role").await;
    assert_eq!(bot.incident(1).await["roles"]["scribe"], json!([ANA]));
    assert!(inc.view().members.contains(&ANA.to_owned()), "whoever has a role is in the channel");
    // What the commander must know.
    inc.slash(BEN, "tried restarting the loader: no change").await;
    inc.slash(BEN, "ruled out the network").await;
    inc.slash(BEN, "task add a freshness check @ana").await;
    insta::assert_snapshot!(inc.slash(BEN, "brief").await);
    assert_eq!(inc.slash(BEN, "leave").await, "INC-1: Ben gave back the role of commander.");
    bot.advance(minutes(5)).await;
    inc.find("Nobody has the command");
    bot.end().await;
}

const ROTATIONS: &str = r#"
[[rotations]]
name = "data on call"
services = ["finance"]
pagerduty_schedule = "PSCHED1"
[[rotations]]
name = "responders"
role = "responder"
slack_group = "S0FINANCE1"
[[rotations]]
name = "scribes by day"
role = "scribe"
people = ["U0ANA00001", "U0BEN00001"]
every = "day"
start = "2026-11-22T00:00:00"
overrides = [{from = "2026-11-23T07:00:00Z", until = "2026-11-23T08:00:00Z", people = ["U0CHLOE001"]}]
"#;

#[tokio::test]
async fn who_is_on_duty_is_named_asked_and_then_paged_for() {
    let clock = muster::clock::Clock::manual(start_time());
    let sandbox = sandbox(&clock).await;
    sandbox.slack().add_group("S0FINANCE1", &[BEN]);
    sandbox.pagerduty().on_call("PSCHED1", &[("Chloe", "chloe@example.com"), ("Zoe", "zoe@elsewhere.example")]);
    let extra = ROTATIONS.to_owned();
    let variables = vec![
        ("MUSTER_PAGERDUTY__API_TOKEN", "pagerduty-api-token".to_owned()),
        ("MUSTER_PAGERDUTY__API_URL", sandbox.pagerduty_url()),
    ];
    let bot = Bot::set_up(Setup { extra, variables, sandbox: Some((sandbox, clock)), ..Setup::default() }).await;
    // People are known by their address only once Slack told of them.
    bot.advance(minutes(11)).await;
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "oncall").await);
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "oncall nobody").await, @"There is no service “nobody”. There are: orders-pipeline, finance.");
    // A service without a team of its own: whoever is invited is so by a rotation.
    let late = json!({"key": "k", "title": "the ledger is late", "asset": "finance.ledger", "severity": "error"});
    bot.alert("dq", late).await;
    let inc = bot.inc(1);
    assert!(
        inc.card().text().contains(
            "on duty for commander: @Chloe (data on call; PagerDuty, read 06:10 UTC; not found in Slack: Zoe)"
        ),
        "{}",
        inc.card().text()
    );
    for person in [CHLOE, BEN] {
        assert!(inc.view().members.contains(&person.to_owned()), "{person} is invited");
    }
    bot.advance(minutes(5)).await;
    let asked =
        inc.find("⏰ Nobody has the command of this SEV2 after 5 min. @Chloe is on duty for it: can you take it?");
    assert!(asked.view.mentions.contains(&CHLOE.to_owned()));
    bot.advance(minutes(10)).await;
    let pages = bot.sandbox.pagerduty().incidents();
    assert_eq!(pages.len(), 2, "asked twice, then paged");
    assert!(pages[1].title.contains("Nobody has the command for 15 min"), "{}", pages[1].title);
    // Somebody stands in for an hour.
    bot.advance(minutes(45)).await;
    let told = bot.slash(ANA, "data-incidents", "oncall finance").await;
    assert!(told.contains("@U0CHLOE001 · standing in until 2026-11-23 08:00 UTC"), "{told}");
    // What cannot be read stays as it was, with its age.
    bot.sandbox.faults().down("pagerduty", true);
    bot.advance(minutes(30)).await;
    assert!(bot.slash(ANA, "data-incidents", "oncall finance").await.contains("PagerDuty, read 07:1"));
    bot.end().await;
}

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
    for words in ["PagerDuty notified somebody", "@Ben is now commander"] {
        assert_eq!(inc.find(words).view.thread, None, "{words}");
    }
    bot.end().await;
}

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
    let due = inc.find("⏰ Task 1 is due: add a freshness check — @Ben, how does it stand?");
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
        inc.find("⏰ @Ben, people have heard nothing of this SEV2 since 2026-11-23 06:00 UTC. How does it stand?");
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
    insta::assert_snapshot!(inc.slash(BEN, "remind later").await, @"“later” is no time I understand, or it is past already. It is written /incident remind <15m|off>: be reminded of the next update later, or no more.");
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

#[tokio::test]
async fn the_timeline_is_corrected_with_a_trace_and_follows_slack() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(BEN);
    inc.slash(BEN, "note the load never started").await;
    let ts = inc.say(BEN, "it was the disk").await;
    bot.sandbox.slack().react(ANA, &inc.name, &ts, "pushpin");
    bot.settle().await;
    let told = inc.slash(ANA, "timeline").await;
    let line = |words: &str| {
        let line = told.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words} in {told}"));
        line.trim_start_matches("• ").split(' ').next().unwrap().to_owned()
    };
    let (noted, opened) = (line("Ben noted"), line("opened the incident"));
    assert_eq!(
        inc.slash(ANA, &format!("edit {noted} the load never ended")).await,
        format!("INC-1: Ana corrected line {noted} to “the load never ended”.")
    );
    inc.slash(ANA, &format!("edit {noted} at 05:10")).await;
    assert_eq!(opened, "1");
    insta::assert_snapshot!(inc.slash(ANA, "edit 1 something else").await, @"Line 1 of the timeline is Muster's own record of what happened; its words stay. Its time can be corrected: /incident edit 1 at 06:10.");
    insta::assert_snapshot!(inc.slash(ANA, "edit 999 x").await, @"There is no such line. /incident timeline numbers them.");
    insta::assert_snapshot!(inc.slash(ANA, "edit x").await, @"Which line? /incident timeline numbers them. It is written /incident timeline: what happened, numbered; edit <n> <text> and edit <n> at 06:10 correct a line.");
    // What its author changes in Slack changes here; what is deleted is said to be.
    bot.sandbox.slack().edit(&inc.name, &ts, "it was the disk of loader 2");
    bot.settle().await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.contains("05:10 UTC Ben noted: the load never ended (corrected)"), "{draft}");
    assert!(draft.contains("Ben said: it was the disk of loader 2 (corrected)"), "{draft}");
    let marks = || {
        bot.sandbox
            .slack()
            .messages(&inc.name)
            .into_iter()
            .find(|message| message.ts == ts)
            .map(|message| message.reactions)
    };
    assert!(marks().unwrap().contains(&"white_check_mark".to_owned()), "it is marked");
    bot.sandbox.slack().unreact(ANA, &inc.name, &ts, "pushpin");
    bot.settle().await;
    assert!(!marks().unwrap().contains(&"white_check_mark".to_owned()), "and not any more");
    assert!(!bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("UTC Ben said: it was the disk"));
    bot.end().await;
}

#[tokio::test]
async fn incidents_are_found_by_word_asset_time_and_state_page_by_page() {
    let bot = Bot::start().await;
    for n in 0..20 {
        bot.slash(ANA, "data-incidents", &format!("declare! loader {n} stuck")).await;
    }
    bot.slash(ANA, "data-incidents", "declare! revenue doubled --sev 1 --on finance.revenue").await;
    bot.slash(BEN, "data-incidents", "INC-3 resolve done").await;
    let find = async |line: &str| -> Vec<String> {
        let told = bot.slash(CHLOE, "data-incidents", line).await;
        told.lines()
            .filter_map(|line| line.strip_prefix("• "))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(find("search doubled").await, ["INC-21"]);
    assert_eq!(find("search sev1").await, ["INC-21"]);
    assert_eq!(find("search finance").await, ["INC-21"]);
    assert_eq!(find("find about finance.revenue").await, ["INC-21"]);
    assert_eq!(find("search resolved").await, ["INC-3"]);
    assert_eq!(find("search before 2026-11-01").await, [""; 0]);
    assert_eq!(find("search loader 19").await, ["INC-20"]);
    let first = find("search loader stuck open").await;
    assert_eq!((first.len(), first[0].as_str()), (15, "INC-20"));
    let page = whispered(&bot, "data-incidents", CHLOE);
    press(&bot, CHLOE, &page, "Older").await;
    let next = whispered(&bot, "data-incidents", CHLOE);
    assert!(next.text.contains("INC-1 ") && !next.text.contains("INC-3 ") && next.buttons.is_empty(), "{}", next.text);
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "search since soon").await, @"since soon: that is no time I understand. It is written /incident search <words>: find incidents: search orders sev2 resolved since 30d about warehouse.orders.");
    bot.end().await;
}

const RULES: &str = r#"
[permissions]
admins = ["U0ANA00001"]
team = ["S0ORDERS01"]
[permissions.rules]
status = "commander"
severity = "responders"
triage = "team"
page = "admins"
"#;

#[tokio::test]
async fn one_table_says_who_may_do_what_and_holds_at_every_door() {
    let bot = bot_with(RULES).await;
    bot.sandbox.slack().joins("U0DAVE0001", "dave", "Dave");
    bot.settle().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    insta::assert_snapshot!(inc.slash(BEN, "resolve").await, @"Only the commander of the incident may change the status. Nobody is; /incident take commander makes you that. /incident help who shows who may do what.");
    inc.slash(CHLOE, "take command").await;
    insta::assert_snapshot!(inc.slash(BEN, "resolve").await, @"Only the commander of the incident may change the status. That is Chloe. /incident help who shows who may do what.");
    insta::assert_snapshot!(inc.slash(BEN, "sev 1").await, @"Only whoever has a role in the incident may change the severity. /incident take responder makes you one. /incident help who shows who may do what.");
    insta::assert_snapshot!(inc.slash(BEN, "page default").await, @"Only admins may page people. /incident help who shows who may do what.");
    // The button asks no form either, and the group counts.
    inc.enter("U0DAVE0001");
    assert!(inc.card().button("Resolve").click(BEN).await.starts_with("Only the commander"));
    assert_eq!(bot.sandbox.slack().open_views(BEN).len(), 0);
    assert!(
        bot.slash("U0DAVE0001", "data-incidents", "silence w.* 2h backfill")
            .await
            .starts_with("Only the data team may")
    );
    assert!(bot.slash(BEN, "data-incidents", "silence w.* 2h backfill").await.starts_with("Silence 1 holds"));
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "help who").await);
    // Admins may everything; guests may read.
    assert_eq!(inc.slash(ANA, "sev 3").await, "INC-1: Ana changed the severity from SEV2 to SEV3.");
    // A form that was opened while one might is refused when it is sent; so are a mention, and the home.
    inc.card().button("Severity").click(CHLOE).await;
    inc.slash(ANA, "take command").await;
    inc.card().button("Resolve").click(CHLOE).await;
    inc.enter(BEN);
    inc.say(BEN, "<@U0MUSTERBT> resolve").await;
    assert!(whispered(&bot, &inc.name, BEN).text.starts_with("Only the commander"));
    bot.advance(minutes(3)).await;
    inc.card().button("Resolve").click(ANA).await;
    inc.slash(CHLOE, "leave").await;
    bot.submit(CHLOE, json!({"severity": "1"})).await;
    assert_eq!(bot.incident(1).await["severity"], "SEV3");
    bot.sandbox.slack().add_bot("U0ROBOT001", "robot");
    inc.slash("U0ROBOT001", "note beep").await;
    let bots_own = inc.slash("U0ROBOT001", "note beep").await;
    assert!(bots_own.contains("may not"), "{bots_own}");
    assert!(inc.slash(ANA, "resolve done").await.contains("resolved"));
    assert!(bot.slash(GUEST, "data-incidents", "INC-1 reopen x").await.starts_with("Guests of this workspace cannot"));
    bot.end().await;
}

#[tokio::test]
async fn people_follow_assets_and_teams() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "edges: [[w.orders, bi.sales], [w.returns, bi.returns]]".to_owned()).await;
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "subscribe bi.sales").await, @"You hear of every incident that reaches bi.sales now. /incident unsubscribe bi.sales ends it.");
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "subscribe bi.sales").await, @"You follow bi.sales already.");
    bot.alert("dq", json!({"key": "k", "title": "orders are late", "asset": "w.orders"})).await;
    bot.alert("dq", json!({"key": "r", "title": "returns are late", "asset": "w.returns"})).await;
    let dm = bot.channel("dm-chloe");
    dm.expect("⚠️ INC-1: orders are late (SEV3)\nYou or your team asked to hear of this: bi.sales.");
    bot.inc(1).slash(ANA, "update fixed by noon").await;
    dm.expect("fixed by noon");
    assert_eq!(bot.inc(1).slash(CHLOE, "unsubscribe").await, "INC-1: Chloe hears no more of it.");
    bot.inc(1).slash(ANA, "update really").await;
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "unsubscribe bi.sales").await, @"You hear no more of bi.sales.");
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "unsubscribe bi.sales").await, @"You do not follow bi.sales. You follow nothing.");
    bot.inc(1).slash(ANA, "resolve done").await;
    assert_eq!(bot.sandbox.slack().messages("dm-chloe").len(), 2);
    // By button: an asset, the team that owns it, and no more of one incident.
    let catalog =
        "assets: [{name: w.stock, owners: [{name: orders-team}]}, {name: w.shelves, owners: [{name: orders-team}]}]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.slash(ANA, "data-incidents", "asset w.stock").await;
    let card = whispered(&bot, "data-incidents", ANA);
    assert_eq!(
        labels(&card),
        ["Tell me of its incidents", "Tell me of all of orders-team", "Something is wrong with it"]
    );
    press(&bot, ANA, &card, "Tell me of all of orders-team").await;
    bot.alert("dq", json!({"key": "s", "title": "shelves are empty", "asset": "w.shelves"})).await;
    bot.channel("dm-ana").find("shelves are empty").button("No more of this").click(ANA).await;
    press(&bot, CHLOE, &card, "Tell me of its incidents").await;
    bot.alert("dq", json!({"key": "t", "title": "stock is wrong", "asset": "w.stock"})).await;
    for dm in ["dm-ana", "dm-chloe"] {
        bot.channel(dm).find("stock is wrong");
    }
    let heard = bot.sandbox.slack().messages("dm-ana").len();
    bot.inc(3).slash(BEN, "update restocked").await;
    assert_eq!(bot.sandbox.slack().messages("dm-ana").len(), heard, "she wanted no more of that one");
    bot.end().await;
}

#[tokio::test]
async fn resolving_asks_why_and_says_what_is_missing() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    // By button, and by the word alone.
    inc.card().button("Resolve").click(BEN).await;
    bot.sandbox.slack().open_views(BEN).iter().for_each(|open| assert_eq!(open.callback_id, "resolve"));
    assert_eq!(bot.slash(BEN, &inc.name, "resolve").await, "");
    let view = bot.sandbox.slack().open_views(BEN)[0].view.to_string();
    assert!(
        view.contains("Not recorded yet, if it was fixed:") && view.contains("what mended it is not recorded"),
        "{view}"
    );
    bot.submit(BEN, json!({"ending": "false alarm", "text": "the check was wrong"})).await;
    assert_eq!(bot.slash(BEN, &inc.name, "close").await, "INC-1 is resolved already.");
    assert!(inc.slash(BEN, "timeline").await.contains("Ben resolved (false alarm): the check was wrong"));
    assert!(bot.slash(BEN, "data-incidents", "stats").await.contains("false 1"), "and the monitor hears it");
    bot.alert("dq", json!({"key": "2", "title": "another", "asset": "w.x"})).await;
    assert_eq!(
        bot.inc(2).slash(BEN, "resolve expected: month end").await,
        "INC-2: Ben resolved (expected): month end."
    );
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
        "Slack lets Muster make no channel here (restricted_action), so the incident lives in this thread; the workspace does not let the app do this; ask a workspace admin"
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
    let bot = bot_with("").await;
    drop(bot);
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

#[tokio::test]
async fn whoever_declares_hears_what_is_still_to_come() {
    let bot = Bot::start().await;
    bot.sandbox.faults().fail_with("conversations.create", 8, "ratelimited");
    bot.slash(ANA, "data-incidents", "declare orders are late").await;
    bot.advance(minutes(1)).await;
    bot.channel("dm-ana")
        .expect("⏳ INC-1: orders are late is saved. Still to come: the channel, the announcement. I go on trying");
    bot.advance(minutes(60)).await;
    bot.inc(1).find("== INC-1: orders are late ==");
    bot.end().await;
}

#[tokio::test]
async fn the_home_shows_what_one_person_needs_and_stays_true() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.slash(ANA, "data-incidents", "declare a dashboard is empty").await;
    bot.inc(1).slash(BEN, "take command").await;
    bot.inc(1).slash(BEN, "task add a check @ben friday").await;
    bot.slash(BEN, "data-incidents", "silence w.* 2h backfill is running").await;
    // A record that cannot be read hides nothing.
    bot.put_raw(muster::store::Kind::Number, "0broken", json!({"uid": 7})).await;
    bot.sandbox.slack().open_home(BEN);
    bot.settle().await;
    insta::assert_snapshot!(bot.sandbox.slack().home_text(BEN));
    bot.sandbox.slack().press_home(BEN, "Done: INC-1 task 1").await;
    bot.clock.advance(Duration::seconds(31));
    bot.settle().await;
    assert!(!bot.sandbox.slack().home_text(BEN).contains("add a check"), "{}", bot.sandbox.slack().home_text(BEN));
    let published = || bot.sandbox.traffic().iter().filter(|exchange| exchange.path == "views.publish").count();
    let before = published();
    bot.advance(minutes(10)).await;
    assert!(published() - before <= 2, "what has not changed is not published again: ages do, and silences end");
    bot.advance(minutes(60)).await;
    let before = published();
    bot.slash(ANA, "data-incidents", "declare! something else").await;
    bot.advance(minutes(5)).await;
    assert_eq!(published(), before, "nobody looks any more");
    bot.sandbox.slack().press_home(ANA, "Declare an incident").await;
    bot.end().await;
}

fn big(n: usize) -> Value {
    json!({"key": format!("k{n}"), "title": format!("alert {n} <!channel> *x* `y` {}", "long ".repeat(60)), "asset": format!("w.t{n}"), "labels": {"run": "r1"}})
}

#[tokio::test]
async fn a_large_incident_stays_within_slacks_limits_everywhere() {
    let bot = Bot::start().await;
    for batch in 0..4 {
        let alerts: Vec<_> = (batch * 50..batch * 50 + 50).map(big).collect();
        bot.alert("quiet", json!(alerts)).await;
    }
    assert_eq!(bot.incident(1).await["alerts_total"], 200);
    let name = bot.inc(1).name.clone();
    let hostile = "<!channel> [x](http://evil.example) `code` *bold* \u{202E}reversed ".repeat(20);
    for n in 0..50 {
        bot.sandbox.slack().command(ANA, &name, &format!("task {n} {hostile} @ben")).await;
    }
    for n in 0..750 {
        bot.sandbox.slack().command(ANA, &name, &format!("note {n} {hostile}")).await;
    }
    bot.settle().await;
    for line in [
        "show",
        "timeline",
        "tasks",
        "brief",
        "alerts",
        "list",
        "help",
        "help who",
        "impact",
        "search alert",
        "role commander",
        "oncall",
        "silences",
        "stats",
    ] {
        let told = bot.slash(BEN, &name, line).await;
        assert!(!told.is_empty() && !told.contains("does not fit"), "{line}: {told}");
        assert!(whispered(&bot, &name, BEN).mentions.iter().all(|one| one.starts_with('U')), "{line} pings a crowd");
    }
    // Page by page, all of it can be read.
    for (line, button, first, last) in [
        ("timeline", "Earlier", "noted: 749 ", "opened the incident"),
        ("alerts", "More", "1 🔴", "200 🔴"),
        ("tasks", "More", "☐ 1 ", "☐ 50 "),
    ] {
        bot.slash(BEN, &name, line).await;
        let mut page = whispered(&bot, &name, BEN);
        let mut all = page.text.clone();
        assert!(all.contains(first), "{line}: {all}");
        while labels(&page).contains(&button) {
            press(&bot, BEN, &page, button).await;
            page = whispered(&bot, &name, BEN);
            all.push_str(&page.text);
        }
        assert!(page.text.contains(last) && page.text.len() < all.len(), "{line}: {}", page.text);
        assert!(line != "timeline" || (0..750).all(|n| all.contains(&format!("noted: {n} "))), "a line is missing");
    }
    for line in ["declare", "update", "resolve", "assign", "sev", "runbook", "look data"] {
        bot.slash(BEN, &name, line).await;
        for open in bot.sandbox.slack().open_views(BEN) {
            crate::schemas::check_modal(&open.view);
        }
    }
    bot.sandbox.slack().open_home(BEN);
    bot.settle().await;
    bot.slash(ANA, &name, "postmortem").await;
    bot.end().await;
}

/// Without a public address: the same people, the same answers, through a connection that the bot opens and opens again.
#[tokio::test]
async fn without_a_public_address_all_of_it_comes_through_a_connection() {
    let variables = vec![
        ("MUSTER_SLACK__MODE", "socket".to_owned()),
        ("MUSTER_SLACK__APP_TOKEN", "xapp-sandbox".to_owned()),
        ("MUSTER_SLACK__SIGNING_SECRET", String::new()),
    ];
    let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
    let slack = bot.sandbox.slack();
    slack.connected(1).await;
    assert_eq!(
        bot.slash(ANA, "data-incidents", "declare orders are late").await,
        "INC-1: Ana declared the incident: orders are late (SEV3)."
    );
    let inc = bot.inc(1);
    assert!(inc.card().button("Take command").click(BEN).await.contains("You have the command"));
    inc.card().button("Update").click(BEN).await;
    bot.submit(BEN, json!({"text": "the load runs", "next": "soon"})).await;
    assert_eq!(slack.open_views(BEN).len(), 1, "a mistake is shown in the form");
    bot.submit(BEN, json!({"text": "the load runs", "next": "30m"})).await;
    inc.find("> the load runs");
    bot.slash(CHLOE, "data-incidents", "declare").await;
    let catalog = "edges: [[w.orders, bi.sales]]".to_owned();
    bot.put("/api/v1/catalog/yaml", catalog).await;
    bot.submit(CHLOE, json!({"title": "the sales board is empty", "asset": "bi.sales"})).await;
    assert_eq!(bot.incident(2).await["assets"], json!(["bi.sales"]), "looked up while typing");
    inc.enter(ANA);
    inc.say(ANA, "it was the disk").await;
    slack.open_home(BEN);
    bot.settle().await;
    assert!(slack.home_text(BEN).contains("INC-1"));
    // Slack closes it every few hours.
    slack.refresh_connection();
    slack.connected(2).await;
    assert_eq!(inc.slash(ANA, "ack").await.split(' ').next(), Some("Ben"), "he has it by his role");
    inc.say(ANA, "and the other one").await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.contains("messages of people: 2"), "{draft}");
    // Nobody comes in by the addresses: nothing is signed with a secret that is none.
    let answer = bot.http.post(format!("{}/slack/commands", bot.base)).body("text=list").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    bot.end().await;
}

/// The post-mortem is a file always, and a canvas of the channel where the workspace allows one; drafted again, it is the same canvas.
#[tokio::test]
async fn the_post_mortem_is_a_file_and_a_canvas() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    bot.sandbox.faults().lose_answer("conversations.canvases.create", 1);
    inc.slash(BEN, "postmortem").await;
    bot.advance(minutes(1)).await;
    let canvas = || bot.sandbox.slack().channel(&inc.name).unwrap().canvas.unwrap();
    assert!(canvas().contains("# Post-mortem") || canvas().contains("INC-1"), "{}", canvas());
    let files = || {
        bot.sandbox
            .slack()
            .messages(&inc.name)
            .iter()
            .filter(|message| message.file.as_ref().is_some_and(|file| file.name.ends_with("postmortem.md")))
            .count()
    };
    assert_eq!(files(), 1);
    assert!(
        inc.view().bookmarks.iter().any(|(title, link)| title == "Post-mortem" && link.contains("/docs/T0MUSTER00/")),
        "{:?}",
        inc.view().bookmarks
    );
    inc.slash(BEN, "fix restarted the loader").await;
    inc.slash(BEN, "postmortem").await;
    assert!(canvas().contains("restarted the loader"), "{}", canvas());
    assert_eq!(files(), 2);
    // Where there are no canvases, the file is enough.
    bot.slash(ANA, "data-incidents", "declare a dashboard is empty").await;
    bot.sandbox.faults().fail_with("conversations.canvases.create", 1, "team_tier_cannot_create_channel_canvases");
    bot.inc(2).slash(ANA, "postmortem").await;
    assert!(bot.sandbox.slack().messages(&bot.inc(2).name).iter().any(|message| message.file.is_some()));
    assert_eq!(bot.inc(2).view().canvas, None);
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

/// What does not fit into one message of Slack stands in a file below it.
#[tokio::test]
async fn what_is_too_long_for_a_message_is_a_file_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let long = "Please read our rules on notes before you go on.\n\n".repeat(300);
    std::fs::write(
        folder.path().join("noted.hbs"),
        format!("{{{{person actor}}}}: {{{{event.text}}}}\n\n{long}The end."),
    )
    .unwrap();
    let bot = bot_with(&format!("[message_templates]\npath = {:?}", folder.path())).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    bot.sandbox.faults().fail_with("files.completeUploadExternal", 1, "internal_error");
    inc.slash(ANA, "note the disk was full").await;
    bot.advance(minutes(1)).await;
    let said = inc.find("the disk was full");
    assert!(said.text().ends_with("… The rest does not fit into a message of Slack."), "{}", said.text());
    let files: Vec<_> = bot.sandbox.slack().messages(&inc.name).into_iter().filter_map(|one| one.file).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].content.contains("the disk was full") && files[0].content.ends_with("The end."));
    bot.end().await;
}
