//! Rounds of alerts over a store that is slow, refuses something, or is written by somebody else first.

use muster::store::{CommitError, Kind, Store};
use serde_json::{Value, json};

use crate::harness::engine::Between;
use crate::harness::*;

fn alert(key: &str) -> Value {
    json!({"key": key, "title": format!("{key} is wrong"), "asset": "warehouse.orders", "severity": "error"})
}

/// A bot on a store of which the story says what goes wrong.
pub(super) async fn on_what_goes_wrong() -> (Bot, std::sync::Arc<Between>) {
    let between = Between::of(Engine::of_stories().store().await.unwrap());
    let store = Store::new(between.clone());
    (Bot::set_up(Setup { store: Some(store), ..Setup::default() }).await, between)
}

/// A disk or database that does not answer is said where a load balancer looks, with why.
#[tokio::test]
async fn a_store_that_takes_nothing_is_said_by_readyz() {
    let (bot, store) = on_what_goes_wrong().await;
    let ready = async || {
        let answer = bot.http.get(format!("{}/readyz", bot.base)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ready().await.0, 200);
    store.is_ill(Some("the disk has not answered a write for 12 s"));
    let (status, words) = ready().await;
    assert!(status == 503 && words.contains("has not answered a write for 12 s"), "{status} {words}");
    store.is_ill(None);
    assert_eq!(ready().await.0, 200);
    bot.end().await;
}

/// What the store never takes is refused, and what came in the same moment is taken in.
#[tokio::test]
async fn one_alert_that_the_store_never_takes_spoils_no_other() {
    let (bot, store) = on_what_goes_wrong().await;
    bot.alert("dq", alert("first")).await;
    store.refuse(|ops| {
        let poison = ops.iter().find(|op| op.kind == Kind::Alert && format!("{op:?}").contains("poison"))?;
        Some(CommitError::TooLarge { kind: poison.kind, id: poison.id.clone(), bytes: 70_000 })
    });
    // While one round waits for its answer, the others gather for the next.
    store.hold_answers(true);
    let keys = ["a", "poison", "b", "c"];
    let posts = keys.map(|key| {
        let (bot, body) = (&bot, json!({"key": key, "title": key, "asset": "warehouse.orders"}));
        async move { bot.post("/hooks/dq", Some(TOKEN), &body).await }
    });
    let release = async {
        store.holds(1).await;
        tokio::task::yield_now().await;
        store.hold_answers(false);
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(posts), release);
    for (key, (status, answer)) in keys.iter().zip(answers) {
        assert_eq!(status, if *key == "poison" { 413 } else { 202 }, "{key}: {answer}");
    }
    bot.settle().await;
    assert_eq!(bot.incident(1).await["alerts"].as_array().unwrap().len(), 4);
    bot.end().await;
}

/// Posts two alerts, the second when the first is decided and not yet written; then they are written. What became of each.
async fn one_behind_the_other(bot: &Bot, store: &Between, alerts: [Value; 2]) -> [Value; 2] {
    store.keep_back(true);
    let [first, second] = alerts;
    let post = async |body: &Value| {
        let (status, answer) = bot.post("/hooks/auto", Some(TOKEN), body).await;
        assert_eq!(status, 202, "{answer}");
        answer["alerts"][0].clone()
    };
    let after = async {
        store.keeps_back(1).await;
        post(&second).await
    };
    let release = async {
        store.keeps_back(1).await;
        // It is decided in one go with this look.
        store.is_asked_for(Kind::SuppressedAlert, second["key"].as_str().unwrap()).await;
        store.keep_back(false);
    };
    let (first, second, ()) = tokio::join!(post(&first), after, release);
    bot.settle().await;
    [first, second]
}

/// What comes while an incident is opened joins it before anything of it is written.
#[tokio::test]
async fn a_round_is_decided_from_what_the_one_before_comes_to() {
    let (bot, store) = on_what_goes_wrong().await;
    let [first, second] = one_behind_the_other(&bot, &store, [alert("first"), alert("second")]).await;
    assert_eq!((&first["outcome"], &first["incident"]), (&json!("opened"), &json!("INC-1")));
    assert_eq!((&second["outcome"], &second["incident"]), (&json!("attached"), &json!("INC-1")));
    assert_eq!(bot.incident(1).await["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(bot.sandbox.pagerduty().pages_by_key().len(), 1);
    bot.end().await;
}

/// The end of an alert finds it though it is just being written.
#[tokio::test]
async fn an_end_finds_the_alert_that_is_just_written() {
    let (bot, store) = on_what_goes_wrong().await;
    let [first, end] = one_behind_the_other(&bot, &store, [alert("a"), resolved(alert("a"))]).await;
    assert_eq!((&first["outcome"], &end["outcome"]), (&json!("opened"), &json!("resolved")));
    assert_eq!(bot.incident(1).await["alerts_firing"], 0);
    bot.end().await;
}

/// What comes while an incident's end is written is placed once that is known: what fires below what was just mended waits.
#[tokio::test]
async fn what_follows_an_end_is_placed_when_that_is_known() {
    let (bot, store) = on_what_goes_wrong().await;
    assert_eq!(bot.put("/api/v1/catalog/yaml", "edges: [[w.orders, w.revenue]]".to_owned()).await.0, 200);
    let of = |asset: &str| json!({"key": asset, "title": format!("{asset} is wrong"), "asset": asset});
    bot.alert("auto", of("w.orders")).await;
    store.keep_back(true);
    let post = async |body: Value| bot.post("/hooks/auto", Some(TOKEN), &body).await.1["alerts"][0]["outcome"].clone();
    let below = async {
        store.keeps_back(1).await;
        post(of("w.revenue")).await
    };
    let release = async {
        store.keeps_back(1).await;
        // Time enough to place the next one, were it placed before the end is written.
        for _ in 0..20 {
            bot.get("/api/v1/incidents").await;
        }
        store.keep_back(false);
    };
    let (end, below, ()) = tokio::join!(post(resolved(of("w.orders"))), below, release);
    assert_eq!((end, below), (json!("resolved"), json!("held")));
    bot.end().await;
}

/// Where somebody else is first, as another replica may be, what was decided and what was decided from that are both decided anew. Nobody's
/// change is written over.
#[tokio::test]
async fn where_a_round_is_not_written_the_next_is_decided_anew() {
    let (bot, store) = on_what_goes_wrong().await;
    bot.alert("auto", alert("known")).await;
    store.next::<muster::domain::Incident>("", |incident| {
        Some(muster::domain::Incident { title: "Somebody else was here".to_owned(), ..incident.unwrap() })
    });
    let [first, second] = one_behind_the_other(&bot, &store, [alert("first"), alert("second")]).await;
    store.was_first();
    for one in [first, second] {
        assert_eq!((&one["outcome"], &one["incident"]), (&json!("attached"), &json!("INC-1")));
    }
    let incident = bot.incident(1).await;
    assert_eq!(incident["title"], "Somebody else was here", "{incident}");
    assert_eq!(incident["alerts"].as_array().unwrap().len(), 3, "{incident}");
    assert_eq!(incident["alerts_firing"], 3, "{incident}");
    bot.end().await;
}

/// People hear of what a silence hides, though the round that was to say so was decided twice.
#[tokio::test]
async fn what_a_silence_hides_is_said_though_somebody_else_was_first() {
    let (bot, store) = on_what_goes_wrong().await;
    bot.slash(ANA, "data-incidents", "silence warehouse.orders 2h backfill").await;
    bot.settle().await;
    let conflict = std::sync::Mutex::new(Some(()));
    store.refuse(move |ops| {
        let held = ops.iter().find(|op| op.kind == Kind::SuppressedAlert)?;
        let once = conflict.lock().unwrap().take();
        once.map(|()| CommitError::Conflict { kind: held.kind, id: held.id.clone() })
    });
    let answer = bot.alert("dq", alert("hidden")).await;
    assert_eq!(answer["alerts"][0]["outcome"], "silenced", "{answer}");
    bot.channel("data-incidents").find("hides alerts until");
    bot.end().await;
}

/// A name that leads to an incident that is not there holds up nobody.
#[tokio::test]
async fn a_pointer_to_no_incident_is_passed_over() {
    let bot = Bot::start().await;
    let lost = json!({"uid": "01K0000000000000000000LOST"});
    bot.put_raw(Kind::Asset, "warehouse.orders", lost.clone()).await;
    bot.put_raw(Kind::AlertKey, "auto/first", json!({"uid": lost["uid"], "alert": "x"})).await;
    // The end of what nobody knows is the end of nothing.
    let answer = bot.alert("auto", resolved(alert("first"))).await;
    assert_eq!(answer["alerts"][0]["outcome"], "ignored", "{answer}");
    let answer = bot.alert("auto", alert("first")).await;
    assert_eq!(answer["alerts"][0]["incident"], "INC-1", "{answer}");
    bot.end().await;
}

/// Whoever hangs up while the disk is slow leaves nothing half done: what is written is known at once.
#[tokio::test]
async fn what_is_written_is_known_though_who_asked_hung_up() {
    let (bot, store) = on_what_goes_wrong().await;
    store.hold_answers(true);
    let silence = json!({"match": "asset=w.*", "until": "2026-11-23T09:00:00Z", "reason": "deployment", "owner": "ci"});
    let asked = bot.post("/api/v1/silences", Some(API_TOKEN), &silence);
    // It hangs up when the commit is written and before anybody heard of it.
    tokio::select! {
        answer = asked => panic!("it was answered: {answer:?}"),
        () = store.holds(1) => {}
    }
    assert_eq!(bot.muster.app.models.silences.read().lasting(bot.clock.now()).count(), 1, "before it is answered");
    store.hold_answers(false);
    let answer = bot.alert("dq", json!({"key": "k", "title": "orders are late", "asset": "w.orders"})).await;
    assert_eq!(answer["alerts"][0]["outcome"], "silenced", "{answer}");
    bot.end().await;
}
