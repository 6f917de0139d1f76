//! Walking the graph: upstream, downstream, and the path between two assets. Every walk ends, even on cycles, and sees each asset once.

use hashbrown::{HashMap, HashSet};

use super::Day;
use super::graph::{Graph, Link, NodeId};

/// The graph as of a day. Edges that nobody has seen for too long no longer count.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub graph: &'a Graph,
    /// Edges last seen before this day do not count.
    pub forgotten: Day,
    /// Edges last seen before this day fade: they count, but are shown as doubtful.
    pub fading: Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// A node that a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    pub node: NodeId,
    /// How many edges away, at least 1.
    pub hops: u32,
}

/// A set of nodes, with one bit for each.
pub(super) struct Seen(Vec<u64>);

impl Seen {
    pub(super) fn new(bound: usize) -> Self {
        Self(vec![0; bound.div_ceil(64)])
    }

    /// Adds a node. Returns whether it is new.
    pub(super) fn insert(&mut self, node: NodeId) -> bool {
        let (word, bit) = (node as usize / 64, 1 << (node % 64));
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }
}

impl<'a> View<'a> {
    /// All edges count, whenever they were seen.
    pub fn of(graph: &'a Graph) -> Self {
        Self { graph, forgotten: 0, fading: 0 }
    }

    /// The neighbours in one direction, over edges that still count.
    pub fn next(&self, node: NodeId, way: Way) -> impl Iterator<Item = NodeId> + use<'a> {
        self.links(node, way).map(|link| link.node)
    }

    /// The edges in one direction that still count.
    pub fn links(&self, node: NodeId, way: Way) -> impl Iterator<Item = Link> + use<'a> {
        let links = match way {
            Way::Up => self.graph.ups(node),
            Way::Down => self.graph.downs(node),
        };
        let forgotten = self.forgotten;
        links.iter().copied().filter(move |link| link.seen >= forgotten)
    }

    /// Whether nobody has seen the edge lately.
    pub fn is_fading(&self, link: Link) -> bool {
        link.seen < self.fading
    }

    /// All nodes found from these, nearest first. The starts are left out, even if a cycle leads back to them.
    pub fn walk(&self, from: &[NodeId], way: Way) -> Vec<Met> {
        let mut seen = Seen::new(self.graph.bound());
        // The list of found nodes is also the queue.
        let mut met: Vec<Met> =
            from.iter().filter(|node| seen.insert(**node)).map(|node| Met { node: *node, hops: 0 }).collect();
        let starts = met.len();
        let mut at = 0;
        while let Some(Met { node, hops }) = met.get(at).copied() {
            at += 1;
            for other in self.next(node, way) {
                if seen.insert(other) {
                    met.push(Met { node: other, hops: hops + 1 });
                }
            }
        }
        met.drain(..starts);
        met
    }

    /// As [`Self::walk`], but no further than `hops` edges, and no more than `most` assets.
    pub fn walk_near(&self, from: NodeId, way: Way, hops: u32, most: usize) -> Vec<Met> {
        let mut seen: HashSet<NodeId> = HashSet::from([from]);
        let mut met = vec![Met { node: from, hops: 0 }];
        let mut at = 0;
        while let Some(Met { node, hops: far }) = met.get(at).copied().filter(|met| met.hops < hops) {
            at += 1;
            for other in self.next(node, way) {
                if met.len() > most {
                    break;
                }
                if seen.insert(other) {
                    met.push(Met { node: other, hops: far + 1 });
                }
            }
        }
        met.remove(0);
        met
    }

    /// A shortest path along the edges from one asset down to another, with both ends.
    pub fn path(&self, from: NodeId, to: NodeId) -> Option<Vec<NodeId>> {
        if from == to {
            return Some(vec![from]);
        }
        // Search from both ends, always from the smaller frontier. So a hub's children are not searched if few parents lead to it.
        let mut reached = [HashMap::from([(from, from)]), HashMap::from([(to, to)])];
        let mut frontiers = [vec![from], vec![to]];
        while !frontiers[0].is_empty() && !frontiers[1].is_empty() {
            let side = usize::from(frontiers[1].len() < frontiers[0].len());
            let way = [Way::Down, Way::Up][side];
            let mut next = Vec::new();
            for node in std::mem::take(&mut frontiers[side]) {
                for other in self.next(node, way) {
                    if reached[side].contains_key(&other) {
                        continue;
                    }
                    reached[side].insert(other, node);
                    if reached[1 - side].contains_key(&other) {
                        let mut path = back(&reached[0], other);
                        path.reverse();
                        path.extend(back(&reached[1], other).into_iter().skip(1));
                        return Some(path);
                    }
                    next.push(other);
                }
            }
            frontiers[side] = next;
        }
        None
    }
}

/// The path from a node back to the end where its side of the search began.
fn back(reached: &HashMap<NodeId, NodeId>, from: NodeId) -> Vec<NodeId> {
    let mut way = vec![from];
    let mut at = from;
    while let Some(before) = reached.get(&at).copied().filter(|before| *before != at) {
        way.push(before);
        at = before;
    }
    way
}
