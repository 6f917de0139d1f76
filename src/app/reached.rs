//! What an incident that is over reached. Nothing is bad any more, so its record says what was.

use std::collections::BTreeSet;

use super::lineage::Judgement;
use super::{App, Failure};
use crate::domain::Incident;
use crate::domain::incident::RootCandidate;
use crate::domain::lineage::impact::{Impact, impact};
use crate::domain::lineage::{Candidate, NodeId, RootReason};

impl App {
    /// What an incident that is over reached: everything that the lineage of today has below the assets that it was about.
    pub(super) async fn reached(&self, incident: &Incident) -> Result<Judgement, Failure> {
        let alerts = self.alerts(&incident.uid).await?;
        let graph = self.catalog.graph();
        let of_alerts = alerts.iter().filter_map(|alert| alert.signal.asset.as_ref());
        let (mut nodes, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        for asset in incident.assets.iter().chain(of_alerts) {
            match graph.find(&self.catalog.naming.apply(asset.as_str())) {
                Some(node) => drop(nodes.insert(node)),
                None => drop(unknown.insert(asset.to_string())),
            }
        }
        let nodes: Vec<NodeId> = nodes.into_iter().collect();
        let view = self.view(&graph);
        let root = |root: &RootCandidate| Candidate {
            asset: root.asset.to_string(),
            reasons: match &root.reason {
                RootReason::Clues(clues) => clues.clone(),
                RootReason::Said(_) => Vec::new(),
            },
            observed: graph.find(root.asset.as_str()).is_some_and(|node| nodes.contains(&node)),
            not_monitored: root.not_monitored.clone(),
            score: 0.0,
        };
        Ok(Judgement {
            candidates: incident.roots.iter().map(root).collect(),
            impact: if nodes.is_empty() { Impact::default() } else { impact(&view, &nodes) },
            unknown: unknown.into_iter().collect(),
            has_lineage: !graph.is_empty(),
            ..Judgement::default()
        })
    }
}
