//! The graph in memory: names, kinds, tiers, owners and edges. What is read rarely is only in the store.
//!
//! It is built from the store at start and follows every commit of the catalog. Inside, nodes and names are numbers. A node
//! that is merged into another, or removed, never comes back. Its number is used again.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::names::{clean, ends_with, whole_table};
use super::{Asset, AssetKind, Day, Owner};
use crate::domain::Pillar;

/// A node's number. It is only valid until the graph changes.
pub type NodeId = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub node: NodeId,
    /// The last day that any source saw the edge.
    pub seen: Day,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Name {
    text: Box<str>,
    node: NodeId,
    /// The next name of the same node, or [`NONE`].
    next: u32,
}

const NONE: u32 = u32::MAX;
/// How alike two names must be, from 0 to 1, for one to be a slip of the other.
const ALIKE: f64 = 0.85;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Node {
    name: u32,
    chain: u32,
    owners: u32,
    kind: AssetKind,
    tier: u8,
    checks: u8,
    gone: bool,
}

/// Most assets have few parents and few children, so a walk touches one line of memory for each asset.
type Links = SmallVec<[Link; 3]>;

/// All assets. Skipped fields follow from the others ([`Graph::complete`]).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Graph {
    names: Vec<Name>,
    #[serde(skip)]
    table: HashTable<u32>,
    #[serde(skip)]
    hasher: DefaultHashBuilder,
    nodes: Vec<Node>,
    ups: Vec<Links>,
    #[serde(skip)]
    downs: Vec<Links>,
    free_nodes: Vec<NodeId>,
    free_names: Vec<u32>,
    #[serde(with = "as_json")]
    owners: Vec<Vec<Owner>>,
    #[serde(skip)]
    owner_sets: HashMap<Vec<Owner>, u32>,
    #[serde(skip)]
    edges: usize,
}

/// Owners leave out fields, so only a format with field names can read them again.
mod as_json {
    use serde::{Deserialize as _, Deserializer, Serializer, de, ser};

    use super::Owner;

