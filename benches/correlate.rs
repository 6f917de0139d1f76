//! How well incidents match causes: `cargo bench --bench correlate [-- SEED]`. Random warehouses, one or two causes at once whose trouble flows down with a
//! delay, alerts that never come and alerts for nothing, taken in by the real triage in the order of time. Counted over pairs of alerts: of those
//! in one incident, how many have one cause (precision); of those with one cause, how many are in one incident (recall). Beside it, what the labels alone
//! would do.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use muster::app::correlate::Posted;
use muster::catalog::Import;
use muster::clock::Clock;
use muster::config::{Config, Variables};
use muster::domain::lineage::sighting::Sighting;
use muster::domain::lineage::{AssetKind, Facts};
use muster::domain::{AssetName, Pillar, Signal};
use muster::store::MemoryEngine;

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n.max(1) as f64) as usize
    }
}

/// An alert, and the cause it comes from.
struct Notification {
    at: DateTime<Utc>,
    asset: usize,
    cause: usize,
}

/// Parents of each asset: a warehouse of layers, in `islands` that have nothing to do with one another.
fn warehouse(random: &mut Random, size: usize, islands: usize) -> Vec<Vec<usize>> {
    (0..size)
        .map(|n| {
            let place = n / islands;
            if place < size / islands / 10 + 1 {
                return Vec::new();
            }
            let mut parents: Vec<usize> = (0..1 + random.below(3))
                .map(|_| place - 1 - random.below((size / islands / 4).min(place - 1) + 1).min(place - 1))
                .map(|place| place * islands + n % islands)
                .collect();
            parents.sort_unstable();
            parents.dedup();
            parents
        })
        .collect()
}

#[derive(Default)]
struct Score {
    together: f64,
    right: f64,
    same: f64,
    kept: f64,
    incidents: usize,
    named: usize,
    judged: usize,
    runs: usize,
}

impl Score {
    /// Adds what a way of grouping did to the alerts of a round.
    fn add(&mut self, told: &[Notification], groups: &[String]) {
        for (one, group) in groups.iter().enumerate() {
            for other in 0..one {
                let (together, same) = (groups[other] == *group, told[other].cause == told[one].cause);
                self.together += f64::from(u8::from(together));
                self.same += f64::from(u8::from(same));
                self.right += f64::from(u8::from(together && same));
            }
        }
        self.kept = self.right;
        self.incidents += groups.iter().collect::<BTreeSet<_>>().len();
        self.runs += 1;
    }

    fn shown(&self) -> String {
        format!(
            "{:.0} % | {:.0} % | {:.1}",
            100.0 * self.right / self.together.max(1.0),
            100.0 * self.kept / self.same.max(1.0),
            self.incidents as f64 / self.runs.max(1) as f64
        )
    }
}

