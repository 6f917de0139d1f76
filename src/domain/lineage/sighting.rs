//! One asset, put together from what several sources say. A sighting names an asset in the words of one source. It becomes a
//! change of the catalog, or nothing if all of it was known.

use std::collections::HashMap;

use super::asset::strength;
use super::graph::Graph;
use super::{Asset, Day, Facts, Parent};

/// The most parents of one asset that are kept. A record has at most 64 KiB.
pub const MAX_PARENTS: usize = 200;

/// What a source says about one asset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sighting {
    /// Its names. The first is the one to show. Never empty.
    pub names: Vec<String>,
    /// The namespace in which its short name is unique.
    pub namespace: Option<String>,
    /// The source: `dbt:shop`.
    pub source: String,
    /// Whether the source knows no more about it. False if this was only one event.
    pub whole: bool,
    /// The facts; `parents` and `seen` are filled in from below.
    pub facts: Facts,
    /// Its parents, each by its names, the best first.
    pub parents: Vec<(Vec<String>, Option<String>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The asset's new record.
    Put(Box<Asset>),
    /// The asset was merged into another, or nobody has seen it for too long.
    Gone(String),
}

impl Written {
    /// The name of the asset.
    pub fn name(&self) -> &str {
        match self {
            Self::Put(asset) => &asset.name,
            Self::Gone(name) => name,
        }
    }
}

/// Merges sightings into a catalog. It remembers what it merged until that is written.
pub struct Merger<'a, F: Fn(&str) -> Option<Asset>> {
    graph: &'a Graph,
    load: F,
    today: Day,
    /// What this merger changed. `None` if the asset is gone.
    changed: HashMap<String, Option<Asset>>,
    /// Names that it gave, in folded form, and the assets they belong to.
    names: HashMap<String, String>,
    /// How many parents did not fit.
    pub left_out: usize,
}

impl<'a, F: Fn(&str) -> Option<Asset>> Merger<'a, F> {
    /// A merger over this graph. `load` reads an asset's record by its shown name.
    pub fn new(graph: &'a Graph, load: F, today: Day) -> Self {
        Self { graph, load, today, changed: HashMap::new(), names: HashMap::new(), left_out: 0 }
    }

    /// What must be written, in the order of names.
    pub fn finish(self) -> Vec<Written> {
        let mut written: Vec<_> = self
            .changed
            .into_iter()
            .map(|(name, asset)| asset.map_or(Written::Gone(name), |asset| Written::Put(Box::new(asset))))
            .collect();
        written.sort_by(|one, other| {
            let key = |of: &Written| match of {
                // A merged asset is written before its old name is removed, so that no edge is lost in between.
                Written::Put(asset) => (0, asset.name.clone()),
                Written::Gone(name) => (1, name.clone()),
            };
            key(one).cmp(&key(other))
        });
        written
    }

    /// How many assets it changed so far.
    pub fn len(&self) -> usize {
        self.changed.len()
    }

    /// Whether it has changed nothing yet.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// The shown name of the asset with this name.
    fn shown(&self, name: &str) -> Option<String> {
        match self.names.get(&name.to_ascii_lowercase()) {
            Some(shown) => Some(shown.clone()),
            None => {
                let shown = self.graph.name(self.graph.find_exact(name)?).to_owned();
                // It may have been merged into another since.
                Some(self.names.get(&shown.to_ascii_lowercase()).cloned().unwrap_or(shown))
            }
        }
    }

    fn asset(&self, shown: &str) -> Asset {
        match self.changed.get(shown) {
            Some(Some(asset)) => asset.clone(),
            Some(None) => Asset::named(shown),
            None => (self.load)(shown).unwrap_or_else(|| Asset::named(shown)),
        }
    }

    /// Whether a short name may stand for an asset of this namespace.
    fn fits(&self, shown: &str, namespace: Option<&str>) -> bool {
        match (self.asset(shown).namespace, namespace) {
            (Some(known), Some(given)) => known == given,
            _ => true,
        }
    }

    /// The names that belong to this sighting. A short name that another namespace has stays there.
    fn own_names(&self, names: &[String], namespace: Option<&str>) -> Vec<String> {
        let free: Vec<_> = names
            .iter()
            .filter(|name| self.shown(name).is_none_or(|shown| self.fits(&shown, namespace)))
            .cloned()
            .collect();
        if free.is_empty() { names.last().cloned().into_iter().collect() } else { free }
    }

