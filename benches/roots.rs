//! How often the ranked root is right: `cargo bench --bench roots [-- SEED]`; without a seed, those the ranking was made with. On random warehouses one cause breaks something, the trouble
//! flows down with a delay, some alerts never come, and a few come for nothing. Compared with the nearest broken ancestor and
//! with the earliest alert.

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use muster::domain::Pillar;
use muster::domain::lineage::root::{Symptom, rank};
use muster::domain::lineage::walk::Way;
use muster::domain::lineage::{Asset, AssetKind, Facts, Graph, NodeId, Parent, View};

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

/// A warehouse in layers; in `monitored` is who would raise an alert if it broke.
fn warehouse(random: &mut Random, size: usize, missing: f64) -> (Graph, Vec<bool>) {
    let mut graph = Graph::default();
    let mut monitored = Vec::new();
    for n in 0..size {
        let is_monitored = random.next() >= missing;
        monitored.push(is_monitored);
        let parents = if n < size / 10 {
            Vec::new()
        } else {
            let mut parents: Vec<usize> =
                (0..1 + random.below(3)).map(|_| n - 1 - random.below((size / 4).min(n - 1) + 1).min(n - 1)).collect();
            parents.sort_unstable();
            parents.dedup();
            parents.into_iter().map(|parent| Parent { from: format!("t{parent}"), first: 1, last: 1 }).collect()
        };
        let checks = if is_monitored { vec![Pillar::Freshness] } else { Vec::new() };
        let facts = Facts { kind: AssetKind::Table, checks, parents, ..Facts::default() };
        graph.put(&Asset { facts: [("dbt:sim".to_owned(), facts)].into(), ..Asset::named(&format!("t{n}")) });
    }
    (graph, monitored)
}

#[derive(Default)]
struct Score {
    runs: usize,
    first: usize,
    third: usize,
    named: usize,
    nearest: usize,
    earliest: usize,
}

fn simulate(seed: u64, size: usize, missing: f64, causes: usize, rounds: usize) -> Score {
    let mut random = Random((seed << 32) + size as u64 * 31 + (missing * 100.0) as u64 + causes as u64);
    let start: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 11, 23, 0, 0, 0).single().expect("a time");
    let mut score = Score::default();
    for _ in 0..rounds {
        let (graph, monitored) = warehouse(&mut random, size, missing);
        let view = View::of(&graph);
        let place = |node: NodeId| graph.name(node)[1..].parse::<usize>().expect("ours");
        let mut roots: Vec<NodeId> = Vec::new();
        let mut onset: std::collections::BTreeMap<NodeId, DateTime<Utc>> = std::collections::BTreeMap::new();
        while roots.len() < causes {
            let root = random.below(size) as NodeId;
            let below = view.walk(&[root], Way::Down);
            if below.len() < 3 || roots.contains(&root) {
                continue;
            }
            roots.push(root);
            let mut broken = std::collections::BTreeSet::from([root]);
            onset.entry(root).or_insert(start);
            // The trouble flows down an edge four times in five.
            for met in below {
                if view.next(met.node, Way::Up).any(|up| broken.contains(&up)) && random.next() < 0.8 {
                    broken.insert(met.node);
                    onset.entry(met.node).or_insert(start + Duration::minutes(20 * i64::from(met.hops)));
                }
            }
        }
        // What is noticed: with clocks a few minutes off, and one monitored asset in two hundred raises an alert for nothing.
        let mut symptoms = Vec::new();
        for node in graph.nodes() {
            let noise = random.next() < 0.005;
            let at = onset.get(&node).copied().or(noise.then_some(start + Duration::minutes(random.below(120) as i64)));
            if let Some(at) = at.filter(|_| monitored[place(node)]) {
                let skew = Duration::minutes(random.below(9) as i64 - 4);
                symptoms.push(Symptom { node, onset: at + skew, pillars: vec![Pillar::Freshness] });
            }
        }
        let reported: Vec<_> = symptoms.iter().filter(|symptom| onset.contains_key(&symptom.node)).cloned().collect();
        if reported.is_empty() {
            continue;
        }
        let others: Vec<_> = symptoms.iter().filter(|symptom| !onset.contains_key(&symptom.node)).cloned().collect();
        let candidates = rank(&view, &reported, &others, &());
        let ranked: Vec<_> = candidates.iter().map(|candidate| candidate.asset.clone()).collect();
        let is_root = |name: &str| roots.iter().any(|root| graph.name(*root) == name);
        score.runs += 1;
        score.first += usize::from(ranked.first().is_some_and(|name| is_root(name)));
        // A cause that raised no alert can at best be named as what cannot be ruled out.
        score.named += usize::from(
            candidates
                .first()
                .is_some_and(|first| is_root(&first.asset) || first.not_monitored.iter().any(|name| is_root(name))),
        );
        score.third += usize::from(ranked.iter().take(3).any(|name| is_root(name)));
        // The others know as little of what is noise as the ranking does.
        let starts: Vec<_> = reported.iter().map(|symptom| symptom.node).collect();
        let mut region: std::collections::BTreeSet<NodeId> = starts.iter().copied().collect();
        region.extend(view.walk(&starts, Way::Up).iter().map(|met| met.node));
        let bad: Vec<_> = symptoms.iter().filter(|symptom| region.contains(&symptom.node)).collect();
        let earliest = bad.iter().min_by_key(|symptom| symptom.onset).expect("some");
        score.earliest += usize::from(is_root(graph.name(earliest.node)));
        // As somebody without the whole graph does it: from one alert to the next bad asset above, until none is.
        let mut at = reported[random.below(reported.len())].node;
        while let Some(up) = view.next(at, Way::Up).find(|up| bad.iter().any(|symptom| symptom.node == *up)) {
            at = up;
        }
        score.nearest += usize::from(is_root(graph.name(at)));
    }
    score
}

fn main() {
    let seed: u64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(0);
    println!(
        "| assets | causes | alerts missing | root at rank 1 | root within rank 3 | rank 1, or named with it as \"cannot rule out\" | earliest alert | next bad above |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for size in [200, 2000] {
        for causes in [1, 2] {
            for missing in [0.0, 0.2, 0.5] {
                let score = simulate(seed, size, missing, causes, 400);
                let share = |of: usize| format!("{:.0} %", 100.0 * of as f64 / score.runs.max(1) as f64);
                println!(
                    "| {size} | {causes} | {:.0} % | {} | {} | {} | {} | {} |",
                    missing * 100.0,
                    share(score.first),
                    share(score.third),
                    share(score.named),
                    share(score.earliest),
                    share(score.nearest)
                );
            }
        }
    }
}
