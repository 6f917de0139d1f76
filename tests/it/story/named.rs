//! What a person names is what is acted on: an incident anywhere in the line, each role's people, an asset in quotes. What is not sure is asked.

use serde_json::{Value, json};

use super::{labels, press, whispered};
use crate::harness::*;

async fn two_incidents() -> Bot {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.alert("dq", json!({"key": "x", "title": "refunds are late", "asset": "w.refunds"})).await;
    bot
}

async fn statuses(bot: &Bot) -> Vec<String> {
    let of = async |number| bot.incident(number).await["status"].as_str().unwrap().to_owned();
    vec![of(1).await, of(2).await]
}

#[tokio::test]
async fn an_incident_that_is_named_is_the_one_that_changes() {
    let bot = two_incidents().await;
    let (one, two) = (bot.inc(1), bot.inc(2));
    let as_it_was = statuses(&bot).await;
    // Another incident than the channel's, for a change of how it stands: nothing happens before the person chooses.
    for line in [
        "resolve INC-2 loader fixed",
        "resolve loader fixed INC-2",
        "ack INC-2",
        "ack in inc2 please",
        "sev INC-2 1",
        "sev 1 INC-2",
        "mitigate INC-2",
        "mitigate the loader of INC-2 stands",
        "dismiss expected known from INC-2",
        "resolve as in INC-2",
        "ack INC-1 INC-2",
        "resolve INC-1 and INC-2 loader fixed",
    ] {
        let told = one.slash(ANA, line).await;
        assert!(told.contains("Which incident do you mean?") && told.contains("Nothing is done yet"), "{line}: {told}");
        assert_eq!(statuses(&bot).await, as_it_was, "{line}");
    }
    one.slash(ANA, "resolve INC-2 loader fixed").await;
    let asked = whispered(&bot, &one.name, ANA);
    assert_eq!(labels(&asked), ["resolve INC-2: refunds are late", "resolve INC-1: orders are stale for 9 h"]);
    press(&bot, ANA, &asked, "resolve INC-2: refunds are late").await;
    assert_eq!(statuses(&bot).await, [as_it_was[0].as_str(), "resolved"]);
    assert!(two.find("loader fixed").text().contains("loader fixed"));
    one.slash(ANA, "ack INC-1").await;
    assert_eq!(statuses(&bot).await[0], "investigating");
    bot.end().await;
}

#[tokio::test]
async fn what_is_written_goes_where_it_is_named() {
    let bot = two_incidents().await;
    let (one, two) = (bot.inc(1), bot.inc(2));
    one.slash(ANA, "update INC-2 refunds load again").await;
    two.find("refunds load again");
    one.slash(ANA, "note INC-2: the vendor called").await;
    two.find("the vendor called");
    // What compares is a word of the text.
    let told = one.slash(ANA, "note same as INC-2").await;
    assert!(told.starts_with("INC-1") && told.contains("same as INC-2"), "{told}");
    // What may be either is asked.
    let told = one.slash(ANA, "update we wait until INC-2 ends").await;
    assert!(told.contains("Which incident do you mean?"), "{told}");
    // A form names its incident.
    one.slash(ANA, "resolve INC-2").await;
    let form = bot.sandbox.slack().open_views(ANA).pop().unwrap().view.to_string();
    assert!(form.contains("INC-2: refunds are late"), "{form}");
    // Where no incident is implied, the one that is named is meant.
    assert!(bot.slash(BEN, "data-incidents", "ack INC-2").await.starts_with("INC-2"));
    assert!(
        bot.slash(BEN, "data-incidents", "resolve duplicate of INC-1").await.contains("Which incident do you mean")
    );
    assert!(bot.slash(BEN, "data-incidents", "ack INC-77").await.contains("There is no INC-77"));
    assert!(one.slash(BEN, "resolve INC-77 done").await.contains("There is no INC-77"));
    bot.end().await;
}

/// Every verb that is about an incident: what names INC-2 never changes INC-1 unasked.
#[tokio::test]
async fn no_verb_takes_the_channels_incident_for_the_one_that_is_named() {
    let bot = two_incidents().await;
    let one = bot.inc(1);
    let state = async || {
        let mut state = bot.incident(1).await;
        state["version"] = json!(null);
        (state, bot.get("/api/v1/incidents/INC-1/timeline").await)
    };
    let before = state().await;
    for rest in [
        "ack",
        "take scribe",
        "assign responder @ben",
        "leave",
        "sev 1",
        "update it loads",
        "remind 30m",
        "note a word",
        "tried a rerun",
        "runbook done 1",
        "since 2h ago",
        "good-again now",
        "fix a rerun",
        "look code nothing",
        "mute finance",
        "subscribe",
        "unsubscribe",
        "task check it",
        "page orders-pipeline",
        "escalate",
        "mitigate",
        "resolve it runs",
        "dismiss expected known",
        "why it was full",
        "cause data it was full",
        "retro well a quick page",
        "judge useful",
        "postmortem",
        "reviewed",
        "reopen it is back",
    ] {
        let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        for line in [format!("{verb} INC-2 {rest}"), format!("{verb} {rest} INC-2")] {
            one.slash(ANA, &line).await;
            assert_eq!(state().await, before, "{line}");
        }
    }
    bot.end().await;
}

