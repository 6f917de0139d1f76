//! The graph against a simple reference, on random catalogs with cycles, self-edges, renames, doubles that turn out to be one,
//! and deletions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use muster::domain::Pillar;
use muster::domain::lineage::root::{Symptom, rank};
use muster::domain::lineage::sighting::{Merger, Sighting, Written};
use muster::domain::lineage::walk::Way;
use muster::domain::lineage::{Asset, AssetKind, Facts, Graph, View};
use proptest::prelude::*;

use crate::harness::start_time;

/// A catalog as the app keeps it: records, and the graph that follows them.
#[derive(Default)]
struct Catalog {
    records: BTreeMap<String, Asset>,
    graph: Graph,
    /// An image of the graph, and what was written since.
    image: Vec<u8>,
    since: BTreeSet<String>,
}

impl Catalog {
    fn see(&mut self, sighting: &Sighting, today: u16) -> usize {
        let mut merger = Merger::new(&self.graph, |shown| self.records.get(shown).cloned(), today);
        merger.see(sighting);
        let written = merger.finish();
        self.write(&written);
        written.len()
    }

    fn write(&mut self, written: &[Written]) {
        for one in written {
            self.since.insert(one.name().to_owned());
            match one {
                Written::Put(asset) => {
                    self.records.insert(asset.name.clone(), (**asset).clone());
                    self.graph.put(asset);
                }
                Written::Gone(name) => {
                    self.records.remove(name);
                    self.graph.remove(name);
                }
            }
        }
    }

    /// Forgets an asset that nothing hangs on, as the sweep does.
    fn forget(&mut self, name: &str) {
        let Some(node) = self.graph.find(name) else { return };
        let shown = self.graph.name(node).to_owned();
        if self.graph.downs(node).is_empty() {
            self.write(&[Written::Gone(shown)]);
        }
    }

    fn take_image(&mut self) {
        self.image = postcard::to_stdvec(&self.graph).expect("an image");
        self.since.clear();
    }

    /// The graph as a start makes it: the image, and what changed since.
    fn restarted(&self) -> Graph {
        let image = postcard::from_bytes::<Graph>(&self.image).expect("an image");
        let mut graph = image.complete().expect("it fits together");
        graph.catch_up::<()>(&self.since, |name| Ok(self.records.get(name).cloned())).expect("records");
        graph
    }

    /// The edges as the records alone have them: names resolved by a map, no graph.
    fn reference(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut meant: BTreeMap<String, String> = BTreeMap::new();
        for asset in self.records.values() {
            for name in asset.names() {
                meant.insert(name.to_owned(), asset.name.clone());
            }
        }
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for asset in self.records.values() {
            edges.entry(asset.name.clone()).or_default();
            for parent in asset.parents().keys() {
                let parent = meant.get(*parent).cloned().unwrap_or_else(|| (*parent).to_owned());
                edges.entry(parent).or_default().insert(asset.name.clone());
            }
        }
        edges
    }
}

fn edges(graph: &Graph) -> BTreeMap<String, BTreeSet<String>> {
    let view = View::of(graph);
    let children = |node| view.next(node, Way::Down).map(|down| graph.name(down).to_owned()).collect();
    graph.nodes().map(|node| (graph.name(node).to_owned(), children(node))).collect()
}

