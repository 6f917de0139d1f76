//! A refusal says the same at every door, and no button is offered that would be refused to everybody.

use serde_json::json;

use super::{bot_with, whispered};
use crate::harness::*;

#[tokio::test]
async fn whatever_is_asked_of_a_merged_incident_is_answered_with_where_it_goes_on() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare the loader hangs").await;
    bot.slash(ANA, "data-incidents", "declare! orders are late").await;
    assert_eq!(bot.slash(ANA, "data-incidents", "INC-2 merge INC-1").await, "INC-2: Ana merged this into INC-1.");
    let pages = bot.sandbox.pagerduty().pages();
    for line in [
        "page default",
        "page orders-pipeline",
        "page @ben",
        "escalate",
        "escalate nobody answers",
        "notify downstream",
        "ack",
        "mitigate",
        "resolve",
        "resolve done",
        "reopen late again",
        "remind 10m",
    ] {
        let told = bot.slash(ANA, "data-incidents", &format!("INC-2 {line}")).await;
        assert_eq!(told, "INC-2 was merged into INC-1, and goes on there.", "{line}");
    }
    assert_eq!(bot.sandbox.pagerduty().pages(), pages);
    // One that is over, and was not merged, says what to do.
    bot.slash(ANA, "data-incidents", "INC-1 resolve done").await;
    for line in ["page default", "page @ben", "escalate", "notify upstream", "ack"] {
        let told = bot.slash(ANA, "data-incidents", &format!("INC-1 {line}")).await;
        assert!(told.starts_with("INC-1 is resolved. If it is not over, reopen it with"), "{line}: {told}");
    }
    bot.end().await;
}

#[tokio::test]
async fn the_same_mistake_is_answered_in_the_same_words() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare the loader hangs").await;
    let inc = bot.inc(1);
    // A service that nobody configured.
    let unknown = "There is no service “marketing”. There are: orders-pipeline, finance.";
    for line in ["page marketing", "oncall marketing"] {
        assert_eq!(inc.slash(ANA, line).await, unknown, "{line}");
    }
    for line in ["leave lunch", "role lunch"] {
        assert!(inc.slash(ANA, line).await.starts_with("“lunch” is not a role. It is written"), "{line}");
    }
    // A moment that has passed, and one that is still to come.
    for (line, words) in [
        ("since 99:99", "“99:99” is not a time I understand. It is written"),
        ("stats 99:99", "“99:99” is not a time I understand. It is written"),
        ("search before 99:99", "“99:99” is not a time I understand. It is written"),
        ("edit 1 at 99:99", "“99:99” is not a time I understand. It is written"),
        ("remind 99:99", "“99:99” is not a time I understand. It is written"),
        ("update it goes on next 99:99", "“99:99” is not a time I understand. It is written"),
    ] {
        let told = inc.slash(ANA, line).await;
        assert!(told.starts_with(words), "{line}: {told}");
    }
    // The forms say it of the question.
    for (line, question, answers, words) in [
        ("update", "next", json!({"text": "it goes on", "next": "99:99"}), "30m, 2h or 15:00"),
        ("task", "due", json!({"text": "mend the loader", "due": "99:99"}), "friday, 3d or 2026-12-01"),
    ] {
        let said = inc.say(ANA, "mend the loader").await;
        let messages = bot.sandbox.slack().messages(&inc.name);
        let message = messages.into_iter().find(|message| message.ts == said).unwrap();
        match line {
            "task" => assert_eq!(inc.shortcut(ANA, &message, "task_from_message").await, ""),
            _ => assert_eq!(inc.slash(ANA, line).await, ""),
        }
        let answer = bot.sandbox.slack().submit(ANA, &answers).await.unwrap();
        let told = format!("“99:99” is not a time I understand. Write {words}.");
        assert_eq!(answer.json["errors"][question], told, "{line}");
    }
    bot.end().await;
}

#[tokio::test]
async fn the_form_of_a_silence_says_what_is_wrong_at_the_question() {
    let route = "[[routes]]\nname = \"odd\"\nmatch = \"pillar=distribution\"\naction = \"ask\"\n";
    let bot = bot_with(route).await;
    bot.alert("dq", json!({"title": "odd", "key": "k", "asset": "w.a", "pillar": "distribution"})).await;
    bot.channel("data-incidents").find("❓ odd").button("Silence").click(ANA).await;
    let told = async |matcher: &str, until: &str| {
        let answers = json!({"matcher": matcher, "until": until, "text": "known"});
        bot.sandbox.slack().submit(ANA, &answers).await.unwrap().json["errors"].clone()
    };
    let time = "“soon” is not a time I understand. Write 2h, 15:00 or friday.";
    assert_eq!(told("asset=w.a", "soon").await, json!({"until": time}));
    let long = "A silence is at most 90 days long. What is to be quiet for ever is a route: `[[routes]]` with `action = \"ignore\"`.";
    assert_eq!(told("asset=w.a", "2027-11-23").await, json!({"text": long}));
    assert!(told("asset=", "2h").await["matcher"].is_string());
    bot.submit(ANA, json!({"matcher": "asset=w.a", "until": "2h", "text": "known"})).await;
    bot.channel("data-incidents").find("🔕 odd: is silenced until 2026-11-23 08:00 UTC");
    bot.end().await;
}