#[tokio::test]
async fn each_role_gets_the_people_beside_it() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    for (line, responder, scribe) in [
        ("assign responder @ben scribe @chloe", json!([BEN]), json!([CHLOE])),
        ("assign @chloe as responder, @ben as scribe", json!([BEN, CHLOE]), json!([BEN])),
        ("assign scribe: @ana and responder: @ana", json!([BEN, CHLOE, ANA]), json!([ANA])),
    ] {
        inc.slash(ANA, line).await;
        let mut roles = bot.incident(1).await["roles"].clone();
        let mut people: Vec<_> =
            roles["responder"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
        people.sort();
        let mut wanted: Vec<_> =
            responder.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
        wanted.sort();
        assert_eq!((people, roles["scribe"].take()), (wanted, scribe), "{line}");
    }
    for (line, asked) in [
        ("assign @ben scribe @chloe", "Each person needs a role"),
        ("assign scribe responder @ben", "Each role needs people"),
        ("assign scribe @chloe responder", "To whom?"),
        ("assign scribe chloe", "“chloe” is no role"),
        ("assign @ben", "Which role?"),
    ] {
        let told = inc.slash(ANA, line).await;
        assert!(told.contains(asked), "{line}: {told}");
    }
    bot.end().await;
}

/// Every word of every verb, with whatever follows it: a line that names INC-2 never changes INC-1 unasked.
#[tokio::test]
async fn no_word_of_the_table_changes_the_channels_incident_if_another_is_named() {
    let bot = two_incidents().await;
    let one = bot.inc(1);
    let of_people = async || {
        let entries = bot.get("/api/v1/incidents/INC-1/timeline?limit=500").await["entries"].clone();
        let by_person = |entry: &&Value| entry["actor"].to_string().contains(ANA);
        entries.as_array().unwrap().iter().filter(by_person).cloned().collect::<Vec<_>>()
    };
    // `merge INC-2` is about the channel's incident: the other one is its argument.
    let verbs = muster::chat::VERBS.iter().filter(|verb| verb.name() != "merge");
    for word in verbs.flat_map(|verb| verb.words).filter(|word| !word.is_empty()) {
        for rest in ["", "x", "2 x", "commander", "useful", "data x", "now"] {
            one.slash(ANA, &format!("{word} INC-2 {rest}")).await;
        }
        assert_eq!(of_people().await, Vec::<Value>::new(), "{word} INC-2 …");
    }
    for line in ["scribe INC-2", "scribe INC-2 @ben", "merge INC-2 into INC-1", "ack INC 2", "resolve INC-2,INC-1"] {
        one.slash(ANA, line).await;
        assert_eq!(of_people().await, Vec::<Value>::new(), "{line}");
    }
    bot.end().await;
}

#[tokio::test]
async fn an_asset_in_quotes_is_one_name_and_an_unknown_one_is_asked() {
    let bot = Bot::start().await;
    let catalog = "assets: [{name: revenue dashboard, kind: dashboard}, {name: warehouse.orders, kind: table}, {name: crm.orders, kind: table}]";
    assert_eq!(bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await.0, 200);
    let assets = async |number: u64| bot.incident(number).await["assets"].clone();
    bot.slash(ANA, "data-incidents", "declare numbers are odd --on \u{201c}revenue dashboard\u{201d} --sev 2").await;
    assert_eq!(assets(1).await, json!(["revenue dashboard"]));
    // A slip opens nothing: the nearest names are offered, with all that was typed.
    let told = bot.slash(ANA, "data-incidents", "declare sums differ --on warehouse.ordres --private").await;
    assert!(told.contains("does not know warehouse.ordres, so nothing is opened yet"), "{told}");
    let asked = whispered(&bot, "data-incidents", ANA);
    assert_eq!(labels(&asked), ["On warehouse.orders", "On warehouse.ordres, which is new", "On no asset"]);
    assert_eq!(asked.buttons[0].value, "declare sums differ --on \"warehouse.orders\" --private");
    // Several assets end with this name.
    bot.slash(ANA, "data-incidents", "declare rows are missing --on orders").await;
    let asked = whispered(&bot, "data-incidents", ANA);
    let mut offered = labels(&asked)[..2].to_vec();
    offered.sort_unstable();
    assert_eq!(offered, ["On crm.orders", "On warehouse.orders"]);
    press(&bot, ANA, &asked, "On crm.orders").await;
    assert_eq!(assets(2).await, json!(["crm.orders"]));
    bot.slash(ANA, "data-incidents", "declare a new thing fails --on lake.clicks").await;
    let asked = whispered(&bot, "data-incidents", ANA);
    press(&bot, ANA, &asked, "On lake.clicks, which is new").await;
    assert_eq!(assets(3).await, json!(["lake.clicks"]));
    // An option that does not exist opens nothing, and the answer has the whole line.
    let told = bot.slash(ANA, "data-incidents", "declare payroll is wrong --prviate").await;
    assert!(
        told.contains("nothing was opened") && told.contains("/incident declare payroll is wrong --prviate"),
        "{told}"
    );
    bot.end().await;
}

#[tokio::test]
async fn a_form_that_does_not_open_says_the_line_to_type() {
    let bot = two_incidents().await;
    let inc = bot.inc(1);
    let faults = bot.sandbox.faults();
    for (line, instead) in [
        ("resolve", "/incident INC-1 resolve <text>"),
        ("sev", "/incident INC-1 sev <1-5>"),
        ("update", "/incident INC-1 update <text>"),
        ("resolve INC-2", "/incident INC-2 resolve <text>"),
        ("declare", "/incident declare <title>"),
        ("why", "/incident INC-1 why [n] <text>"),
    ] {
        faults.fail_with("views.open", 1, "expired_trigger_id");
        let told = inc.slash(ANA, line).await;
        assert!(told.contains("Slack allows three seconds") && told.contains(instead), "{line}: {told}");
    }
    // A button says the same.
    inc.enter(ANA);
    faults.fail_with("views.open", 1, "internal_error");
    let told = inc.card().button("Resolve").click(ANA).await;
    assert!(
        told.contains("Slack answered internal_error") && told.contains("/incident INC-1 resolve <text>"),
        "{told}"
    );
    bot.end().await;
}
