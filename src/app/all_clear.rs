//! What may be said to people outside when an incident is over: its alerts, and what else is open around their assets.

use std::collections::BTreeSet;

use super::{App, Failure};
use crate::domain::all_clear::{AllClear, Used};
use crate::domain::incident::Recipient;
use crate::domain::lineage::walk::Way;
use crate::domain::{Alert, AssetName, Incident};

impl App {
    /// What is known now of the data of somebody who was told of an incident.
    pub async fn all_clear(&self, incident: &Incident, to: &Recipient) -> Result<AllClear, Failure> {
        let alerts = self.alerts(&incident.uid).await?;
        let mut used = Vec::new();
        for asset in &to.assets {
            let trust = self.trust(asset).await?;
            let mut others: Vec<String> = trust.incidents.into_iter().map(|trouble| trouble.id).collect();
            others.retain(|other| *other != incident.name());
            let names_it = |name: &AssetName| name.as_str().eq_ignore_ascii_case(asset);
            let of_alerts = alerts.iter().filter_map(|alert| alert.signal.asset.as_ref());
            // People also subscribe to teams. A team is not good or bad.
            if !trust.known && !incident.assets.iter().chain(of_alerts).any(names_it) {
                continue;
            }
            let made_of = self.made_of(asset);
            let hidden = {
                let health = self.models.health.read();
                health.has_private() && made_of.iter().any(|name| health.is_bad_in_private(name))
            };
            used.push(Used { asset: asset.clone(), alerts: about(&alerts, &made_of), others, hidden });
        }
        Ok(AllClear::of(incident, &alerts, used))
    }

    /// The names of an asset and of everything that it is made of.
    fn made_of(&self, asset: &str) -> BTreeSet<String> {
        let graph = self.catalog.graph();
        let spelled = self.catalog.naming.apply(asset);
        let mut names = BTreeSet::from([asset.to_owned(), spelled.clone()]);
        if let Some(node) = graph.find(&spelled) {
            let up = self.view(&graph).walk(&[node], Way::Up);
            let nodes = std::iter::once(node).chain(up.iter().map(|met| met.node));
            names.extend(nodes.map(|node| graph.name(node).to_owned()));
        }
        names
    }
}

/// The alerts about any of these assets, or about no asset. If there are none, all: nobody knows how they reach it.
fn about<'a>(alerts: &'a [Alert], names: &BTreeSet<String>) -> Vec<&'a Alert> {
    let of = |alert: &&Alert| alert.signal.asset.as_ref().is_none_or(|asset| names.contains(asset.as_str()));
    let about: Vec<_> = alerts.iter().filter(of).collect();
    if about.is_empty() { alerts.iter().collect() } else { about }
}