/// Every button of the card is pressed in every state: nobody hears a no.
#[tokio::test]
async fn no_button_of_the_card_is_refused_to_everybody() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare orders are stale --on warehouse.orders").await;
    let inc = bot.inc(1);
    let mut offered = Vec::new();
    for line in ["show", "ack", "mitigate", "resolve done", "postmortem", "reviewed", "reopen stale again"] {
        inc.slash(ANA, line).await;
        offered.push(format!("{line}: {}", inc.card().labels().join(", ")));
    }
    insta::assert_snapshot!(offered.join("\n"), @r"
    show: Acknowledge, Take command, Join, Assign roles, Severity, Runbook, Update, More…, Resolve
    ack: Take command, Join, Assign roles, Severity, Runbook, Update, More…, Resolve
    mitigate: Take command, Join, Assign roles, Severity, Runbook, Update, More…, Resolve
    resolve done: Draft post-mortem, Reopen
    postmortem: Draft post-mortem, Post-mortem is reviewed, Reopen
    reviewed: Draft post-mortem, Reopen
    reopen stale again: Take command, Join, Assign roles, Severity, Runbook, Update, More…, Resolve
    ");
    bot.slash(ANA, "data-incidents", "INC-1 resolve done").await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(2);
    for line in ["show", "resolve done", "postmortem"] {
        inc.slash(ANA, line).await;
        let card = inc.card();
        for label in card.labels() {
            let told = card.button(label).click(CHLOE).await;
            // Whoever gets a role reads what it asks of them.
            let fine = told.is_empty() || (["Take command", "Join"].contains(&label) && told.contains("INC-2. You"));
            assert!(fine, "{line}: {label}: {told}");
        }
    }
    bot.slash(ANA, "data-incidents", "declare! orders are late").await;
    bot.slash(ANA, "data-incidents", "declare! orders come late").await;
    bot.inc(3).slash(ANA, "merge INC-4").await;
    assert!(bot.inc(3).card().labels().is_empty(), "what was merged goes on elsewhere");
    bot.end().await;
}

#[tokio::test]
async fn impact_offers_to_tell_people_only_if_they_can_be_told() {
    let catalog = "assets: [{name: bi.sales, owners: [{name: Sales, slack: '#sales'}]}, {name: raw.orders, owners: [{name: Ingest, slack: '#ingest'}]}, {name: bi.odd, owners: [{name: Odd}]}]\nedges: [[raw.orders, w.orders], [w.orders, bi.sales], [w.orders, bi.odd]]";
    let rule = "[permissions]\nadmins = [\"U0ANA00001\"]\n[permissions.rules]\nnotify = \"admins\"\n";
    let bot = bot_with(rule).await;
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    for name in ["sales", "ingest"] {
        bot.sandbox.slack().add_channel(name, &[CHLOE]);
    }
    let offered = async |user: &str, number: u64| {
        let told = bot.slash(user, "data-incidents", &format!("INC-{number} impact")).await;
        assert!(told.contains(&format!("What INC-{number} reache")), "{told}");
        let labels: Vec<_> =
            whispered(&bot, "data-incidents", user).buttons.into_iter().map(|button| button.label).collect();
        labels.join(", ")
    };
    bot.slash(ANA, "data-incidents", "drill the loader dies --on w.orders").await;
    assert_eq!(offered(ANA, 1).await, "", "a drill tells nobody");
    bot.slash(ANA, "data-incidents", "INC-1 resolve it was practice").await;
    bot.alert("dq", json!({"key": "k", "title": "orders are late", "asset": "w.orders"})).await;
    assert_eq!(offered(ANA, 2).await, "Tell consumers, Tell owners upstream");
    assert_eq!(offered(BEN, 2).await, "", "Ben may not tell anybody");
    let told = bot.slash(ANA, "data-incidents", "INC-2 impact").await;
    assert!(told.contains("No channel or address is known for: Odd. Add one under [[teams]]"), "{told}");
    // Who was told is not offered again.
    assert_eq!(bot.slash(ANA, "data-incidents", "INC-2 notify downstream").await, "");
    bot.submit(ANA, json!({})).await;
    assert_eq!(offered(ANA, 2).await, "Tell owners upstream");
    bot.slash(ANA, "data-incidents", "INC-2 resolve done").await;
    assert_eq!(offered(ANA, 2).await, "", "it is over");
    bot.end().await;
}

#[tokio::test]
async fn the_forms_of_roles_and_runbooks_are_refused_before_they_open() {
    let bot = bot_with("[permissions.rules]\nassign = \"commander\"\nrunbook = \"commander\"\n").await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    for (label, words, title) in
        [("Assign roles", "assign roles", "Assign roles"), ("Runbook", "work on the runbook", "Bring a runbook")]
    {
        let told = inc.card().button(label).click(BEN).await;
        assert!(told.starts_with(&format!("Only the commander of the incident may {words}. That is Ana.")), "{told}");
        assert!(bot.sandbox.slack().open_views(BEN).is_empty(), "{label}");
        assert_eq!(inc.card().button(label).click(ANA).await, "");
        assert!(bot.sandbox.slack().open_views(ANA).iter().any(|form| form.title == title), "{label}");
    }
    bot.end().await;
}

/// The operator took the service out of the configuration while its incident was open.
#[tokio::test]
async fn an_incident_whose_service_is_gone_escalates_to_the_default_target() {
    let bot = bot_with("[[services]]\nname = \"ledger\"\nassets = [\"ledger.*\"]\n").await;
    bot.alert("dq", json!({"title": "late", "key": "k", "asset": "ledger.x", "severity": "critical"})).await;
    bot.inc(1).find("The page for ledger is handed to PagerDuty.");
    let bot = Bot::set_up(bot.crash()).await;
    bot.inc(1).slash(ANA, "escalate").await;
    bot.inc(1).find("📟 @Ana asks for a page to default");
    bot.inc(1).slash(ANA, "page @ben come").await;
    bot.inc(1).find("📟 @Ana asks for a page to default: For Ben: come");
    bot.end().await;
}
