//! Somebody else is first: a record changes between the look at it and the commit, as another process would change it. Nothing is lost,
//! neither theirs nor ours, and nobody is told "done already" of what was not done.

use std::sync::{Arc, Mutex};

use chrono::Duration;
use muster::domain::captured::Captured;
use muster::domain::lineage::{Asset, Change, ChangeKind, Facts};
use muster::domain::suppression::SuppressedAlert;
use muster::records::{Beat, Changes, ExternalChannels, Flap, OwnerOfAddress, Verdicts};
use muster::slack::client::Listed;
use muster::slack::inbound::SlackEvent;
use muster::store::{Batch, Expect, Id, Kind, Range, Store};
use serde_json::{Value, json};

use crate::harness::engine::Between;
use crate::harness::*;

/// A bot on a store in which somebody else may be first.
async fn bot(extra: &str) -> (Bot, Arc<Between>) {
    let between = Between::of(Engine::of_stories().store().await.unwrap());
    let store = Some(Store::new(between.clone()));
    (Bot::set_up(Setup { extra: extra.to_owned(), store, ..Setup::default() }).await, between)
}

const ASKS: &str = "[[routes]]\nname = \"odd values\"\nmatch = \"pillar=distribution\"\naction = \"ask\"\n";

fn alert(asset: &str) -> Value {
    json!({"key": asset, "title": format!("{asset} is wrong"), "asset": asset, "severity": "error"})
}

fn odd(asset: &str) -> Value {
    let mut alert = alert(asset);
    alert["pillar"] = "distribution".into();
    alert
}

/// The alert was heard of again, elsewhere.
fn repeated(held: Option<SuppressedAlert>) -> Option<SuppressedAlert> {
    let mut held = held.unwrap();
    held.signal.description = Some("it goes on".to_owned());
    Some(held)
}

