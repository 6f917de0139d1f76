//! Roles, and who is on duty.

use serde_json::json;

use super::{alert, press, whispered};
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

/// Nobody gets round the table of who may do what.
#[tokio::test]
async fn the_command_is_not_taken_unasked_and_an_end_is_an_end() {
    let extra = "[permissions.rules]\nstatus = \"commander\"\nread = \"team\"\n[permissions]\nteam = [\"U0ANA00001\", \"U0BEN00001\"]".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", alert("w.a")).await;
    bot.alert("dq", alert("w.b")).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    insta::assert_snapshot!(inc.slash(BEN, "merge INC-2").await, @"Only the commander of the incident may change the status. That is Ana. /incident help who shows who may do what.");
    // Somebody is made commander: whoever is asks for no less than who wants it themselves.
    insta::assert_snapshot!(inc.slash(BEN, "assign commander @ben").await, @"INC-1: Ben asked Ana for the command.");
    assert_eq!(bot.incident(1).await["roles"]["commander"], json!([ANA]));
    bot.advance(minutes(2)).await;
    assert_eq!(bot.incident(1).await["roles"]["commander"], json!([BEN]));
    assert_eq!(inc.slash(BEN, "assign commander @ana").await, "INC-1: Ben made Ana commander from Ben.");
    // A link shows nothing to those who may not read.
    bot.put("/api/v1/catalog/yaml", "edges: [[w.a, w.z]]".to_owned()).await;
    for (user, shown) in [(CHLOE, false), (BEN, true)] {
        bot.channel("data-incidents").say(user, "see http://127.0.0.1:8080/assets/w.a").await;
        let last = bot.sandbox.slack().messages("data-incidents").pop().unwrap();
        assert_eq!(!last.unfurls.is_null(), shown, "{user}");
    }
    bot.end().await;
}

/// Roles and tasks go to those who can do something with them; the form takes out whom it shows no more, and nobody else.
#[tokio::test]
async fn roles_are_for_members_and_the_form_says_who_has_them() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let slack = bot.sandbox.slack();
    slack.add_bot("U0ROBOT001", "robot");
    slack.add_user("U0NEW00001", "dana", "Dana");
    insta::assert_snapshot!(inc.slash(ANA, "assign responder @guest").await, @"A guest is a guest of this workspace and can do nothing here; name a member.");
    assert_eq!(inc.slash(ANA, "task check it <@U0NEW00001>").await, "INC-1: Ana added task 1 for Dana: check it.");
    insta::assert_snapshot!(inc.slash(ANA, "assign scribe <@U0ROBOT001>").await, @"robot is a bot, deactivated, or of another workspace, and can do nothing here; name a member.");
    insta::assert_snapshot!(inc.slash(ANA, "assign scribe <@U0NOBODY01>").await, @"Slack knows nobody by the id U0NOBODY01 in this workspace, so nothing was given to them; name a member.");
    bot.sandbox.faults().fail_with("users.info", 1, "internal_error");
    insta::assert_snapshot!(inc.slash(ANA, "assign scribe <@U0NOBODY02>").await, @"Slack did not answer who U0NOBODY02 is, so nothing was given to them. I ask again by myself; please try once more in a minute.");
    inc.slash(BEN, "take command").await;
    inc.slash(ANA, "assign responder @ana @chloe").await;
    inc.enter(ANA);
    inc.card().button("Assign roles").click(ANA).await;
    // While the form is open, Ben takes a second role; the form says nothing of that.
    inc.slash(BEN, "take responder").await;
    let sent = bot.submit(ANA, json!({"commander": BEN, "responder": [ANA], "scribe": CHLOE, "liaison": []})).await;
    assert_eq!(sent.body, "", "taken");
    let roles = bot.incident(1).await["roles"].clone();
    assert_eq!((&roles["responder"], &roles["scribe"]), (&json!([ANA, BEN]), &json!([CHLOE])), "{roles}");
    inc.find("@Ana took @Chloe out of the role of responder.");
    // Whoever has the command gives it back, or is asked.
    inc.card().button("Assign roles").click(ANA).await;
    let refused = bot.submit(ANA, json!({"commander": null, "responder": [ANA], "scribe": CHLOE, "liaison": []})).await;
    insta::assert_snapshot!(refused.body, @"{\"errors\":{\"commander\":\"Ben has the command; name whom it goes to, or let them give it back with `/incident leave commander`.\"},\"response_action\":\"errors\"}");
    bot.end().await;
}

/// A form of roles that is old changes nothing but what its sender changed.
#[tokio::test]
async fn an_old_form_of_roles_takes_nothing_back() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    inc.slash(ANA, "take responder").await;
    inc.enter(CHLOE);
    inc.card().button("Assign roles").click(CHLOE).await;
    inc.slash(ANA, "assign commander @ben").await;
    inc.slash(ANA, "leave responder").await;
    bot.submit(CHLOE, json!({"commander": ANA, "responder": [ANA], "scribe": CHLOE})).await;
    bot.advance(minutes(3)).await;
    let roles = bot.incident(1).await["roles"].clone();
    assert_eq!(roles, json!({"commander": [BEN], "scribe": [CHLOE]}));
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
