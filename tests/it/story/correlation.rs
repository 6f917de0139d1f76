//! The flood becomes one incident: what joins what, what is held back, and what people are asked.

use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::*;

const DBT: &str = r#"
[[sources]]
name = "dbt"
kind = "dbt_artifacts"
token_env = "SOURCE_TOKEN"
on_green = "resolve"
"#;

async fn bot_with(extra: &str) -> Bot {
    Bot::set_up(Setup { extra: extra.to_owned(), ..Setup::default() }).await
}

/// A small warehouse: raw → stg → orders → revenue → dashboard; returns stand apart.
async fn warehouse(extra: &str) -> Bot {
    let bot = bot_with(extra).await;
    let edges = "edges: [[w.raw, w.stg], [w.stg, w.orders], [w.orders, w.revenue], [w.revenue, bi.dash], [w.raw_returns, w.returns]]";
    assert_eq!(bot.put("/api/v1/catalog/yaml", edges.to_owned()).await.0, 200);
    bot
}

fn alert(asset: &str) -> Value {
    json!({"key": asset, "title": format!("{asset} is wrong"), "asset": asset, "severity": "error"})
}

fn outcome(answer: &Value) -> (String, String) {
    let alert = &answer["alerts"][0];
    (alert["outcome"].as_str().unwrap().to_owned(), alert["incident"].as_str().unwrap_or_default().to_owned())
}

async fn open_incidents(bot: &Bot) -> usize {
    bot.get("/api/v1/incidents?status=open").await["incidents"].as_array().unwrap().len()
}

async fn upload(bot: &Bot, what: &str, outcome: &str) {
    let file = |name: &str| fixture(&format!("dbt/{outcome}/{name}"));
    match what {
        "manifest" => {
            bot.shop().await;
        }
        "openlineage" => {
            for event in file("openlineage.jsonl").lines() {
                let event: Value = serde_json::from_str(event).unwrap();
                assert_eq!(bot.post("/api/v1/lineage", Some(API_TOKEN), &event).await.0, 201);
            }
            bot.settle().await;
        }
        artifact => {
            let body: Value = serde_json::from_str(&file(&format!("{artifact}.json"))).unwrap();
            bot.alert("dbt", body).await;
        }
    }
}

/// One bad upload: dbt's results, its sources, its manifest, and its `OpenLineage` events, all recorded from a real run, in any order,
/// each delivered twice.
#[tokio::test]
async fn one_bad_upload_is_one_incident_whatever_comes_first() {
    // Each part first and last, and each before and after each other, in eight of the twenty-four orders.
    let orders = [
        ["run_results", "sources", "manifest", "openlineage"],
        ["sources", "run_results", "openlineage", "manifest"],
        ["sources", "openlineage", "manifest", "run_results"],
        ["openlineage", "sources", "run_results", "manifest"],
        ["openlineage", "manifest", "run_results", "sources"],
        ["manifest", "openlineage", "sources", "run_results"],
        ["run_results", "openlineage", "sources", "manifest"],
        ["manifest", "run_results", "sources", "openlineage"],
    ];
    for order in orders {
        let bot = bot_with(DBT).await;
        for part in &order {
            upload(&bot, part, "fail").await;
            upload(&bot, part, "fail").await;
        }
        bot.settle().await;
        let all = bot.get("/api/v1/incidents").await;
        assert_eq!(all["incidents"].as_array().unwrap().len(), 1, "{order:?}: {all}");
        assert_eq!(bot.sandbox.pagerduty().pages(), 1, "{order:?}");
        let incident = bot.incident(1).await;
        let root = incident["root_cause_candidates"][0]["asset"].as_str().unwrap();
        assert_eq!(root, "source.shop.shop.raw_orders", "{order:?}: {incident}");
        bot.end().await;
    }
}

