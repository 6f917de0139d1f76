//! How the lineage grows: `cargo bench --bench lineage [-- 10000 100000 1000000]`. Imports a generated warehouse (three edges an
//! asset, hubs, layers) through the real path into a real store, starts from it, and asks each question a thousand times.

use std::path::Path;

use muster::catalog::Import;
use muster::clock::{Clock, Stopwatch};
use muster::config::{Config, Variables};
use muster::domain::Pillar;
use muster::domain::lineage::impact::impact;
use muster::domain::lineage::root::{Symptom, rank};
use muster::domain::lineage::sighting::Sighting;
use muster::domain::lineage::walk::Way;
use muster::domain::lineage::{AssetKind, Facts, NodeId, Owner, View};
use muster::store::sled;

/// A generator of our own, so that every run asks the same: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn name(n: usize) -> String {
    format!("warehouse.layer_{}.table_{n:07}", n % 7)
}

/// Later assets are made of earlier ones: mostly near ones, and one in ten parents is a hub.
fn warehouse(size: usize) -> Vec<Sighting> {
    let mut random = Random(42);
    (0..size)
        .map(|n| {
            let parents = if n < size / 50 + 1 {
                Vec::new()
            } else {
                (0..3)
                    .map(|_| match random.below(10) {
                        0 => random.below((size / 1000).max(1)),
                        1..5 => n - 1 - random.below((size / 20).max(1).min(n - 1)),
                        _ => random.below(n),
                    })
                    .map(|parent| (vec![name(parent)], None))
                    .collect()
            };
            let team = random.below(100);
            let kind = if n % 40 == 39 { AssetKind::Dashboard } else { AssetKind::Table };
            Sighting {
                names: vec![name(n)],
                source: "dbt:bench".to_owned(),
                whole: true,
                facts: Facts {
                    kind,
                    tier: Some((random.below(4) + 1) as u8),
                    owners: vec![Owner {
                        name: format!("team {team}"),
                        slack: Some(format!("#team-{team}")),
                        ..Owner::default()
                    }],
                    checks: if random.below(3) == 0 { vec![Pillar::Freshness] } else { Vec::new() },
                    ..Facts::default()
                },
                parents,
                ..Sighting::default()
            }
        })
        .collect()
}

fn config(path: &Path) -> Config {
    let text = format!("[store]\npath = \"{}\"\n[slack]\nteam_id = \"T0BENCH000\"\n", path.display());
    let variables: Variables = ["MUSTER_SLACK__BOT_TOKEN", "MUSTER_SLACK__SIGNING_SECRET"]
        .map(|name| (name.to_owned(), "0123456789abcdef0123456789abcdef".to_owned()))
        .into();
    Config::parse("bench.toml", &text, &variables).expect("a configuration")
}

/// Resident memory of this process, in bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

