//! What a person sees at a glance, as history grows: `cargo bench --bench home [-- 100 10000]`. Fills a real store with incidents (one in
//! fifty still open, one in a hundred with a task of the one who looks), then asks for the home, the list and the search again and again.

use std::path::Path;
use std::sync::Arc;

use muster::app::queries::Filter;
use muster::app::{App, RequestMeta};
use muster::clock::{Clock, Stopwatch};
use muster::config::{Config, Variables};
use muster::domain::command::{Declaration, Opening};
use muster::domain::incident::Ending;
use muster::domain::permission::Standing;
use muster::domain::{Actor, Command};
use muster::store::{Batch, sled};

const BEN: &str = "U0BEN00001";

fn config(path: &Path) -> Config {
    let text = format!("[store]\npath = \"{}\"\n[slack]\nteam_id = \"T0BENCH000\"\n", path.display());
    let variables: Variables = ["MUSTER_SLACK__BOT_TOKEN", "MUSTER_SLACK__SIGNING_SECRET"]
        .map(|name| (name.to_owned(), "0123456789abcdef0123456789abcdef".to_owned()))
        .into();
    Config::parse("bench.toml", &text, &variables).expect("a configuration")
}

/// Times a question; p50, p99 and the worst, in milliseconds. The median is given back.
async fn asked(what: &str, question: impl AsyncFn() -> usize) -> f64 {
    let mut took = Vec::new();
    let mut answer = 0;
    for _ in 0..300 {
        let watch = Stopwatch::start();
        answer = question().await;
        took.push(watch.seconds() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    println!(
        "  {what:<28} p50 {:>8.3} ms   p99 {:>8.3} ms   worst {:>8.3} ms   ({answer})",
        took[150], took[297], took[299]
    );
    took[150]
}

fn by_ben() -> RequestMeta {
    RequestMeta {
        actor: Actor::Person { id: BEN.into() },
        standing: Standing::Member,
        delivery: None,
        also: Batch::new(),
    }
}

async fn act(app: &App, uid: &muster::domain::IncidentId, command: Command) {
    app.execute(uid, &command, by_ben()).await.expect("it is done");
}

async fn fill(app: &App, number: usize) {
    let title = format!("loader {number} is stuck");
    let opening = Opening::Declare(Box::new(Declaration { title, ..Declaration::default() }));
    let uid = app.open(&opening, by_ben()).await.expect("it is opened").case.incident.uid;
    if number.is_multiple_of(100) {
        let task = Command::AddTask { text: "ask the vendor".to_owned(), assignee: Some(BEN.into()), due: None };
        act(app, &uid, task).await;
    }
    if !number.is_multiple_of(50) {
        act(app, &uid, Command::Resolve { text: None, ending: Ending::Fixed }).await;
    }
}

async fn measure(size: usize) -> [f64; 4] {
    println!("{size} incidents");
    let folder = tempfile::tempdir().expect("a folder");
    let store = sled::open(folder.path()).expect("a store");
    let muster = muster::Muster::new(config(folder.path()), store, Clock::wall()).await.expect("a bot");
    let app = Arc::clone(&muster.app);
    let lanes = (0..32usize).map(|lane| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            for number in (lane..size).step_by(32) {
                fill(&app, number).await;
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.expect("it is filled");
    }
    let open = Filter { open: true, ..Filter::default() };
    let search = |word: &str| Filter { words: vec![word.to_owned()], ..Filter::default() };
    let (found, nowhere) = (search("stuck"), search("nothing"));
    [
        asked("home", async || {
            app.home_due(&BEN.into(), "bench")
                .await
                .map_or(0, |(view, _)| view.map_or(0, |view| view.to_string().len()))
        })
        .await,
        asked("list", async || listed(&app, &open).await).await,
        asked("search, found at once", async || listed(&app, &found).await).await,
        asked("search, found nowhere", async || listed(&app, &nowhere).await).await,
    ]
}

async fn listed(app: &App, filter: &Filter) -> usize {
    app.list(filter, None, 15).await.map_or(0, |page| page.incidents.len())
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100, 1_000, 10_000] } else { sizes };
    muster::telemetry::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let medians: Vec<_> = sizes.iter().map(|size| runtime.block_on(measure(*size))).collect();
    if let (Some(first), Some(last)) = (medians.first(), medians.last()) {
        let ratios: Vec<_> = first.iter().zip(last).map(|(few, many)| format!("{:.1}", many / few)).collect();
        println!("most against fewest, medians (home, list, found, not found): {}", ratios.join(", "));
    }
}
