//! Roles, and who is on duty.

use serde_json::json;

use super::{press, whispered};
use crate::harness::*;

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
    insta::assert_snapshot!(inc.slash(ANA, "leave lunch").await, @"“lunch” is not a role. It is written /incident leave [role]: give a role back.");
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
    inc.find("has had no commander");
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
    let asked = inc.find("⏰ This SEV2 has had no commander for 5 min. On duty: @Chloe. Can you take command?");
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