/// Times a question; p50, p99 and the worst, in milliseconds.
fn asked(what: &str, times: usize, mut question: impl FnMut() -> usize) {
    let mut took = Vec::with_capacity(times);
    let mut answers = 0;
    for _ in 0..times {
        let watch = Stopwatch::start();
        answers += question();
        took.push(watch.seconds() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    println!(
        "  {what:<34} p50 {:>8.3} ms   p99 {:>8.3} ms   worst {:>8.3} ms   (mean answer {})",
        took[times / 2],
        took[times * 99 / 100],
        took[times - 1],
        answers / times
    );
}

/// Starts a bot on the store, and says how long that took.
async fn started(what: &str, folder: &Path, size: usize) -> muster::Muster {
    // The last one's committer ends a moment after its last owner.
    let (opened, store) = loop {
        let watch = Stopwatch::start();
        match sled::open(folder) {
            Ok(store) => break (watch.seconds(), store),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    let before = resident();
    let watch = Stopwatch::start();
    let muster = muster::Muster::new(config(folder), store, Clock::wall()).await.expect("a bot");
    println!(
        "  {what:<34} {:>8.2} s   (after {opened:.2} s for the store; resident memory grew by {:.0} bytes an asset, the store's cache included)",
        watch.seconds(),
        (resident() - before) / size as f64
    );
    muster
}

/// The same walk over two bare arrays, without names, days or anything else: what this machine can do at best.
fn bare(graph: &muster::domain::lineage::Graph, way: Way) -> impl Fn(NodeId) -> usize + use<> {
    let (mut starts, mut ends) = (vec![0], Vec::new());
    for node in 0..graph.bound() as NodeId {
        ends.extend(View::of(graph).next(node, way));
        starts.push(ends.len());
    }
    move |from| {
        let mut seen = vec![0_u64; starts.len() / 64 + 1];
        let mut met = vec![from];
        seen[from as usize / 64] |= 1 << (from % 64);
        let mut at = 0;
        while let Some(node) = met.get(at).map(|node| *node as usize) {
            for other in &ends[starts[node]..starts[node + 1]] {
                let (word, bit) = (*other as usize / 64, 1 << (other % 64));
                if seen[word] & bit == 0 {
                    seen[word] |= bit;
                    met.push(*other);
                }
            }
            at += 1;
        }
        met.len() - 1
    }
}

async fn measure(size: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let now = Clock::wall().now();
    {
        let store = sled::open(folder.path()).expect("a store");
        let muster = muster::Muster::new(config(folder.path()), store, Clock::wall()).await.expect("a bot");
        let sightings = warehouse(size);
        let watch = Stopwatch::start();
        let took = muster.app.take_in(Import { sightings, ..Import::default() }).await.expect("imported");
        println!("{size} assets, {} edges", took.edges);
        println!("  import                             {:>8.2} s", watch.seconds());
        let watch = Stopwatch::start();
        let again =
            muster.app.take_in(Import { sightings: warehouse(size), ..Import::default() }).await.expect("imported");
        println!("  the same again ({} written)         {:>8.2} s", again.written, watch.seconds());
        println!(
            "  memory of the graph                {:>8} bytes an asset",
            muster.app.catalog.graph().bytes() / size
        );
    }
    std::fs::rename(folder.path().join("lineage.image"), folder.path().join("kept.image")).expect("an image");
    started("start from the records", folder.path(), size).await;
    std::fs::rename(folder.path().join("kept.image"), folder.path().join("lineage.image")).expect("the image again");
    let muster = started("start", folder.path(), size).await;
    let graph = muster.app.catalog.graph();
    let view = View::of(&graph);
    let mut random = Random(7);
    let mut any = || random.below(size) as NodeId;
    let times = 1000;
    let (up, down) = (bare(&graph, Way::Up), bare(&graph, Way::Down));
    asked("upstream, bare arrays", times, || up(any()));
    asked("downstream, bare arrays", times, || down(any()));
    asked("upstream", times, || view.walk(&[any()], Way::Up).len());
    asked("downstream", times, || view.walk(&[any()], Way::Down).len());
    asked("path", times, || view.path(any(), any()).map_or(0, |path| path.len()));
    asked("blast radius by team", times, || impact(&view, &[any()]).teams.len());
    // An incident as people have it: one root and what of its neighbourhood is noticed, beside two that have nothing to do with it.
    let mut pick = Random(11);
    asked("ranked roots of an incident", times, || {
        let root = any();
        let below = view.walk(&[root], Way::Down);
        let mut nodes = vec![root, any(), any()];
        nodes.extend(below.iter().take(200).filter(|_| pick.below(2) == 0).map(|met| met.node));
        let symptoms: Vec<_> =
            nodes.into_iter().map(|node| Symptom { node, onset: now, pillars: vec![Pillar::Freshness] }).collect();
        rank(&view, &symptoms, &[], &()).len()
    });
    asked("find by name", times, || graph.find(&name(any() as usize)).is_some().into());
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000, 1_000_000] } else { sizes };
    muster::telemetry::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for size in sizes {
        runtime.block_on(measure(size));
    }
}