    pub(super) fn serialize<S: Serializer>(owners: &[Vec<Owner>], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(owners).map_err(ser::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<Owner>>, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// The hash of a name in lower case, without making a new string.
fn folded_hash(hasher: &DefaultHashBuilder, name: &str) -> u64 {
    let folded: SmallVec<[u8; 128]> = name.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
    hasher.hash_one(&folded[..])
}

fn bits(pillars: &[Pillar]) -> u8 {
    pillars.iter().fold(0, |bits, pillar| bits | 1 << (*pillar as u8))
}

impl Graph {
    /// How many assets there are.
    pub fn len(&self) -> usize {
        self.nodes.len() - self.free_nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many edges there are.
    pub fn edges(&self) -> usize {
        self.edges
    }

    /// One more than the largest node's number.
    pub fn bound(&self) -> usize {
        self.nodes.len()
    }

    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..).zip(&self.nodes).filter(|(_, node)| !node.gone).map(|(id, _)| id)
    }

    fn hash(&self, name: &str) -> u64 {
        folded_hash(&self.hasher, name)
    }

    fn name_of(&self, name: &str) -> Option<u32> {
        let is_it = |id: &u32| self.names[*id as usize].text.eq_ignore_ascii_case(name);
        self.table.find(self.hash(name), is_it).copied()
    }

    /// Finds an asset by its name or an alias, in any spelling.
    pub fn find_exact(&self, name: &str) -> Option<NodeId> {
        self.name_of(name).or_else(|| self.name_of(&clean(name))).map(|id| self.names[id as usize].node)
    }

    /// Finds an asset by its name or an alias, or by the name of one of its partitions, shards or versions, as monitors name them.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.find_exact(name).or_else(|| self.find_exact(&whole_table(&clean(name))?))
    }

    /// The assets that somebody may mean: the one with this name, else all whose names end with it, at most `limit`.
    pub fn meant(&self, name: &str, limit: usize) -> Vec<NodeId> {
        if let Some(node) = self.find(name) {
            return vec![node];
        }
        let tail = clean(name);
        let mut nodes: Vec<_> =
            self.names.iter().filter(|known| ends_with(&known.text, &tail)).map(|known| known.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        // A person who says `orders` means the table, not the job that makes it.
        let data: Vec<_> = nodes.iter().copied().filter(|node| self.kind(*node) != AssetKind::Job).collect();
        if let [one] = data[..] {
            return vec![one];
        }
        nodes.truncate(limit);
        nodes
    }

    /// The names of assets that contain these words, in any case, up to a limit.
    pub fn with_part(&self, words: &str, limit: usize) -> Vec<String> {
        let words = words.to_lowercase();
        let fits = |node: &NodeId| {
            let name = self.name(*node);
            name.len() >= words.len() && name.to_lowercase().contains(&words)
        };
        self.nodes().filter(fits).take(limit).map(|node| self.name(node).to_owned()).collect()
    }

    /// The names that are spelled almost like this one, the nearest first, up to a limit. The last part of a name counts alone, too.
    pub fn spelled_like(&self, name: &str, limit: usize) -> Vec<String> {
        let name = name.to_lowercase();
        let mut near: Vec<_> = self
            .nodes()
            .filter_map(|node| {
                let known = self.name(node).to_lowercase();
                let tail = known.rsplit('.').next().unwrap_or_default();
                let alike = strsim::jaro_winkler(&known, &name).max(strsim::jaro_winkler(tail, &name));
                (alike > ALIKE).then_some((alike, node))
            })
            .collect();
        near.sort_by(|one, other| other.0.total_cmp(&one.0));
        near.into_iter().take(limit).map(|(_, node)| self.name(node).to_owned()).collect()
    }

    pub fn name(&self, node: NodeId) -> &str {
        &self.names[self.nodes[node as usize].name as usize].text
    }

    pub fn names(&self, node: NodeId) -> impl Iterator<Item = &str> {
        self.chain(node).into_iter().map(|id| &*self.names[id as usize].text)
    }

    pub fn kind(&self, node: NodeId) -> AssetKind {
        self.nodes[node as usize].kind
    }

    /// Its tier, 1 to 4. An asset without a tier has 4.
    pub fn tier(&self, node: NodeId) -> u8 {
        self.nodes[node as usize].tier
    }

    /// Whether anything is checked on it.
    pub fn is_monitored(&self, node: NodeId) -> bool {
        self.nodes[node as usize].checks != 0
    }

    /// Its owners and users.
    pub fn owners(&self, node: NodeId) -> &[Owner] {
        self.owners.get(self.nodes[node as usize].owners as usize).map_or(&[], Vec::as_slice)
    }

    /// The number of its set of owners, for grouping.
    pub(super) fn owner_set(&self, node: NodeId) -> u32 {
        self.nodes[node as usize].owners
    }

    pub(super) fn owner_sets(&self) -> &[Vec<Owner>] {
        &self.owners
    }

    pub fn ups(&self, node: NodeId) -> &[Link] {
        &self.ups[node as usize]
    }

    pub fn downs(&self, node: NodeId) -> &[Link] {
        &self.downs[node as usize]
    }

    fn add_name(&mut self, text: &str, node: NodeId) -> u32 {
        let next = self.nodes.get(node as usize).map_or(NONE, |node| node.chain);
        let entry = Name { text: text.into(), node, next };
        let id = match self.free_names.pop() {
            Some(id) => {
                self.names[id as usize] = entry;
                id
            }
            None => {
                self.names.push(entry);
                u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let hash = self.hash(text);
        let (names, hasher) = (&self.names, &self.hasher);
        self.table.insert_unique(hash, id, |id| folded_hash(hasher, &names[*id as usize].text));
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.chain = id;
        }
        id
    }

    /// Finds the asset with this name, or makes it.
    fn ensure(&mut self, name: &str) -> NodeId {
        if let Some(id) = self.name_of(name) {
            return self.names[id as usize].node;
        }
        let id = match self.free_nodes.pop() {
            Some(id) => id,
            None => u32::try_from(self.nodes.len()).unwrap_or(u32::MAX),
        };
        let owners = self.owner_set_of(Vec::new());
        let node = Node { name: NONE, chain: NONE, owners, kind: AssetKind::Unknown, tier: 4, checks: 0, gone: false };
        match self.nodes.get_mut(id as usize) {
            Some(place) => *place = node,
            None => {
                self.nodes.push(node);
                self.ups.push(Links::new());
                self.downs.push(Links::new());
            }
        }
        self.nodes[id as usize].name = self.add_name(name, id);
        id
    }

    /// All names of a node, by their numbers.
    fn chain(&self, node: NodeId) -> Vec<u32> {
        let mut chain = Vec::new();
        let mut at = self.nodes[node as usize].chain;
        while at != NONE {
            chain.push(at);
            at = self.names[at as usize].next;
        }
        chain
    }

    fn owner_set_of(&mut self, owners: Vec<Owner>) -> u32 {
        if let Some(set) = self.owner_sets.get(&owners) {
            return *set;
        }
        let set = u32::try_from(self.owners.len()).unwrap_or(u32::MAX);
        self.owners.push(owners.clone());
        self.owner_sets.insert(owners, set);
        set
    }

    fn link(&mut self, from: NodeId, to: NodeId, seen: Day) {
        if let Some(link) = self.ups[to as usize].iter_mut().find(|link| link.node == from) {
            let seen = link.seen.max(seen);
            link.seen = seen;
            if let Some(link) = self.downs[from as usize].iter_mut().find(|link| link.node == to) {
                link.seen = seen;
            }
            return;
        }
        self.ups[to as usize].push(Link { node: from, seen });
        self.downs[from as usize].push(Link { node: to, seen });
        self.edges += 1;
    }

    fn unlink_parents(&mut self, node: NodeId) {
        let ups = std::mem::take(&mut self.ups[node as usize]);
        self.edges -= ups.len();
        for up in ups {
            self.downs[up.node as usize].retain(|link| link.node != node);
        }
    }

    /// Sets an asset to what this record says: names, kind, owners, parents. Assets with its aliases are merged into it.
    pub fn put(&mut self, asset: &Asset) {
        let node = self.ensure(&asset.name);
        for alias in &asset.aliases {
            match self.name_of(alias) {
                Some(id) if self.names[id as usize].node != node => self.absorb(self.names[id as usize].node, node),
                Some(_) => {}
                None => {
                    self.add_name(alias, node);
                }
            }
        }
        self.keep_names(node, asset);
        // An alias may now be the shown name.
        if let Some(name) = self.name_of(&asset.name) {
            self.nodes[node as usize].name = name;
        }
        let owners = self.owner_set_of(asset.owners());
        let entry = &mut self.nodes[node as usize];
        entry.owners = owners;
        entry.kind = asset.kind();
        entry.tier = asset.tier().unwrap_or(4);
        entry.checks = bits(&asset.checks());
        self.unlink_parents(node);
        for (parent, seen) in asset.parents() {
            let from = self.ensure(parent);
            self.link(from, node, seen);
        }
    }

    /// Removes the names that the record no longer has.
    fn keep_names(&mut self, node: NodeId, asset: &Asset) {
        let chain = self.chain(node);
        let is_kept = |id: &u32| asset.names().any(|name| self.names[*id as usize].text.eq_ignore_ascii_case(name));
        let (kept, dropped): (Vec<u32>, Vec<u32>) = chain.into_iter().partition(is_kept);
        if dropped.is_empty() {
            return;
        }
        if let Some(first) = kept.first()
            && dropped.contains(&self.nodes[node as usize].name)
        {
            self.nodes[node as usize].name = *first;
        }
        dropped.into_iter().for_each(|id| self.free_name(id));
        self.nodes[node as usize].chain = NONE;
        for id in kept {
            self.names[id as usize].next = self.nodes[node as usize].chain;
            self.nodes[node as usize].chain = id;
        }
    }

    fn free_name(&mut self, id: u32) {
        let hash = self.hash(&self.names[id as usize].text);
        if let Ok(entry) = self.table.find_entry(hash, |found| *found == id) {
            entry.remove();
        }
        self.names[id as usize].text = "".into();
        self.free_names.push(id);
    }

    /// Follows what was written meanwhile. `now` has the present record of each changed asset, or `None` if it is gone.
    ///
    /// # Errors
    /// Those of `now`.
    pub fn catch_up<E>(
        &mut self,
        changed: &BTreeSet<String>,
        mut now: impl FnMut(&str) -> Result<Option<Asset>, E>,
    ) -> Result<(), E> {
        let mut there = Vec::new();
        let mut gone = Vec::new();
        for name in changed {
            let asset = now(name)?;
            // First all lose their parents, and the names that may belong to another asset by now.
            if let Some(node) = self.find(name) {
                self.unlink_parents(node);
                self.keep_names(node, asset.as_ref().unwrap_or(&Asset::named(name)));
            }
            match asset {
                Some(asset) => there.push(asset),
                None => gone.push(name),
            }
        }
        // A merged asset still has children. It stays until the asset that it was merged into is put.
        gone.into_iter().for_each(|name| self.remove(name));
        there.iter().for_each(|asset| self.put(asset));
        Ok(())
    }

    /// Everything of `old` belongs to `new` from now on.
    fn absorb(&mut self, old: NodeId, new: NodeId) {
        let (ups, downs) = (self.ups[old as usize].clone(), self.downs[old as usize].clone());
        self.cut(old);
        for up in ups.into_iter().filter(|up| up.node != old) {
            self.link(up.node, new, up.seen);
        }
        for down in downs.into_iter().filter(|down| down.node != old) {
            self.link(new, down.node, down.seen);
        }
        for name in self.chain(old) {
            self.names[name as usize].node = new;
            self.names[name as usize].next = self.nodes[new as usize].chain;
            self.nodes[new as usize].chain = name;
        }
        self.nodes[old as usize].gone = true;
        self.free_nodes.push(old);
    }

    /// Removes all edges of a node.
    fn cut(&mut self, node: NodeId) {
        self.unlink_parents(node);
        let downs = std::mem::take(&mut self.downs[node as usize]);
        self.edges -= downs.len();
        for down in downs {
            self.ups[down.node as usize].retain(|link| link.node != node);
        }
    }

    /// Removes an asset with its names and its edges to parents. An asset stays if others are downstream of it, or if it has
    /// another name now.
    pub fn remove(&mut self, name: &str) {
        let Some(node) = self.find(name).filter(|node| {
            self.name(*node).eq_ignore_ascii_case(name) && self.downs(*node).iter().all(|down| down.node == *node)
        }) else {
            return;
        };
        self.cut(node);
        self.chain(node).into_iter().for_each(|id| self.free_name(id));
        self.nodes[node as usize].gone = true;
        self.free_nodes.push(node);
    }

    /// Rebuilds the parts that are not stored: the table of names, and the downward edges. `None` if the stored parts do not fit together.
    pub fn complete(mut self) -> Option<Self> {
        let nodes = self.nodes.len();
        let fits = self.ups.len() == nodes
            && self.nodes.iter().all(|node| {
                node.gone || ((node.name as usize) < self.names.len() && (node.owners as usize) < self.owners.len())
            })
            && self.names.iter().all(|name| {
                (name.node as usize) < nodes && (name.next == NONE || (name.next as usize) < self.names.len())
            })
            && self.ups.iter().flatten().all(|up| (up.node as usize) < nodes)
            && self.free_nodes.iter().all(|node| (*node as usize) < nodes)
            && self.free_names.iter().all(|name| (*name as usize) < self.names.len());
        if !fits {
            return None;
        }
        let mut free = vec![false; self.names.len()];
        self.free_names.iter().for_each(|name| free[*name as usize] = true);
        let (names, hasher) = (&self.names, &self.hasher);
        let hash = |id: &u32| folded_hash(hasher, &names[*id as usize].text);
        self.table.reserve(names.len(), hash);
        for id in (0..).zip(&free).filter(|(_, free)| !**free).map(|(id, _)| id) {
            self.table.insert_unique(hash(&id), id, hash);
        }
        self.downs = vec![Links::new(); nodes];
        for (to, ups) in (0..).zip(&self.ups) {
            self.edges += ups.len();
            for up in ups {
                self.downs[up.node as usize].push(Link { node: to, seen: up.seen });
            }
        }
        self.owner_sets = (0..).zip(&self.owners).map(|(set, owners)| (owners.clone(), set)).collect();
        Some(self)
    }

    /// How many bytes of memory it uses, counted from the lengths of its parts.
    pub fn bytes(&self) -> usize {
        let spilled = |links: &Links| if links.spilled() { links.capacity() * size_of::<Link>() } else { 0 };
        self.names.capacity() * size_of::<Name>()
            + self.names.iter().map(|name| name.text.len()).sum::<usize>()
            + self.table.capacity() * (size_of::<u32>() + 1) * 8 / 7
            + self.nodes.capacity() * size_of::<Node>()
            + (self.ups.capacity() + self.downs.capacity()) * size_of::<Links>()
            + self.ups.iter().chain(&self.downs).map(spilled).sum::<usize>()
    }
}