#[tokio::test]
async fn dbts_results_name_the_root_the_reach_and_the_end() {
    let bot = bot_with(DBT).await;
    bot.shop().await;
    upload(&bot, "run_results", "fail").await;
    let incident = bot.incident(1).await;
    assert_eq!(incident["root_cause_candidates"][0]["asset"], "model.shop.orders");
    // Four tests of one model; what dbt skipped is no alert.
    assert_eq!(incident["alerts_firing"], 4, "{incident}");
    let impact = bot.get("/api/v1/incidents/INC-1/impact").await.to_string();
    for reached in ["model.shop.customer_revenue", "exposure.shop.finance_dashboard", "exposure.shop.churn_model"] {
        assert!(impact.contains(reached), "{reached} in {impact}");
    }
    upload(&bot, "sources", "fail").await;
    let incident = bot.incident(1).await;
    assert_eq!(incident["root_cause_candidates"][0]["asset"], "source.shop.shop.raw_orders");
    assert!(incident.to_string().contains("it may be where it started"), "it says why it joined: {incident}");
    // The next run is green, and so is the incident.
    upload(&bot, "run_results", "pass").await;
    assert_eq!(bot.incident(1).await["status"], "pending");
    upload(&bot, "sources", "pass").await;
    let incident = bot.incident(1).await;
    assert_eq!(
        (incident["alerts_firing"].as_u64(), incident["status"].as_str()),
        (Some(0), Some("resolved")),
        "{incident}"
    );
    bot.end().await;
}

/// What lies below a broken asset joins and pages nobody again; what lies above joins, and the root moves up; what has nothing to do with it
/// is another incident.
#[tokio::test]
async fn the_lineage_says_what_belongs_together() {
    let bot = warehouse("").await;
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders")).await), ("opened".into(), "INC-1".into()));
    assert_eq!(outcome(&bot.alert("dq", alert("bi.dash")).await), ("inhibited".into(), "INC-1".into()));
    assert_eq!(outcome(&bot.alert("dq", alert("w.raw")).await), ("attached".into(), "INC-1".into()));
    assert_eq!(outcome(&bot.alert("dq", alert("w.returns")).await), ("opened".into(), "INC-2".into()));
    assert_eq!(outcome(&bot.alert("dq", alert("w.unknown")).await), ("opened".into(), "INC-3".into()));
    let incident = bot.incident(1).await;
    let because: Vec<_> =
        incident["alerts"].as_array().unwrap().iter().map(|alert| alert["joined_because"].as_str().unwrap()).collect();
    insta::assert_snapshot!(because.join("\n"), @r"
    it opened the incident
    bi.dash is made of w.orders (2 steps), which is broken
    w.orders is made of w.raw (2 steps): it may be where it started
    ");
    assert_eq!(incident["root_cause_candidates"][0]["asset"], "w.raw");
    assert_eq!(bot.sandbox.pagerduty().pages(), 3, "one an incident");
    // A dashboard of tier 1 below makes it no worse than its cause is.
    assert_eq!(incident["severity"], "SEV3");
    bot.end().await;
}

/// An incident of long ago swallows nothing new.
#[tokio::test]
async fn what_began_long_ago_is_no_cause() {
    let bot = warehouse("").await;
    bot.alert("dq", alert("w.orders")).await;
    bot.clock.advance(Duration::hours(7));
    assert_eq!(outcome(&bot.alert("dq", alert("w.revenue")).await), ("opened".into(), "INC-2".into()));
    bot.end().await;
}

/// Children recover later than their parent: what fires below just after the end waits, and pages only if it goes on.
#[tokio::test]
async fn children_get_time_to_recover() {
    let bot = warehouse("").await;
    bot.alert("dq", alert("w.orders")).await;
    let channel = bot.inc(1).name.clone();
    bot.slash(ANA, &channel, "resolve mended").await;
    assert_eq!(outcome(&bot.alert("dq", alert("w.revenue")).await), ("held".into(), String::new()));
    assert_eq!(outcome(&bot.alert("dq", alert("bi.dash")).await), ("held".into(), String::new()));
    assert_eq!(
        outcome(&bot.alert("dq", alert("w.returns")).await).0,
        "opened",
        "what hangs on nothing mended does not wait"
    );
    bot.advance(minutes(5)).await;
    assert_eq!(outcome(&bot.alert("dq", resolved(alert("bi.dash"))).await).0, "resolved");
    assert_eq!(open_incidents(&bot).await, 1);
    bot.advance(minutes(11)).await;
    let incident = bot.incident(3).await;
    assert_eq!(incident["title"], "w.revenue is wrong");
    assert_eq!(open_incidents(&bot).await, 2, "the dashboard recovered in time");
    bot.end().await;
}

/// A silence hides what it names, says so once, survives a restart, and lets go of what still fires when it ends.
#[tokio::test]
async fn a_silence_hides_says_so_and_lets_go() {
    let bot = Bot::start().await;
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "silence").await, @"Which alerts do you want to hide, for how long, and why? It is written /incident silence <matcher> <2h|friday> <reason>: hide alerts for a while: silence warehouse.orders* 2h backfill is running, silence pillar=freshness team=orders 30m ….");
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "silence w.* 2h").await, @"A silence needs a reason; whoever looks for a missing alert reads it. /incident silence warehouse.orders* 2h backfill is running");
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "silence w.orders* source=dq 2h backfill is running").await, @"Silence 1 holds until 2026-11-23 08:00 UTC. Alerts that it hides open an incident then, if they still fire. /incident unsilence 1 ends it.");
    insta::assert_snapshot!(bot.slash(GUEST, "data-incidents", "silence w.* 2h x").await, @"Guests of this workspace cannot silence alerts or decide what becomes of them. Ask a member in the channel to do it.");
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders_daily")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", alert("w.other")).await).0, "opened");
    let channel = bot.channel("data-incidents");
    let said = channel.find("🔕");
    insta::assert_snapshot!(said.text(), @"🔕 Silence 1 (backfill is running, Ana) hides alerts until 2026-11-23 08:00 UTC. The first one is: w.orders is wrong on w.orders. Alerts that still fire at that time will open an incident.");
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "silences").await, @"
    🔕 Silences
    • 1 w.orders* source=dq 2026-11-23 06:00 to 2026-11-23 08:00 UTC: backfill is running (Ana)
    ");
    // One of them goes away while it is hidden.
    assert_eq!(outcome(&bot.alert("dq", resolved(alert("w.orders_daily"))).await).0, "resolved");
    let bot = Bot::set_up(bot.crash()).await;
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders_late")).await).0, "silenced");
    bot.advance(minutes(119)).await;
    assert_eq!(open_incidents(&bot).await, 1);
    bot.advance(minutes(3)).await;
    let titles: Vec<_> = bot.get("/api/v1/incidents?status=open").await["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|incident| incident["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(titles.len(), 3, "{titles:?}");
    assert!(!titles.contains(&"w.orders_daily is wrong".to_owned()), "{titles:?}");
    bot.end().await;
}

