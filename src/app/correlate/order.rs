//! The order in which the signals of one round are decided.

use std::collections::{HashMap, HashSet};

use super::matching::MAX_WALK;
use super::round::Round;
use crate::app::Failure;
use crate::domain::lineage::NodeId;
use crate::domain::lineage::walk::Way;
use crate::domain::suppression::Suppression;
use crate::domain::{Signal, SignalStatus};
use crate::records::AlertOfKey;
use crate::store::Id;

impl Round<'_> {
    /// The order in which a round's signals are correlated. New alerts start with the most upstream, so that one cause is one incident, whichever of
    /// its alerts came in first. Signals with the same key stay in their order of arrival.
    pub(super) async fn upstream_first(
        &self,
        signals: &[(&Signal, Option<&Suppression>)],
    ) -> Result<Vec<usize>, Failure> {
        let mut order: Vec<usize> = (0..signals.len()).collect();
        let known: Vec<(usize, NodeId)> = {
            let graph = self.app.catalog.graph();
            if graph.is_empty() {
                return Ok(order);
            }
            let firing = signals.iter().enumerate().filter(|(_, (signal, _))| signal.status == SignalStatus::Firing);
            firing
                .filter_map(|(index, (signal, _))| Some((index, graph.find(signal.asset.as_ref()?.as_str())?)))
                .collect()
        };
        let mut fresh = HashMap::new();
        for (index, node) in known {
            let signal = signals[index].0;
            let came_before = self.by_key.contains_key(&(signal.source.clone(), signal.key.clone()))
                || self.app.store.get(&Id::<AlertOfKey>::of(&signal.source, &signal.key)).await?.is_some();
            if !came_before {
                fresh.insert(index, node);
            }
        }
        let nodes: HashSet<NodeId> = fresh.values().copied().collect();
        if nodes.len() < 2 {
            return Ok(order);
        }
        let graph = self.app.catalog.graph();
        let view = self.app.view(&graph);
        let above = |node: NodeId| {
            let met = view.walk_near(node, Way::Up, u32::MAX, MAX_WALK);
            met.iter().filter(|met| nodes.contains(&met.node)).count()
        };
        let ranks: HashMap<NodeId, usize> = nodes.iter().map(|node| (*node, above(*node))).collect();
        let mut by_key: HashMap<(&str, &str), usize> = HashMap::new();
        for (index, node) in &fresh {
            let signal = signals[*index].0;
            let rank = by_key.entry((&signal.source, &signal.key)).or_default();
            *rank = ranks[node].max(*rank);
        }
        order.sort_by_key(|index| {
            let signal = signals[*index].0;
            by_key.get(&(signal.source.as_str(), signal.key.as_str())).copied().unwrap_or_default()
        });
        Ok(order)
    }
}