    pub fn see(&mut self, sighting: &Sighting) {
        let names = self.own_names(&sighting.names, sighting.namespace.as_deref());
        let mut known: Vec<String> = Vec::new();
        for shown in names.iter().filter_map(|name| self.shown(name)) {
            if !known.contains(&shown) {
                known.push(shown);
            }
        }
        let before = known.first().map(|shown| self.asset(shown));
        let mut asset = match known.split_first() {
            // Perhaps another process wrote it, and the graph does not know it yet.
            None => self.asset(&names[0]),
            Some((first, rest)) => {
                let mut asset = self.asset(first);
                for other in rest {
                    let other = self.asset(other);
                    asset = united(asset, other);
                }
                asset
            }
        };
        // The source that knows it best names it.
        let best = asset.facts.keys().map(|source| strength(source)).max().unwrap_or(0);
        if strength(&sighting.source) > best && !asset.name.eq_ignore_ascii_case(&names[0]) {
            let old = std::mem::replace(&mut asset.name, names[0].clone());
            asset.aliases.push(old);
        }
        asset.aliases.extend(names.iter().cloned());
        tidy(&mut asset);
        if asset.namespace.is_none() {
            asset.namespace.clone_from(&sighting.namespace);
        }
        // Its own names may be among the names of its parents.
        for name in asset.names() {
            self.names.insert(name.to_ascii_lowercase(), asset.name.clone());
        }
        let facts = self.facts(asset.facts.get(&sighting.source), sighting);
        asset.facts.insert(sighting.source.clone(), facts);
        let gone: Vec<_> = known.into_iter().filter(|shown| *shown != asset.name).collect();
        if gone.is_empty() && before.as_ref() == Some(&asset) {
            return;
        }
        for name in gone {
            self.names.insert(name.to_ascii_lowercase(), asset.name.clone());
            self.changed.insert(name, None);
        }
        self.changed.insert(asset.name.clone(), Some(asset));
    }

    fn facts(&mut self, before: Option<&Facts>, sighting: &Sighting) -> Facts {
        let mut facts = sighting.facts.clone();
        facts.seen = self.today;
        let known = before.map(|before| before.parents.as_slice()).unwrap_or_default();
        let mut parents: Vec<Parent> = Vec::new();
        for (names, namespace) in &sighting.parents {
            let names = self.own_names(names, namespace.as_deref());
            let from = names.iter().find_map(|name| self.shown(name)).unwrap_or_else(|| names[0].clone());
            if parents.iter().any(|parent| parent.from == from) {
                continue;
            }
            let same =
                |parent: &&Parent| parent.from == from || self.shown(&parent.from).is_some_and(|shown| shown == from);
            let first = known.iter().find(same).map_or(self.today, |parent| parent.first);
            parents.push(Parent { from, first, last: self.today });
        }
        // A parent that is not named this time fades. It does not vanish.
        for parent in known {
            let from = self.shown(&parent.from).unwrap_or_else(|| parent.from.clone());
            if !parents.iter().any(|known| known.from == from) {
                parents.push(Parent { from, ..parent.clone() });
            }
        }
        if parents.len() > MAX_PARENTS {
            self.left_out += parents.len() - MAX_PARENTS;
            parents.sort_by_key(|parent| std::cmp::Reverse(parent.last));
            parents.truncate(MAX_PARENTS);
        }
        parents.sort_by(|one, other| one.from.cmp(&other.from));
        facts.parents = parents;
        if let (false, Some(before)) = (sighting.whole, before) {
            let kept = before.clone();
            facts.kind = if facts.kind == super::AssetKind::Unknown { kept.kind } else { facts.kind };
            facts.tier = facts.tier.or(kept.tier);
            facts.sla = facts.sla.or(kept.sla);
            facts.description = facts.description.or(kept.description);
            facts.docs = facts.docs.or(kept.docs);
            facts.code = facts.code.or(kept.code);
            facts.url = facts.url.or(kept.url);
            facts.fingerprint = facts.fingerprint.or(kept.fingerprint);
            facts.owners = if facts.owners.is_empty() { kept.owners } else { facts.owners };
            facts.checks.extend(kept.checks);
        }
        facts.checks.sort();
        facts.checks.dedup();
        facts
    }
}

/// Merges two assets that turned out to be one: the name of the better known one, all facts, all names.
fn united(one: Asset, other: Asset) -> Asset {
    let best = |asset: &Asset| asset.facts.keys().map(|source| strength(source)).max().unwrap_or(0);
    let (mut kept, gone) = if best(&other) > best(&one) { (other, one) } else { (one, other) };
    kept.aliases.extend(gone.names().map(str::to_owned).collect::<Vec<_>>());
    kept.namespace = kept.namespace.or(gone.namespace);
    for (source, facts) in gone.facts {
        kept.facts.entry(source).or_insert(facts);
    }
    tidy(&mut kept);
    kept
}

/// Every alias once, without the shown name.
fn tidy(asset: &mut Asset) {
    let mut aliases: Vec<String> = Vec::new();
    for alias in std::mem::take(&mut asset.aliases) {
        if !alias.eq_ignore_ascii_case(&asset.name) && !aliases.iter().any(|known| known.eq_ignore_ascii_case(&alias)) {
            aliases.push(alias);
        }
    }
    aliases.sort();
    asset.aliases = aliases;
}