#[tokio::test]
async fn programs_make_and_end_silences_too() {
    let bot = Bot::start().await;
    let asked = json!({"match": "asset=w.*", "until": "2026-11-23T09:00:00Z", "reason": "deployment", "owner": "ci"});
    let (status, silence) = bot.post("/api/v1/silences", Some(API_TOKEN), &asked).await;
    assert_eq!((status, silence["id"].as_u64()), (201, Some(1)), "{silence}");
    assert_eq!(bot.get("/api/v1/silences").await["silences"][0], silence);
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders")).await).0, "silenced");
    let ended = bot.http.delete(format!("{}/api/v1/silences/1", bot.base)).bearer_auth(API_TOKEN).send().await.unwrap();
    assert_eq!(ended.status(), 200);
    bot.settle().await;
    assert_eq!(open_incidents(&bot).await, 1, "what it hid opens an incident at once");
    for (wrong, why) in [
        (
            json!({"match": "", "until": "2026-11-23T09:00:00Z", "reason": "x", "owner": "ci"}),
            "A matcher says what is meant",
        ),
        (json!({"match": "w.*", "until": "2026-11-23T05:00:00Z", "reason": "x", "owner": "ci"}), "in the future"),
        (json!({"match": "w.*", "until": "2027-11-23T05:00:00Z", "reason": "x", "owner": "ci"}), "at most 90 days"),
        (json!({"match": "w.*", "until": "2026-11-23T09:00:00Z", "reason": " ", "owner": "ci"}), "needs a reason"),
        (json!({"match": "w.*", "until": "2026-11-23T09:00:00Z", "reason": "x", "owner": ""}), "needs an owner"),
    ] {
        let (status, problem) = bot.post("/api/v1/silences", Some(API_TOKEN), &wrong).await;
        assert_eq!(status, 422);
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
    assert_eq!(bot.post("/api/v1/silences", Some("wrong"), &asked).await.0, 401);
    bot.end().await;
}

#[tokio::test]
async fn a_maintenance_window_comes_back_every_week() {
    let bot = bot_with(
        "[[maintenance]]\nname = \"reload\"\nmatch = \"asset=w.*\"\ndays = [\"mon\"]\nfrom = \"07:00\"\nto = \"08:00\"\nzone = \"Europe/Berlin\"\nreason = \"weekly reload\"\n",
    )
    .await;
    // Monday, 07:00 in Berlin, is when the story begins: 06:00 UTC.
    assert_eq!(outcome(&bot.alert("dq", alert("w.orders")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", alert("x.orders")).await).0, "opened");
    let channel = bot.channel("data-incidents");
    let said = channel.find("🔕");
    insta::assert_snapshot!(said.text(), @"🔕 Maintenance reload (weekly reload) hides alerts until 2026-11-23 07:00 UTC. The first one is: w.orders is wrong on w.orders. Alerts that still fire at that time will open an incident.");
    bot.advance(minutes(61)).await;
    assert_eq!(open_incidents(&bot).await, 2);
    bot.end().await;
}

const ROUTES: &str = r##"
[[routes]]
name = "staging"
match = "asset=staging.*"
action = "ignore"
[[routes]]
name = "odd values"
match = "pillar=distribution"
action = "ask"
[[routes]]
name = "slow"
match = "asset=slow.*"
pending_minutes = 10
[[routes]]
name = "finance"
match = "team=finance"
service = "finance"
severity = "SEV1"
"##;

#[tokio::test]
async fn routes_decide_what_becomes_of_alerts() {
    let bot = bot_with(ROUTES).await;
    assert_eq!(outcome(&bot.alert("dq", alert("staging.orders")).await).0, "ignored");
    let mut ledger = alert("ledger");
    ledger["labels"] = json!({"team": "finance"});
    assert_eq!(outcome(&bot.alert("dq", ledger).await).0, "opened");
    let incident = bot.incident(1).await;
    assert_eq!(
        (incident["severity"].as_str(), incident["service"].as_str()),
        (Some("SEV1"), Some("finance")),
        "{incident}"
    );
    // What goes away within ten minutes was nothing; what does not is an incident.
    assert_eq!(outcome(&bot.alert("dq", alert("slow.a")).await).0, "held");
    assert_eq!(outcome(&bot.alert("dq", alert("slow.b")).await).0, "held");
    assert_eq!(outcome(&bot.alert("dq", alert("slow.b")).await).0, "held", "the same again changes nothing");
    bot.advance(minutes(5)).await;
    assert_eq!(outcome(&bot.alert("dq", resolved(alert("slow.a"))).await).0, "resolved");
    bot.advance(minutes(6)).await;
    assert_eq!(bot.incident(2).await["title"], "slow.b is wrong");
    assert_eq!(open_incidents(&bot).await, 2);
    bot.end().await;
}

/// Where a route asks, people decide with the buttons of a card.
#[tokio::test]
async fn people_are_asked_with_a_card() {
    let bot = bot_with(ROUTES).await;
    let odd = |asset: &str| {
        let mut alert = alert(asset);
        alert["pillar"] = "distribution".into();
        alert
    };
    bot.channel("data-incidents").skip_rest();
    for asset in ["w.a", "w.b", "w.c", "w.d"] {
        assert_eq!(outcome(&bot.alert("dq", odd(asset)).await).0, "held");
    }
    let channel = bot.channel("data-incidents");
    let card = channel.find("❓ w.a is wrong");
    insta::assert_snapshot!(card.text(), @r"
    ❓ w.a is wrong (error, distribution)
    About w.a, from dq, since 2026-11-23 06:00 UTC.
    Is this an incident?
    ");
    card.button("Open incident").click(ANA).await;
    assert_eq!(bot.incident(1).await["title"], "w.a is wrong");
    assert_eq!(channel.find("🚨 w.a is wrong: is INC-1 (Ana)").labels(), Vec::<&str>::new());
    channel.find("❓ w.b is wrong").button("Not a problem").click(BEN).await;
    channel.find("👌 w.b is wrong: is not a problem (Ben)");
    channel.find("❓ w.c is wrong").button("Attach to…").click(ANA).await;
    let uid = bot.incident(1).await["uid"].clone();
    bot.submit(ANA, json!({"incident": uid})).await;
    channel.find("📎 w.c is wrong: is part of INC-1 (Ana)");
    let incident = bot.incident(1).await;
    assert_eq!(incident["alerts"][1]["joined_because"], "Ana attached it");
    channel.find("❓ w.d is wrong").button("Silence").click(ANA).await;
    bot.submit(ANA, json!({"matcher": "asset=w.d", "until": "1h", "text": "known, ticket is open"})).await;
    channel.find("🔕 w.d is wrong: is silenced until 2026-11-23 07:00 UTC (silence 1) (Ana)");
    assert_eq!(outcome(&bot.alert("dq", odd("w.d")).await).0, "silenced");
    assert_eq!(outcome(&bot.alert("dq", odd("w.b")).await).0, "held", "it is asked again when it fires again");
    assert_eq!(open_incidents(&bot).await, 1);
    bot.end().await;
}

/// What comes and goes is said so, and opens nothing until it is steady.
#[tokio::test]
async fn what_flaps_is_held_and_said_so() {
    let bot = bot_with("[triage]\nflapping_changes = 4\n").await;
    for round in 1..=2 {
        assert_eq!(outcome(&bot.alert("auto", alert("w.orders")).await), ("opened".into(), format!("INC-{round}")));
        bot.advance(minutes(2)).await;
        assert_eq!(outcome(&bot.alert("auto", resolved(alert("w.orders"))).await).0, "resolved");
        bot.advance(minutes(16)).await;
    }
    assert_eq!(outcome(&bot.alert("auto", alert("w.orders")).await).0, "held");
    let channel = bot.channel("data-incidents");
    let said = channel.find("🔁");
    insta::assert_snapshot!(said.text(), @"🔁 w.orders is wrong on w.orders comes and goes: 4 changes within 60 minutes. It opens nothing until it is steady.");
    assert_eq!(open_incidents(&bot).await, 0);
    // It stays: after half an hour it is an incident.
    bot.advance(minutes(31)).await;
    assert_eq!(open_incidents(&bot).await, 1);
    bot.end().await;
}

#[tokio::test]
async fn a_heartbeat_that_does_not_come_is_an_alert_and_the_next_one_ends_it() {
    let bot = bot_with(
        "[[heartbeats]]\nsource = \"auto\"\nname = \"nightly-load\"\nevery_minutes = 30\ngrace_minutes = 5\nasset = \"w.orders\"\nseverity = \"critical\"\n",
    )
    .await;
    let beat = async || bot.post("/hooks/auto/heartbeat/nightly-load", Some(TOKEN), &json!({})).await;
    let (status, answer) = beat().await;
    assert_eq!((status, answer["next_due"].as_str()), (202, Some("2026-11-23T06:35:00Z")), "{answer}");
    bot.advance(minutes(30)).await;
    assert_eq!(beat().await.0, 202);
    bot.advance(minutes(34)).await;
    assert_eq!(open_incidents(&bot).await, 0);
    bot.advance(minutes(2)).await;
    let incident = bot.incident(1).await;
    assert_eq!(incident["title"], "No sign of nightly-load since 2026-11-23 06:30 UTC");
    assert_eq!((incident["severity"].as_str(), incident["pillar"].as_str()), (Some("SEV2"), Some("freshness")));
    bot.advance(minutes(60)).await;
    assert_eq!(open_incidents(&bot).await, 1, "late is late, once");
    assert_eq!(beat().await.0, 202);
    bot.settle().await;
    assert_eq!(bot.incident(1).await["status"], "resolved");
    let (status, problem) = bot.post("/hooks/auto/heartbeat/nightly", Some(TOKEN), &json!({})).await;
    assert_eq!(status, 404);
    assert!(problem["detail"].as_str().unwrap().contains("`nightly-load`"), "{problem}");
    assert_eq!(bot.post("/hooks/auto/heartbeat/nightly-load", Some("wrong"), &json!({})).await.0, 401);
    bot.end().await;
}

/// A child that was only in the incident for its parent, and goes on after the parent is mended, is an incident of its own: where its
/// monitor says by itself when something is over.
#[tokio::test]
async fn a_child_that_goes_on_after_its_parent_pages() {
    let bot = warehouse("").await;
    bot.alert("dq", alert("w.orders")).await;
    let fired = |asset: &str| {
        json!({"version": "4", "status": "firing", "alerts": [{"status": "firing", "fingerprint": asset, "startsAt": "2026-11-23T06:00:00Z",
            "labels": {"alertname": format!("{asset} is late"), "dataset": asset, "severity": "error"}, "annotations": {}}]})
    };
    assert_eq!(outcome(&bot.alert("prom", fired("w.revenue")).await).0, "inhibited");
    assert_eq!(outcome(&bot.alert("dq", alert("bi.dash")).await).0, "inhibited");
    let channel = bot.inc(1).name.clone();
    bot.slash(ANA, &channel, "resolve mended").await;
    bot.advance(minutes(14)).await;
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    bot.advance(minutes(2)).await;
    // The other monitor never says that anything is over: nobody knows whether the dashboard is still wrong.
    assert_eq!(bot.incident(2).await["title"], "w.revenue is late");
    assert_eq!((open_incidents(&bot).await, bot.sandbox.pagerduty().pages()), (1, 2));
    bot.end().await;
}

/// Only where it is asked for: what nobody repeats is over.
#[tokio::test]
async fn silence_of_a_monitor_is_an_end_only_where_it_is_said_so() {
    let bot = bot_with("[[sources]]\nname = \"repeats\"\nkind = \"generic\"\ntoken_env = \"SOURCE_TOKEN\"\nresolve_after_minutes = 10\n").await;
    bot.alert("repeats", alert("w.orders")).await;
    bot.alert("dq", alert("x.orders")).await;
    bot.advance(minutes(8)).await;
    assert_eq!(outcome(&bot.alert("repeats", alert("w.orders")).await).0, "repeated");
    bot.advance(minutes(8)).await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    bot.advance(minutes(3)).await;
    assert_eq!(
        (bot.incident(1).await["alerts_firing"].as_u64(), bot.incident(2).await["alerts_firing"].as_u64()),
        (Some(0), Some(1))
    );
    bot.end().await;
}

/// People know better: an alert is moved out, an incident is merged into another; both are on the timeline, and later alerts follow.
#[tokio::test]
async fn people_move_alerts_and_merge_incidents() {
    let bot = warehouse("").await;
    bot.alert("dq", alert("w.orders")).await;
    bot.alert("dq", alert("bi.dash")).await;
    bot.alert("dq", alert("w.returns")).await;
    let one = bot.inc(1).name.clone();
    insta::assert_snapshot!(bot.slash(ANA, &one, "alerts").await, @r"
    🔔 Alerts of INC-1
    • 1 🔴 w.orders is wrong (it opened the incident)
    • 2 🔴 bi.dash is wrong (bi.dash is made of w.orders (2 steps), which is broken)
    /incident move 2 INC-7 moves alert 2 to another incident.
    ");
    insta::assert_snapshot!(bot.slash(ANA, &one, "move 7 new").await, @"INC-1 has no such alert. /incident alerts numbers them.");
    insta::assert_snapshot!(bot.slash(ANA, &one, "move 2 new").await, @"INC-1: Ana moved the alert “bi.dash is wrong” to an incident of its own.");
    assert_eq!(bot.incident(3).await["title"], "bi.dash is wrong");
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    assert_eq!(bot.incident(3).await["alerts"][0]["joined_because"], "Ana moved it here from INC-1");
    // It says where it is now, and repeats go there.
    assert_eq!(outcome(&bot.alert("dq", alert("bi.dash")).await), ("repeated".into(), "INC-3".into()));
    insta::assert_snapshot!(bot.slash(BEN, &one, "merge INC-1").await, @"An incident cannot be merged into itself; name another, for example /incident merge INC-12.");
    insta::assert_snapshot!(bot.slash(BEN, &one, "merge INC-9").await, @"There is no INC-9. /incident list shows what is open.");
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "INC-2 merge INC-1").await, @"INC-2: Ben merged this into INC-1.");
    let merged = bot.incident(2).await;
    assert_eq!(merged["status"], "merged");
    let first = bot.incident(1).await;
    assert_eq!(
        (first["alerts_firing"].as_u64(), first["alerts"][1]["joined_because"].as_str()),
        (Some(2), Some("INC-2 was merged into this")),
        "{first}"
    );
    assert_eq!(outcome(&bot.alert("dq", alert("w.returns")).await), ("repeated".into(), "INC-1".into()));
    let mut other = alert("w.returns");
    other["key"] = "another check".into();
    assert_eq!(
        outcome(&bot.alert("dq", other).await),
        ("attached".into(), "INC-1".into()),
        "what is about its asset follows"
    );
    insta::assert_snapshot!(bot.slash(BEN, "data-incidents", "INC-2 resolve x").await, @"INC-2 was merged into INC-1, and goes on there.");
    bot.inc(2).find("🔀 @Ben merged this into INC-1");
    bot.end().await;
}

/// People say what alerts were worth, and the noisiest monitors are named.
#[tokio::test]
async fn verdicts_name_the_noisiest_monitors() {
    let bot = bot_with(ROUTES).await;
    for (n, asset) in ["w.a", "w.b", "w.a"].into_iter().enumerate() {
        bot.alert("dq", alert(asset)).await;
        let channel = bot.inc(n as u64 + 1);
        channel.slash(ANA, "resolve done").await;
        let button = ["Alert was useful", "False alarm", "False alarm"][n];
        channel.card().button(button).click(BEN).await;
        assert!(!channel.card().labels().contains(&"False alarm"), "it was said");
    }
    // Second thoughts count instead of the first.
    bot.inc(3).slash(ANA, "judge expected").await;
    let mut odd = alert("w.c");
    odd["pillar"] = "distribution".into();
    bot.alert("dq", odd).await;
    bot.channel("data-incidents").find("❓ w.c is wrong").button("Not a problem").click(BEN).await;
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "stats").await, @r"
    📊 Since 2026-10-24 06:00 UTC
    3 incidents (3 SEV3). Medians: resolved in 0 min.
    Alerts, by what people said of them: 1 of 4 were useful (25 %). Monitors judged: 3.
    The noisiest:
    • w.a is wrong (dq): false 0, expected 1, useful 1 (50 %)
    • w.b is wrong (dq): false 1, expected 0, useful 0 (0 %)
    • w.c is wrong (dq): false 1, expected 0, useful 0 (0 %)
    ");
    assert!(bot.text("/api/v1/incidents/INC-3/postmortem").await.contains("Ana called the alerts expected"));
    bot.end().await;
}

/// The tier of the catalog makes an incident worse, where no service says otherwise.
#[tokio::test]
async fn the_tier_of_the_catalog_counts() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "assets: [{name: w.gold, tier: 1}, {name: w.iron, tier: 3}]".to_owned()).await;
    bot.alert("dq", alert("w.gold")).await;
    bot.alert("dq", alert("w.iron")).await;
    assert_eq!(
        (bot.incident(1).await["severity"].as_str(), bot.incident(2).await["severity"].as_str()),
        (Some("SEV2"), Some("SEV3"))
    );
    bot.end().await;
}

/// Who noticed it, where, and what should have noticed it before: in the post-mortem.
#[tokio::test]
async fn the_post_mortem_names_the_gap_in_monitoring() {
    let bot = warehouse("").await;
    bot.alert("dq", alert("w.orders")).await;
    bot.advance(minutes(12)).await;
    bot.alert("dq", alert("w.raw")).await;
    bot.slash(ANA, "data-incidents", "declare payments look odd").await;
    let detection = async |name: &str| {
        let text = bot.text(&format!("/api/v1/incidents/{name}/postmortem")).await;
        text.split("## Detection\n\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned()
    };
    insta::assert_snapshot!(detection("INC-1").await, @r"
    - Noticed by the monitor dq on w.orders at 2026-11-23 06:00 UTC.
    - It was seen downstream first: the likeliest root, w.raw, was reported 12 min later.
    - 2 alerts joined; 2 of them still fire.
    ");
    insta::assert_snapshot!(detection("INC-2").await, @r"
    - Noticed by a person, who declared it at 2026-11-23 06:12 UTC.
    - Monitoring gap: no monitor reported it; check what broke.
    ");
    bot.end().await;
}

/// Nobody looks: it is said again, at growing intervals, until somebody has it. A route's teams are invited and told to the end.
#[tokio::test]
async fn reminders_grow_and_a_routes_teams_are_told() {
    let bot = bot_with(
        r##"
[[teams]]
name = "finance-people"
slack = "S0ORDERS01, #finance"
[[routes]]
name = "finance"
match = "asset=w.*"
teams = ["finance-people"]
"##,
    )
    .await;
    bot.sandbox.slack().add_channel("finance", &[CHLOE]);
    bot.alert("quiet", alert("w.orders")).await;
    let inc = bot.inc(1);
    assert!(inc.view().members.contains(&CHLOE.to_owned()), "the route's team is in the channel");
    bot.channel("finance").expect("You or your team asked to hear of this.");
    inc.find("📨 Told: finance-people");
    let asked = || {
        let messages = bot.sandbox.slack().messages(&inc.name);
        messages.iter().filter(|message| message.text.contains("Nobody has acknowledged")).count()
    };
    let mut seen = Vec::new();
    for minute in 1..=240 {
        bot.advance(minutes(1)).await;
        if asked() > seen.len() {
            seen.push(minute);
        }
    }
    assert_eq!(seen, [15, 45, 105, 225], "after 15 minutes, then 30, 60, 120");
    insta::assert_snapshot!(inc.find("Nobody has acknowledged").text(), @"🔔 Nobody has acknowledged this SEV3 for 225 min. Alerts that fire: 1.");
    inc.find("Nobody has acknowledged").button("Acknowledge").click(BEN).await;
    bot.advance(minutes(300)).await;
    assert_eq!(asked(), 4, "somebody has it");
    inc.slash(BEN, "resolve done").await;
    bot.channel("finance").find("✅");
    bot.end().await;
}

/// What is over while its incident is being merged does not go on firing where it arrives.
#[tokio::test]
async fn an_alert_that_ends_while_it_moves_is_over() {
    let bot = warehouse("").await;
    bot.alert("quiet", alert("w.orders")).await;
    bot.alert("quiet", alert("w.returns")).await;
    let (status, _) = {
        let into = bot.inc(1).name.clone();
        bot.sandbox.slack().command(ANA, &into, "INC-2 merge INC-1").await;
        // Nothing has been carried out yet.
        bot.post("/hooks/quiet", Some(TOKEN), &resolved(alert("w.returns"))).await
    };
    assert_eq!(status, 202);
    bot.settle().await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    assert_eq!(bot.incident(2).await["status"], "merged");
    bot.end().await;
}

/// Two tables below one broken source are reported before it, in one breath: they are one incident all the same.
#[tokio::test]
async fn what_comes_in_together_is_placed_from_the_top() {
    let bot = bot_with("").await;
    bot.put("/api/v1/catalog/yaml", "edges: [[s.raw, s.left], [s.raw, s.right], [s.left, s.end]]".to_owned()).await;
    let alert = |asset: &str| json!({"key": asset, "title": format!("{asset} is wrong"), "asset": asset});
    let body = ["s.end", "s.right", "s.left", "s.raw"].map(alert);
    let answer = bot.alert("dq", json!(body)).await;
    let placed: Vec<_> = answer["alerts"].as_array().unwrap().iter().map(outcome_of).collect();
    assert_eq!(
        placed,
        ["s.end inhibited INC-1", "s.right inhibited INC-1", "s.left inhibited INC-1", "s.raw opened INC-1"]
    );
    // One key keeps its order: it fired, and it is over.
    let body = [alert("s.raw2"), json!({"key": "s.raw2", "title": "over", "status": "resolved"}), alert("s.left2")];
    bot.alert("dq", json!(body)).await;
    assert_eq!(bot.get("/api/v1/incidents?asset=s.raw2").await["incidents"][0]["alerts_firing"], 0);
    bot.end().await;
}

fn outcome_of(placed: &Value) -> String {
    let text = |key: &str| placed[key].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", text("key"), text("outcome"), text("incident"))
}
