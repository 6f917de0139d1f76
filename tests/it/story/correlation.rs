//! What belongs together becomes one incident: by the lineage, by time, and by what comes in together.

use chrono::Duration;
use serde_json::{Value, json};

use super::{alert, bot_with, open_incidents, outcome, warehouse};
use crate::harness::*;

const DBT: &str = r#"
[[sources]]
name = "dbt"
kind = "dbt_artifacts"
token_env = "SOURCE_TOKEN"
on_green = "resolve"
"#;

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

/// A second incident about the same table takes nothing over from the first.
#[tokio::test]
async fn the_oldest_open_incident_of_an_asset_gets_its_alerts() {
    let bot = Bot::start().await;
    bot.alert("dq", alert("w.a")).await;
    bot.slash(ANA, "data-incidents", "declare! something else about it --on w.a").await;
    let mut other = alert("w.a");
    other["key"] = "another check".into();
    assert_eq!(bot.alert("dq", other.clone()).await["alerts"][0]["incident"], "INC-1");
    bot.slash(ANA, "data-incidents", "INC-2 resolve done").await;
    other["key"] = "a third check".into();
    assert_eq!(bot.alert("dq", other.clone()).await["alerts"][0]["incident"], "INC-1");
    bot.slash(ANA, "data-incidents", "declare! a third about it --on w.a").await;
    bot.slash(ANA, "data-incidents", "INC-1 resolve done").await;
    other["key"] = "a fourth check".into();
    assert_eq!(bot.alert("dq", other).await["alerts"][0]["incident"], "INC-3");
    bot.end().await;
}

/// Every DAG of a schedule has the same run id, each mapped instance fails by itself, and a run that is tried again fails again.
#[tokio::test]
async fn runs_are_told_apart() {
    let extra = ["airflow", "prefect"]
        .map(|kind| format!("[[sources]]\nname = \"{kind}\"\nkind = \"{kind}\"\ntoken_env = \"SOURCE_TOKEN\"\n"))
        .concat();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    let run = |dag: &str, instance: i64, state: &str| json!({"dag_id": dag, "task_id": "load", "run_id": "scheduled__2026-11-23T00:00:00+00:00", "map_index": instance, "state": state});
    bot.alert("airflow", run("orders", -1, "failed")).await;
    assert_eq!(bot.alert("airflow", run("payroll", -1, "failed")).await["alerts"][0]["incident"], "INC-2");
    bot.alert("airflow", run("files", 3, "failed")).await;
    bot.alert("airflow", run("files", 4, "success")).await;
    assert_eq!(bot.incident(3).await["alerts_firing"], 1, "another instance's success is not this one's");
    let flow = |state: &str, minute: u32| {
        json!({"flow_name": "nightly", "flow_run": {"id": "6a1e", "name": "run"},
            "state": {"type": state, "timestamp": format!("2026-11-23T05:{minute:02}:00Z")}})
    };
    bot.alert("prefect", flow("FAILED", 1)).await;
    bot.slash(ANA, "data-incidents", "INC-4 resolve done").await;
    assert_eq!(bot.alert("prefect", flow("FAILED", 1)).await["alerts"][0]["outcome"], "repeated", "the same once more");
    assert_eq!(bot.alert("prefect", flow("FAILED", 20)).await["alerts"][0]["incident"], "INC-5");
    bot.end().await;
}
