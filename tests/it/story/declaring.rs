//! Opening an incident by hand: the words people type, what is open already, drills, and what is still to come.

use serde_json::json;

use super::{alert, bot_with, labels, press, whispered};
use crate::harness::*;

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
        assert!(told.starts_with("An incident that looks like this is open already:"), "{line}: {told}");
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

/// A slip is answered with the usage of what was read.
#[tokio::test]
async fn a_slip_is_answered_with_the_usage_that_helps() {
    let bot = Bot::start().await;
    assert!(bot.slash(ANA, "data-incidents", "drill --sev 9").await.contains("--sev 2"));
    assert!(bot.slash(ANA, "data-incidents", "list since soon").await.contains("since 30d"));
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
    assert!(
        home.contains("No incident that you can see is open, but drills. In 30 days: 0.")
            && home.contains("DRILL · the loader dies"),
        "{home}"
    );
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
    🎯 The drill is over. Done: 4 of the 8 steps of a real incident.
    • ✅ somebody acknowledged (after 0 min)
    • ✅ somebody took the command (after 0 min)
    • ✅ an update said how it stands (after 20 min)
    • ✅ it is recorded since when the data was bad
    • ❌ it is recorded what caused it
    • ❌ it is recorded what mended it
    • ❌ it is recorded since when the data is good again
    • ❌ every task is done
    Talk about what was missed (❌), not about who missed it. /incident drill practises again.
    ");
    bot.end().await;
}

#[tokio::test]
async fn whoever_declares_hears_what_is_still_to_come() {
    let bot = Bot::start().await;
    bot.sandbox.faults().fail_with("conversations.create", 8, "ratelimited");
    bot.slash(ANA, "data-incidents", "declare orders are late").await;
    bot.advance(minutes(1)).await;
    bot.channel("dm-ana")
        .expect("⏳ INC-1: orders are late is saved. Still to come: the channel, the announcement. You need not");
    bot.advance(minutes(60)).await;
    bot.inc(1).find("== INC-1: orders are late ==");
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
        view.contains("If it was fixed, this is not recorded yet:") && view.contains("the fix is not recorded"),
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

/// Nothing real goes into a drill.
#[tokio::test]
async fn a_drill_takes_nothing_real() {
    let extra = "[[routes]]\nname = \"odd\"\nmatch = \"pillar=distribution\"\naction = \"ask\"".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", alert("w.a")).await;
    bot.slash(ANA, "data-incidents", "drill the warehouse burns").await;
    for line in ["INC-1 merge INC-2", "INC-1 move 1 INC-2"] {
        let told = bot.slash(ANA, "data-incidents", line).await;
        assert!(told.starts_with("INC-2 is a drill"), "{told}");
    }
    bot.alert("dq", json!({"key": "o", "title": "odd values", "asset": "w.o", "pillar": "distribution"})).await;
    bot.channel("data-incidents").find("❓ odd values").button("Attach to…").click(ANA).await;
    let form = bot.sandbox.slack().open_views(ANA)[0].view.to_string();
    assert!(form.contains("INC-1") && !form.contains("INC-2"), "{form}");
    bot.end().await;
}