fn titles(answer: &Value) -> Vec<&str> {
    answer["incidents"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect()
}

/// A press on *Not a problem* counts although somebody else said so of another alert of that monitor.
#[tokio::test]
async fn not_a_problem_is_settled_and_counted() {
    let (bot, elsewhere) = bot(ASKS).await;
    bot.alert("dq", odd("w.b")).await;
    elsewhere.next::<Verdicts>("w.b", |none| {
        assert!(none.is_none());
        Some(Verdicts { useful: 3, ..Verdicts::default() })
    });
    let channel = bot.channel("data-incidents");
    assert_eq!(channel.find("❓ w.b is wrong").button("Not a problem").click(BEN).await, "");
    elsewhere.was_first();
    channel.find("👌 w.b is wrong: is not a problem (Ben)");
    let verdicts = bot.muster.app.verdicts().await.unwrap();
    assert_eq!((verdicts[0].useful, verdicts[0].false_), (3, 1), "{verdicts:?}");
    bot.end().await;
}

/// What was said of an incident's alerts counts beside what was said elsewhere, at once.
#[tokio::test]
async fn a_verdict_counts_beside_another() {
    let (bot, elsewhere) = bot("").await;
    bot.alert("dq", alert("w.a")).await;
    bot.inc(1).slash(ANA, "resolve done").await;
    elsewhere.next::<Verdicts>("w.a", |_| Some(Verdicts { expected: 2, ..Verdicts::default() }));
    bot.inc(1).card().button("False alarm").click(BEN).await;
    elsewhere.was_first();
    let verdicts = bot.muster.app.verdicts().await.unwrap();
    assert_eq!((verdicts[0].expected, verdicts[0].false_), (2, 1), "{verdicts:?}");
    bot.end().await;
}

/// A held alert that is heard of again while somebody decides is decided all the same.
#[tokio::test]
async fn who_decides_on_a_card_is_heard_although_the_alert_goes_on() {
    let (bot, elsewhere) = bot(ASKS).await;
    bot.alert("dq", alert("w.a")).await;
    for asset in ["w.b", "w.c", "w.d"] {
        bot.alert("dq", odd(asset)).await;
    }
    let channel = bot.channel("data-incidents");
    elsewhere.next::<SuppressedAlert>("w.b", repeated);
    assert_eq!(channel.find("❓ w.b is wrong").button("Not a problem").click(BEN).await, "");
    elsewhere.was_first();
    channel.find("👌 w.b is wrong: is not a problem (Ben)");

    channel.find("❓ w.c is wrong").button("Attach to…").click(ANA).await;
    elsewhere.next::<SuppressedAlert>("w.c", repeated);
    bot.submit(ANA, json!({"incident": bot.incident(1).await["uid"]})).await;
    elsewhere.was_first();
    channel.find("📎 w.c is wrong: is part of INC-1 (Ana)");
    assert_eq!(bot.incident(1).await["alerts"].as_array().unwrap().len(), 2);

    channel.find("❓ w.d is wrong").button("Silence").click(ANA).await;
    elsewhere.next::<SuppressedAlert>("w.d", repeated);
    bot.submit(ANA, json!({"matcher": "asset=w.d", "until": "1h", "text": "known"})).await;
    elsewhere.was_first();
    channel.find("🔕 w.d is wrong: is silenced");
    let held = bot.muster.app.store.values(Range::<SuppressedAlert>::all()).await.unwrap();
    assert_eq!(held, [], "all of them are settled");
    bot.end().await;
}

/// Of two who decide at once, the second is told that it is settled.
#[tokio::test]
async fn what_somebody_else_settled_is_said_to_be_settled() {
    let (bot, elsewhere) = bot(ASKS).await;
    bot.alert("dq", odd("w.b")).await;
    elsewhere.next::<SuppressedAlert>("w.b", |_| None);
    let channel = bot.channel("data-incidents");
    let told = channel.find("❓ w.b is wrong").button("Not a problem").click(BEN).await;
    elsewhere.was_first();
    assert_eq!(told, "This alert is settled: it went away, or somebody decided.");
    assert_eq!(bot.muster.app.verdicts().await.unwrap(), [], "it is not counted twice");
    bot.end().await;
}

/// An alert that was settled elsewhere while it fired again is asked about anew, and does not wait where nobody sees it.
#[tokio::test]
async fn what_fires_again_while_it_is_settled_is_asked_anew() {
    let (bot, elsewhere) = bot(ASKS).await;
    bot.alert("dq", odd("w.b")).await;
    elsewhere.next::<SuppressedAlert>("w.b", |_| None);
    let mut worse = odd("w.b");
    worse["severity"] = "critical".into();
    bot.alert("dq", worse).await;
    elsewhere.was_first();
    let channel = bot.channel("data-incidents");
    channel.expect("❓ w.b is wrong (error, distribution)");
    channel.expect("❓ w.b is wrong (critical, distribution)");
    bot.end().await;
}

/// What went away at the very moment at which it was let go opens nothing and pages nobody.
#[tokio::test]
async fn what_went_away_while_it_was_let_go_opens_nothing() {
    let (bot, elsewhere) = bot("[[routes]]\nname = \"slow\"\nmatch = \"w.*\"\npending_minutes = 10\n").await;
    bot.alert("dq", alert("w.a")).await;
    bot.alert("dq", alert("w.b")).await;
    elsewhere.next::<SuppressedAlert>("w.a", |_| None);
    bot.advance(minutes(11)).await;
    elsewhere.was_first();
    let open = bot.get("/api/v1/incidents?status=open").await;
    assert_eq!(titles(&open), ["w.b is wrong"], "{open}");
    bot.end().await;
}

/// The end of a silence lets go of all that it held, also of what is heard of at that moment.
#[tokio::test]
async fn a_silence_ends_although_what_it_holds_goes_on() {
    let (bot, elsewhere) = bot("").await;
    bot.slash(ANA, "data-incidents", "silence w.* 2h backfill").await;
    bot.alert("dq", alert("w.a")).await;
    bot.alert("dq", alert("w.b")).await;
    elsewhere.next::<SuppressedAlert>("w.b", repeated);
    let ended = bot.http.delete(format!("{}/api/v1/silences/1", bot.base)).bearer_auth(API_TOKEN).send().await.unwrap();
    elsewhere.was_first();
    assert_eq!(ended.status(), 200);
    bot.settle().await;
    let open = bot.get("/api/v1/incidents?status=open").await;
    assert_eq!(titles(&open).len(), 2, "{open}");
    bot.end().await;
}

/// What comes and goes is counted wherever it is heard of, and not forgotten while it comes.
#[tokio::test]
async fn comings_and_goings_of_two_processes_are_counted() {
    let (bot, elsewhere) = bot("").await;
    let flap = Id::<Flap>::of("auto", "w.a");
    let times = async || bot.muster.app.store.value(&flap).await.unwrap().unwrap_or_default().times;
    bot.alert("auto", alert("w.a")).await;
    let earlier = bot.clock.now() - minutes(1);
    elsewhere.next::<Flap>("w.a", move |_| Some(Flap { times: vec![earlier] }));
    let gone = bot.clock.now();
    bot.alert("auto", resolved(alert("w.a"))).await;
    elsewhere.was_first();
    assert_eq!(times().await, [earlier, gone]);

    bot.clock.advance(minutes(90));
    let again = bot.clock.now();
    elsewhere.next::<Flap>("w.a", move |flap| Some(Flap { times: [flap.unwrap().times, vec![again]].concat() }));
    assert_eq!(bot.muster.app.forget_what_is_calm().await.unwrap(), 0);
    elsewhere.was_first();
    assert_eq!(times().await, [earlier, gone, again]);
    bot.end().await;
}

/// A channel that came to be shared is known to be, whatever else is learned of channels meanwhile.
#[tokio::test]
async fn no_shared_channel_is_lost() {
    let (bot, elsewhere) = bot("").await;
    bot.alert("dq", alert("w.a")).await;
    let inc = bot.inc(1).name.clone();
    elsewhere.next::<ExternalChannels>(Id::<ExternalChannels>::one().as_str(), |known| {
        let mut known = known.unwrap_or_default();
        let other = Listed { id: "C0OTHER001".into(), name: "partners".to_owned(), shared: true };
        known.channels.insert(other.id.clone(), other);
        Some(known)
    });
    let id = bot.sandbox.slack().channel(&inc).unwrap().id;
    // Slack would tell it again; it need not.
    let shared = SlackEvent::Shared { channel: id.as_str().into(), shared: true };
    muster::chat::slack_event(&bot.muster.app, "Ev0SHARED1", shared).await.unwrap();
    elsewhere.was_first();
    bot.settle().await;
    for channel in ["#partners", &id] {
        assert!(bot.muster.app.is_external(channel), "{channel}");
    }
    bot.end().await;
}

/// A heartbeat that is heard while another process begins to watch it stays watched by that process, and the other way round.
#[tokio::test]
async fn a_heartbeat_is_heard_and_watched_at_once() {
    let beats = "[[heartbeats]]\nsource = \"auto\"\nname = \"nightly\"\nevery_minutes = 30\n";
    let (bot, elsewhere) = bot(beats).await;
    let id = Id::<Beat>::of("auto", "nightly");
    elsewhere.next::<Beat>("nightly", |beat| Some(Beat { watch: "another".to_owned(), ..beat.unwrap() }));
    bot.clock.advance(minutes(5));
    assert_eq!(bot.post("/hooks/auto/heartbeat/nightly", Some(TOKEN), &json!({})).await.0, 202);
    elsewhere.was_first();
    let beat = bot.muster.app.store.value(&id).await.unwrap().unwrap();
    assert_eq!((beat.watch.as_str(), beat.last), ("another", bot.clock.now()));

    let now = bot.clock.now() + minutes(1);
    elsewhere.next::<Beat>("nightly", move |beat| Some(Beat { last: now, ..beat.unwrap() }));
    let bot = Bot::set_up(Setup { extra: beats.to_owned(), ..bot.crash() }).await;
    elsewhere.was_first();
    let beat = bot.muster.app.store.value(&id).await.unwrap().unwrap();
    assert_eq!(beat.last, now);
    assert_ne!(beat.watch, "another");
    bot.end().await;
}

/// Two imports at once: what both say of an asset is kept, of a known one and of a new one.
#[tokio::test]
async fn two_imports_at_once_lose_no_facts() {
    let (bot, elsewhere) = bot("").await;
    let told = |asset: Option<Asset>| {
        let mut asset = asset.unwrap_or_else(|| Asset::named("w.orders"));
        asset.facts.insert("dbt:other".to_owned(), Facts { tier: Some(1), ..Facts::default() });
        Some(asset)
    };
    for edges in ["edges: [[w.raw, w.orders]]", "edges: [[w.raw, w.orders], [w.more, w.orders]]"] {
        elsewhere.next::<Asset>("w.orders", told);
        assert_eq!(bot.put("/api/v1/catalog/yaml", edges.to_owned()).await.0, 200);
        elsewhere.was_first();
        let mut asset = bot.muster.app.asset("w.orders").await.unwrap().unwrap();
        assert_eq!(asset.facts.len(), 2, "{edges}: {asset:?}");
        // Only what was imported is left for the next round.
        asset.facts.remove("dbt:other");
        bot.put_raw(Kind::Catalog, "w.orders", serde_json::to_value(&asset).unwrap()).await;
    }
    bot.end().await;
}

/// What happened to an asset is listed, whoever heard of it.
#[tokio::test]
async fn two_imports_at_once_lose_no_changes() {
    let (bot, elsewhere) = bot("").await;
    let (at, about) = (bot.clock.now(), Arc::new(Mutex::new(0)));
    let before = about.clone();
    elsewhere.next::<Changes>("", move |changes| {
        let mut changes = changes.unwrap_or_default();
        changes.changes.push(Change { what: ChangeKind::Code, at, text: "elsewhere".to_owned(), url: None });
        *before.lock().unwrap() = changes.changes.len();
        Some(changes)
    });
    for event in fixture("dbt/fail/openlineage.jsonl").lines() {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(bot.post("/api/v1/lineage", Some(API_TOKEN), &event).await.0, 201);
    }
    elsewhere.was_first();
    let lists: Vec<Changes> = bot.muster.app.store.values(Range::all()).await.unwrap();
    let both = lists.iter().find(|list| list.changes.iter().any(|change| change.text == "elsewhere"));
    assert!(both.is_some_and(|list| list.changes.len() > *about.lock().unwrap()), "{lists:?}");
    bot.end().await;
}

/// What is named again while it is about to be forgotten stays.
#[tokio::test]
async fn lineage_that_is_named_again_is_not_forgotten() {
    let (bot, elsewhere) = bot("").await;
    bot.shop().await;
    bot.clock.advance(Duration::days(100));
    let today = muster::domain::lineage::day(bot.clock.now());
    let named = Arc::new(Mutex::new(None));
    let seen = named.clone();
    elsewhere.next::<Asset>("", move |asset| {
        let mut asset = asset.unwrap();
        for facts in asset.facts.values_mut() {
            facts.seen = today;
            facts.parents.iter_mut().for_each(|parent| parent.last = today);
        }
        *seen.lock().unwrap() = Some(asset.clone());
        Some(asset)
    });
    bot.muster.app.forget_old_lineage("").await.unwrap();
    elsewhere.was_first();
    let named = named.lock().unwrap().clone().unwrap();
    assert_eq!(bot.muster.app.asset(&named.name).await.unwrap(), Some(named));
    bot.end().await;
}

/// Slack keeps no order, and two processes hear of two edits at once: the later one stays.
#[tokio::test]
async fn the_latest_edit_stays() {
    let (bot, elsewhere) = bot("").await;
    bot.alert("dq", alert("w.a")).await;
    let uid = bot.incident(1).await["uid"].as_str().unwrap().into();
    let inc = bot.inc(1);
    let ts = inc.say(ANA, "it was teh loader").await;
    let later = |said: Option<Captured>| {
        said.map(|said| Captured {
            text: "it was the loader".to_owned(),
            edited: "9999999999.000000".to_owned(),
            ..said
        })
    };
    elsewhere.next::<Captured>(&ts, later);
    bot.sandbox.slack().edit(&inc.name, &ts, "it was th loader");
    bot.settle().await;
    elsewhere.was_first();
    let said = bot.muster.app.captured(&uid, &ts).await.unwrap().unwrap();
    assert_eq!(said.text, "it was the loader");

    // What the history knows is no news of what was heard meanwhile.
    let mut old = Captured { text: "as it was first said".to_owned(), edited: String::new(), ..said };
    old.message.ts = "1700000000.000100".to_owned();
    let heard = later(Some(old.clone()));
    elsewhere.next::<Captured>(&old.message.ts, move |_| heard);
    let ts = old.message.ts.clone();
    muster::chat::capture_history(&bot.muster.app, &uid, vec![old]).await.unwrap();
    elsewhere.was_first();
    assert_eq!(bot.muster.app.captured(&uid, &ts).await.unwrap().unwrap().text, "it was the loader");
    bot.end().await;
}

/// Nobody takes an address that somebody else took a moment before.
#[tokio::test]
async fn an_address_is_one_persons() {
    let (bot, elsewhere) = bot("").await;
    let address = "on-call@pager.example.com";
    elsewhere.next::<OwnerOfAddress>(address, move |_| {
        Some(OwnerOfAddress { person: BEN.into(), address: address.to_owned() })
    });
    let told = bot.slash(CHLOE, "data-incidents", &format!("link {address}")).await;
    elsewhere.was_first();
    assert_eq!(told, format!("{address} is somebody else's."));
    assert_eq!(bot.muster.app.address_of(&CHLOE.into()).as_deref(), Some("chloe@example.com"));
    bot.end().await;
}

/// What is to be decided anew on a conflict does not go by the way of what is done already.
#[cfg(debug_assertions)]
#[tokio::test]
#[should_panic(expected = "make it a `Change`")]
async fn a_commit_that_expects_more_stops_a_test() {
    let bot = Bot::start().await;
    let mut batch = Batch::new();
    batch.check(&Id::<Flap>::of("dq", "w.a"), Expect::Absent);
    let _ = bot.muster.app.commit(batch).await;
}