async fn simulate(seed: u64, missing: f64, causes: usize, rounds: usize) -> (Score, Score, Score, f64) {
    let size = 200;
    let mut random = Random((seed << 32) + (missing * 100.0) as u64 * 10 + causes as u64);
    let start = Utc.with_ymd_and_hms(2026, 11, 23, 0, 0, 0).single().expect("a time");
    let (mut ours, mut by_team, mut by_asset) = (Score::default(), Score::default(), Score::default());
    let mut true_incidents = 0;
    for _ in 0..rounds {
        let parents = warehouse(&mut random, size, 4);
        let mut told: Vec<Notification> = Vec::new();
        let mut broken: BTreeMap<usize, (usize, DateTime<Utc>)> = BTreeMap::new();
        let mut roots = Vec::new();
        while roots.len() < causes {
            let root = random.below(size);
            if broken.contains_key(&root) || !parents.iter().any(|parents| parents.contains(&root)) {
                continue;
            }
            let cause = roots.len();
            roots.push(root);
            broken.insert(root, (cause, start + Duration::minutes(20 * cause as i64)));
            for (asset, parents) in parents.iter().enumerate() {
                let from = parents
                    .iter()
                    .filter_map(|parent| broken.get(parent))
                    .filter(|(of, _)| *of == cause)
                    .min_by_key(|(_, at)| *at)
                    .copied();
                if let Some((_, at)) = from.filter(|_| random.next() < 0.8) {
                    broken.entry(asset).or_insert((cause, at + Duration::minutes(20)));
                }
            }
        }
        for (asset, (cause, at)) in &broken {
            if random.next() >= missing {
                let skew = Duration::seconds(random.below(480) as i64 - 240);
                told.push(Notification { at: *at + skew, asset: *asset, cause: *cause });
            }
        }
        // Alerts for nothing, each a cause of its own.
        for _ in 0..size / 100 {
            let asset = random.below(size);
            let cause = 100 + told.len();
            told.push(Notification { at: start + Duration::minutes(random.below(120) as i64), asset, cause });
        }
        told.sort_by_key(|one| one.at);
        true_incidents += told.iter().map(|one| one.cause).collect::<BTreeSet<_>>().len();

        let clock = Clock::manual(start - Duration::minutes(10));
        let variables: Variables = ["MUSTER_SLACK__BOT_TOKEN", "MUSTER_SLACK__SIGNING_SECRET", "TOKEN"]
            .map(|name| (name.to_owned(), "0123456789abcdef0123".to_owned()))
            .into();
        let text = "[slack]\nteam_id = \"T0BENCH000\"\n[[sources]]\nname = \"dq\"\nkind = \"generic\"\ntoken_env = \"TOKEN\"\n";
        let config = Config::parse("bench.toml", text, &variables).expect("a configuration");
        let muster =
            muster::Muster::new(config, MemoryEngine::open().expect("a store"), clock.clone()).await.expect("a bot");
        let sightings = parents.iter().enumerate().map(|(n, parents)| Sighting {
            names: vec![format!("t{n}")],
            source: "yaml".to_owned(),
            facts: Facts { kind: AssetKind::Table, checks: vec![Pillar::Freshness], ..Facts::default() },
            parents: parents.iter().map(|parent| (vec![format!("t{parent}")], None)).collect(),
            ..Sighting::default()
        });
        muster.app.take_in(Import { sightings: sightings.collect(), ..Import::default() }).await.expect("imported");
        let mut groups = Vec::new();
        for (n, one) in told.iter().enumerate() {
            let now = clock.now();
            clock.advance(one.at.max(now) - now);
            let asset = AssetName::new(&format!("t{}", one.asset));
            let signal =
                Signal { asset, pillar: Pillar::Freshness, ..Signal::new("dq", &format!("k{n}"), "stale", one.at) };
            let placed =
                muster.app.receive("dq", Posted { signals: vec![signal], ..Posted::default() }).await.expect("placed");
            groups.push(placed[0].incident.clone().unwrap_or_else(|| format!("held {n}")));
        }
        ours.add(&told, &groups);
        by_asset.add(&told, &told.iter().map(|one| one.asset.to_string()).collect::<Vec<_>>());
        // As a label would: eight teams, each with a part of every layer.
        by_team.add(&told, &told.iter().map(|one| (one.asset / 4 % 8).to_string()).collect::<Vec<_>>());
        for name in groups.iter().collect::<BTreeSet<_>>() {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            groups
                .iter()
                .zip(&told)
                .filter(|(group, _)| *group == name)
                .for_each(|(_, one)| *counts.entry(one.cause).or_default() += 1);
            let Some((cause, _)) = counts.into_iter().max_by_key(|(_, count)| *count).filter(|(cause, _)| *cause < 100)
            else {
                continue;
            };
            let number = name.strip_prefix("INC-").and_then(|number| number.parse().ok());
            let Some(number) = number else { continue };
            let Ok(uid) = muster.app.uid_of_number(number).await else { continue };
            let Ok(Some(incident)) = muster.app.incident(&uid).await else { continue };
            ours.judged += 1;
            let first = muster.app.judge(&incident).await.expect("a judgement").candidates.into_iter().next();
            ours.named += usize::from(first.is_some_and(|first| first.asset == format!("t{}", roots[cause])));
        }
    }
    (ours, by_team, by_asset, true_incidents as f64 / rounds as f64)
}

fn main() {
    let seed: u64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(0);
    muster::telemetry::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!(
        "| causes | alerts missing | true | precision | recall | incidents | root named | by team: precision | recall | incidents | by asset: precision | recall | incidents |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for causes in [1, 2] {
        for missing in [0.0, 0.2, 0.5] {
            let (ours, by_team, by_asset, true_incidents) = runtime.block_on(simulate(seed, missing, causes, 100));
            println!(
                "| {causes} | {:.0} % | {true_incidents:.1} | {} | {:.0} % | {} | {} |",
                missing * 100.0,
                ours.shown(),
                100.0 * ours.named as f64 / ours.judged.max(1) as f64,
                by_team.shown(),
                by_asset.shown()
            );
        }
    }
}
