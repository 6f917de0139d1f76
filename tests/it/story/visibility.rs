//! Who sees a private incident, and who may do what.

use serde_json::json;

use super::{bot_with, whispered};
use crate::harness::*;

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

/// Whoever may not notify is not told whom it would reach; what only reads asks for reading, and what writes for its own verb only.
#[tokio::test]
async fn a_verb_asks_for_what_it_does_and_for_nothing_else() {
    let bot = bot_with(&format!(
        "[permissions]\nteam = [\"{ANA}\"]\n[permissions.rules]\nread = \"team\"\nnotify = \"commander\"\n"
    ))
    .await;
    let catalog =
        "assets: [{name: warehouse.orders, owner: {name: orders-team}}]\nedges: [[raw.orders, warehouse.orders]]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    for user in [BEN, GUEST] {
        let told = inc.slash(user, "notify downstream").await;
        assert!(told.starts_with("Only the commander") || told.starts_with("Guests"), "{told}");
    }
    // Ben may not read, and may do the rest.
    assert!(inc.slash(BEN, "tasks").await.starts_with("Only the data team may read"));
    inc.slash(BEN, "task look at the loader").await;
    for line in ["task take 1", "runbook freshness", "note the loader is slow", "edit 1 at 05:00"] {
        let told = inc.slash(BEN, line).await;
        assert!(!told.contains("may read"), "{line}: {told}");
    }
    inc.skip_rest();
    bot.end().await;
}
