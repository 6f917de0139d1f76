//! Pages: who is paged, by which way, and when again.

use serde_json::{Value, json};

use super::alert;
use crate::harness::*;

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
    insta::assert_snapshot!(inc.slash(CHLOE, "link <mailto:chloe@pager.example.com|chloe@pager.example.com>").await, @"Muster looks for you in PagerDuty as chloe@pager.example.com from now on: on schedules, and when somebody pages you.");
    bot.sandbox.faults().lose_answer("pagerduty", 1);
    inc.slash(ANA, "page @chloe please look").await;
    bot.advance(minutes(2)).await;
    let pages = bot.sandbox.pagerduty().incidents();
    assert_eq!(pages.len(), 1, "a lost answer pages nobody twice: {pages:#?}");
    assert_eq!(
        (pages[0].title.as_str(), &pages[0].details["assigned"]),
        ("[INC-1] SEV5 please look", &json!("PUSER1"))
    );
    assert!(inc.card().text().contains("page for Chloe: open in PagerDuty"), "{}", inc.card().text());
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

/// Somebody who presses for pages again and again is stopped before the record is full, and the old pages still end.
#[tokio::test]
async fn an_incident_takes_a_hundred_open_pages_and_says_so() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.sandbox.faults().down("pagerduty", true);
    let slack = bot.sandbox.slack();
    let inc = bot.inc(1);
    for _ in 1..100 {
        slack.command(ANA, &inc.name, "page orders-pipeline").await;
    }
    let answer = inc.slash(ANA, "page orders-pipeline").await;
    assert!(answer.contains("INC-1 has 100 pages that are still open"), "{answer}");
    bot.end().await;
}

/// A known alert that gets worse pages; one that is over when its incident is over already does not come back.
#[tokio::test]
async fn what_gets_worse_pages_and_what_is_over_stays_over() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "edges: [[w.raw, w.child]]".to_owned()).await;
    let leveled = |level: &str| json!({"key": "k", "title": "rows are missing", "asset": "w.raw", "severity": level});
    bot.alert("dq", leveled("warning")).await;
    let pages = bot.sandbox.pagerduty().pages();
    assert_eq!(bot.incident(1).await["severity"], "SEV4");
    bot.alert("dq", leveled("critical")).await;
    let incident = bot.incident(1).await;
    assert_eq!(
        (incident["severity"].as_str(), bot.sandbox.pagerduty().pages() - pages),
        (Some("SEV2"), 1),
        "{incident}"
    );
    bot.inc(1).find("🔺 rows are missing got worse. It is critical now.");
    bot.alert("dq", leveled("warning")).await;
    assert_eq!(bot.incident(1).await["severity"], "SEV2", "a milder repeat makes nothing milder");
    // The end of a child after its incident's end is its end.
    bot.alert("dq", alert("w.child")).await;
    bot.inc(1).slash(ANA, "resolve done").await;
    bot.sandbox.slack().archive(&bot.inc(1).name);
    bot.settle().await;
    let mut over = alert("w.child");
    over["status"] = "resolved".into();
    assert_eq!(bot.alert("dq", over).await["alerts"][0]["outcome"], "resolved");
    let alerts = bot.incident(1).await["alerts"].clone();
    assert_eq!(alerts[1]["status"], "resolved", "{alerts:#}");
    bot.end().await;
}