/// All that is reached, itself left out, with the distance.
fn reached(edges: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeMap<String, u32> {
    let mut hops = BTreeMap::from([(from.to_owned(), 0)]);
    let mut queue = VecDeque::from([from.to_owned()]);
    while let Some(at) = queue.pop_front() {
        let far = hops[&at] + 1;
        for next in &edges[&at] {
            if !hops.contains_key(next) {
                hops.insert(next.clone(), far);
                queue.push_back(next.clone());
            }
        }
    }
    hops.remove(from);
    hops
}

fn name() -> impl Strategy<Value = String> {
    (0..14_u8).prop_map(|n| format!("a{n}"))
}

#[derive(Debug, Clone)]
enum Step {
    See(Box<Sighting>),
    Forget(String),
    NextDay,
    Image,
}

fn step() -> impl Strategy<Value = Step> {
    let sources = prop::sample::select(vec!["yaml", "dbt:shop", "openlineage"]);
    let sighting =
        (prop::collection::btree_set(name(), 1..3), sources, prop::collection::vec(name(), 0..4), any::<bool>())
            .prop_map(|(names, source, parents, whole)| {
                Step::See(Box::new(Sighting {
                    names: names.into_iter().collect(),
                    source: source.to_owned(),
                    whole,
                    facts: Facts { kind: AssetKind::Table, ..Facts::default() },
                    parents: parents.into_iter().map(|parent| (vec![parent], None)).collect(),
                    ..Sighting::default()
                }))
            });
    prop_oneof![8 => sighting, 1 => name().prop_map(Step::Forget), 1 => Just(Step::NextDay), 1 => Just(Step::Image)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_graph_is_what_the_records_say(steps in prop::collection::vec(step(), 1..40), bad in prop::collection::btree_set(name(), 1..6)) {
        let mut catalog = Catalog::default();
        catalog.take_image();
        let mut today = 2500;
        for step in &steps {
            match step {
                Step::See(sighting) => {
                    catalog.see(sighting, today);
                    prop_assert_eq!(catalog.see(sighting, today), 0, "the same again changes nothing: {:?}", sighting);
                }
                Step::Forget(name) => catalog.forget(name),
                Step::NextDay => today += 1,
                Step::Image => catalog.take_image(),
            }
        }
        let reference = catalog.reference();
        // Followed change by change, and built anew from the records in either order, it is the same.
        // A name that only ever was a parent may be left in the graph alone; the records do not know it any more.
        let mut followed = edges(&catalog.graph);
        followed.retain(|name, children| !children.is_empty() || reference.contains_key(name));
        prop_assert_eq!(&followed, &reference);
        let restarted = catalog.restarted();
        let mut known = edges(&restarted);
        known.retain(|name, children| !children.is_empty() || reference.contains_key(name));
        prop_assert_eq!(&known, &reference);
        let names = |graph: &Graph| -> BTreeMap<String, Option<String>> {
            (0..14).map(|n| format!("a{n}")).map(|name| (name.clone(), graph.find(&name).map(|node| graph.name(node).to_owned()))).collect()
        };
        for (name, shown) in names(&restarted) {
            if shown.as_ref().is_some_and(|shown| reference.contains_key(shown)) {
                prop_assert_eq!(shown.as_deref(), catalog.graph.find(&name).map(|node| catalog.graph.name(node)));
            }
        }
        let (mut forwards, mut backwards) = (Graph::default(), Graph::default());
        catalog.records.values().for_each(|asset| forwards.put(asset));
        catalog.records.values().rev().for_each(|asset| backwards.put(asset));
        prop_assert_eq!(&edges(&forwards), &reference);
        prop_assert_eq!(&edges(&backwards), &reference);
        let count: usize = reference.values().map(BTreeSet::len).sum();
        prop_assert_eq!((forwards.edges(), forwards.len()), (count, reference.len()));

        // Walks and paths.
        let graph = &catalog.graph;
        let view = View::of(graph);
        for from in reference.keys() {
            let below = reached(&reference, from);
            let node = graph.find(from).unwrap();
            let met: BTreeMap<String, u32> =
                view.walk(&[node], Way::Down).iter().map(|met| (graph.name(met.node).to_owned(), met.hops)).collect();
            prop_assert_eq!(&met, &below);
            for to in reference.keys().filter(|to| *to != from) {
                let path = view.path(node, graph.find(to).unwrap());
                prop_assert_eq!(path.as_ref().map(|path| path.len() as u32 - 1), below.get(to).copied());
                for pair in path.unwrap_or_default().windows(2) {
                    prop_assert!(reference[graph.name(pair[0])].contains(graph.name(pair[1])));
                }
            }
        }

        // The most upstream bad assets: no other bad one above, cycles counted as one place.
        let bad: BTreeSet<String> = bad.iter().filter_map(|name| Some(graph.name(graph.find(name)?).to_owned())).filter(|name| reference.contains_key(name)).collect();
        let symptoms: Vec<_> = bad
            .iter()
            .map(|name| Symptom { node: graph.find(name).unwrap(), onset: start_time(), pillars: vec![Pillar::Volume] })
            .collect();
        let is_above = |up: &str, down: &str| reached(&reference, up).contains_key(down);
        let tops: BTreeSet<&String> = bad
            .iter()
            .filter(|name| bad.iter().all(|other| other == *name || !is_above(other, name) || is_above(name, other)))
            .collect();
        let ranked = rank(&view, &symptoms, &[], &());
        let observed: Vec<_> = ranked.iter().filter(|candidate| candidate.observed).map(|candidate| &candidate.asset).collect();
        for candidate in &observed {
            prop_assert!(tops.contains(candidate), "{candidate} has something bad above it");
        }
        // Of a cycle one stands for all.
        for top in &tops {
            prop_assert!(
                observed.iter().any(|one| one == top || (is_above(one, top) && is_above(top, one))),
                "{} is missing in {:?}", top, observed
            );
        }
        for window in ranked.windows(1) {
            prop_assert!(!window[0].reasons.is_empty());
        }
    }
}
