//! Read models that followed every commit are what they would be if they were loaded anew, whatever was done.

use muster::read_models::ReadModels;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::harness::*;

/// Something that people or monitors do.
#[derive(Debug, Clone)]
enum Deed {
    /// An alert of this number fires, or is over.
    Alert(u8, bool),
    /// Somebody types this, about the incident of this number where it needs one.
    Line(&'static str, u64),
    /// A table is made of another.
    Edge(u8, u8),
    /// Minutes pass.
    Pass(i64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let lines = vec![
        "INC-{n} ack",
        "INC-{n} resolve it runs again",
        "INC-{n} reopen it broke again",
        "INC-{n} since 05:00",
        "INC-{n} move 1 new",
        "INC-{n} merge INC-1",
        "INC-{n} take commander",
        "declare! orders are late --on w.t1",
        "declare! nobody else knows --private --on w.t2",
        "drill the loader is stuck",
        "silence w.t3* 2h backfill is running",
        "unsilence {n}",
        "subscribe orders-team",
        "unsubscribe orders-team",
        "link ana@example.com",
    ];
    prop_oneof![
        5 => (0..6u8, any::<bool>()).prop_map(|(number, fires)| Deed::Alert(number, fires)),
        4 => (prop::sample::select(lines), 1..5u64).prop_map(|(line, number)| Deed::Line(line, number)),
        1 => (0..6u8, 0..6u8).prop_map(|(from, to)| Deed::Edge(from, to)),
        1 => (1..40i64).prop_map(Deed::Pass),
    ]
}

async fn does(bot: &Bot, deed: &Deed) {
    match deed {
        Deed::Alert(number, fires) => {
            let status = if *fires { "firing" } else { "resolved" };
            let body = json!({"key": format!("k{number}"), "title": format!("alert {number}"), "asset": format!("w.t{number}"), "status": status});
            let (status, answer) = bot.post("/hooks/dq", Some(TOKEN), &body).await;
            assert_eq!(status, 202, "{answer}");
        }
        Deed::Line(line, number) => {
            bot.slash(ANA, "data-incidents", &line.replace("{n}", &number.to_string())).await;
        }
        Deed::Edge(from, to) => {
            bot.put("/api/v1/catalog/yaml", format!("edges:\n  - [w.t{from}, w.t{to}]\n")).await;
        }
        Deed::Pass(of) => bot.advance(minutes(*of)).await,
    }
}

/// The lineage as text: each asset with what it is made of.
fn lineage(models: &ReadModels) -> Vec<String> {
    let catalog = models.catalog.read();
    let mut lines: Vec<String> = catalog
        .nodes()
        .map(|node| {
            let mut ups: Vec<_> = catalog.ups(node).iter().map(|up| catalog.name(up.node).to_owned()).collect();
            ups.sort();
            format!("{} <- {ups:?}", catalog.name(node))
        })
        .collect();
    lines.sort();
    lines
}

/// Each is as the other has it.
pub fn same(followed: &ReadModels, anew: &ReadModels) {
    assert_eq!(*followed.people.read(), *anew.people.read());
    assert_eq!(*followed.rosters.read(), *anew.rosters.read());
    assert_eq!(*followed.subscriptions.read(), *anew.subscriptions.read());
    assert_eq!(*followed.external_channels.read(), *anew.external_channels.read());
    assert_eq!(*followed.silences.read(), *anew.silences.read());
    assert_eq!(*followed.flapping.read(), *anew.flapping.read());
    assert_eq!(*followed.health.read(), *anew.health.read());
    assert_eq!(lineage(followed), lineage(anew));
}

/// Does this, so often, on this engine.
fn try_on(engine: Engine, cases: u32) {
    let deeds = prop::collection::vec(deed(), 1..25);
    let config = ProptestConfig { cases, ..ProptestConfig::with_source_file(file!()) };
    let tried = TestRunner::new(config).run(&deeds, |deeds| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let Some(store) = engine.store().await else { return };
            let bot = Bot::set_up(Setup { store: Some(store), ..Setup::default() }).await;
            for deed in &deeds {
                does(&bot, deed).await;
            }
            bot.settle().await;
            same(&bot.muster.app.models, &ReadModels::read(&bot.muster.app.store).await.unwrap());
        });
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_followed_is_what_is_loaded_anew() {
    try_on(Engine::Memory, 24);
}

#[test]
fn so_it_is_on_sled() {
    try_on(Engine::Sled, 6);
}

#[test]
fn so_it_is_on_postgres() {
    try_on(Engine::Postgres, 6);
}
