//! Walking the graph: upstream, downstream, the path between two. Every walk ends on cycles and sees each asset once.

use std::collections::VecDeque;

use super::Day;
use super::graph::{Graph, Link, NodeId};

/// The graph as of a day: edges that nobody has seen for too long do not count any more.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// All assets.
    pub graph: &'a Graph,
    /// Edges last seen before this day are forgotten.
    pub forgotten: Day,
    /// Edges last seen before this day fade: they count, and are shown as doubtful.
    pub fading: Day,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Towards the sources.
    Up,
    /// Towards the consumers.
    Down,
}

/// Something met on a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// The asset.
    pub node: NodeId,
    /// How many edges away, at least 1.
    pub hops: u32,
}

/// A set of nodes, a bit each.
pub(super) struct Seen(Vec<u64>);

impl Seen {
    pub(super) fn new(bound: usize) -> Self {
        Self(vec![0; bound.div_ceil(64)])
    }

    /// Adds; whether it is new.
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

    /// The neighbours one way, over edges that still count.
    pub fn next(&self, node: NodeId, way: Way) -> impl Iterator<Item = NodeId> + use<'a> {
        self.links(node, way).map(|link| link.node)
    }

    /// The edges one way that still count.
    pub fn links(&self, node: NodeId, way: Way) -> impl Iterator<Item = Link> + use<'a> {
        let links = match way {
            Way::Up => self.graph.ups(node),
            Way::Down => self.graph.downs(node),
        };
        let forgotten = self.forgotten;
        links.iter().copied().filter(move |link| link.seen >= forgotten)
    }

    /// Whether nobody has seen the edge for a while.
    pub fn is_fading(&self, link: Link) -> bool {
        link.seen < self.fading
    }

    /// All that is met from these on, nearest first, without the starts themselves (even where a cycle leads back).
    pub fn walk(&self, from: &[NodeId], way: Way) -> Vec<Met> {
        let mut seen = Seen::new(self.graph.bound());
        let mut met = Vec::new();
        let mut frontier: Vec<NodeId> = from.iter().copied().filter(|node| seen.insert(*node)).collect();
        let mut hops = 0;
        while !frontier.is_empty() {
            hops += 1;
            let mut next = Vec::new();
            for node in frontier {
                for other in self.next(node, way) {
                    if seen.insert(other) {
                        met.push(Met { node: other, hops });
                        next.push(other);
                    }
                }
            }
            frontier = next;
        }
        met
    }

    /// A shortest way along the edges from one asset down to another, both ends included.
    pub fn path(&self, from: NodeId, to: NodeId) -> Option<Vec<NodeId>> {
        if from == to {
            return Some(vec![from]);
        }
        // From the lower end upwards: assets have fewer parents than hubs have children.
        let mut below: std::collections::HashMap<NodeId, NodeId> = std::collections::HashMap::new();
        let mut queue = VecDeque::from([to]);
        while let Some(node) = queue.pop_front() {
            for up in self.next(node, Way::Up) {
                if up == to || below.contains_key(&up) {
                    continue;
                }
                below.insert(up, node);
                if up == from {
                    let mut path = vec![from];
                    let mut at = from;
                    while at != to {
                        at = *below.get(&at)?;
                        path.push(at);
                    }
                    return Some(path);
                }
                queue.push_back(up);
            }
        }
        None
    }
}
