//! Finds where a signal belongs, and says why: the alert of its key, else the open incident of its asset, else one that the lineage or a label
//! ties it to. If none fits, it opens a new incident, unless something suppresses it.

use std::collections::HashMap;

use super::round::{Correlation, Round, Working};
use crate::app::Failure;
use crate::domain::lineage::NodeId;
use crate::domain::lineage::walk::Way;
use crate::domain::reason::JoinReason;
use crate::domain::route::RouteAction;
use crate::domain::suppression::{SuppressedAlert, Suppression};
use crate::domain::{Alert, AlertId, AssetName, IncidentId, Signal, SignalStatus, Time};
use crate::records::{AlertOfKey, Flap, LatestOfAsset};
use crate::store::Id;

/// How many merges in a row are followed. Nobody merges more often.
pub(in crate::app) const MERGED_DEEP: usize = 8;

/// A walk for ties looks at this many assets at most.
pub(super) const MAX_WALK: usize = 2000;

impl Round<'_> {
    pub(super) async fn find(&mut self, signal: &Signal, past: Option<&Suppression>) -> Result<Correlation, Failure> {
        let flap = Id::<Flap>::of(&signal.source, &signal.key);
        if past.is_none() && self.is_old_news(signal).await? {
            return Ok(Correlation::OldNews);
        }
        if let Some((uid, alert)) = self.of_key(signal).await? {
            let because = JoinReason::SameKey;
            return Ok(Correlation::In { uid, known: Some(alert), because, quiet: self.app.is_flapping(&flap) });
        }
        if signal.status == SignalStatus::Resolved {
            // What fired before may still be on its way.
            self.app.correlator.ends.lock().note(signal, self.app.now());
            return Ok(Correlation::Nowhere);
        }
        // If it is gone, the alert ended or somebody decided. A signal that is correlated again was suppressed only by its parent.
        let was_suppressed = past.is_some_and(|past| *past != Suppression::Inhibited);
        if was_suppressed && self.suppressed_alert(&Id::<SuppressedAlert>::of(signal)).await?.0.is_none() {
            return Ok(Correlation::Nowhere);
        }
        if let Some((because, until)) = self.app.hidden(signal) {
            return Ok(Correlation::Suppressed(because, Some(until)));
        }
        let route = self.app.policy.route_of(signal);
        if route.is_some_and(|route| route.action == RouteAction::Ignore) {
            return Ok(Correlation::Nowhere);
        }
        let join = |uid, because, quiet| Ok(Correlation::In { uid, known: None, because, quiet });
        if let Some(asset) = &signal.asset
            && let Some(uid) = self.of_asset(asset).await?
        {
            return join(uid, JoinReason::SameAsset { asset: asset.clone() }, false);
        }
        if let Some((uid, because, below)) = self.of_lineage(signal).await? {
            return join(uid, because, below);
        }
        if let Some((uid, group)) = self.of_group(signal).await? {
            return join(uid, JoinReason::SameLabel { label: group }, false);
        }
        // No open incident is about it. It may be too early to open one.
        if !matches!(past, Some(Suppression::Recovering { .. } | Suppression::Inhibited))
            && let Some((because, until)) = self.recovering(signal)
        {
            return Ok(Correlation::Suppressed(because, Some(until)));
        }
        if !matches!(past, Some(Suppression::Flapping)) && self.app.is_flapping(&flap) {
            return Ok(Correlation::Suppressed(Suppression::Flapping, Some(self.app.now() + self.app.calm_after())));
        }
        let asked = |because: &Suppression| matches!(because, Suppression::Pending | Suppression::AskingPerson);
        if let Some(route) = route {
            if route.action == RouteAction::Ask && !past.is_some_and(|because| *because == Suppression::AskingPerson) {
                return Ok(Correlation::Suppressed(Suppression::AskingPerson, None));
            }
            if route.pending_minutes > 0 && !past.is_some_and(asked) {
                let until = self.app.now() + chrono::Duration::minutes(route.pending_minutes.into());
                return Ok(Correlation::Suppressed(Suppression::Pending, Some(until)));
            }
        }
        Ok(Correlation::New)
    }

    /// Whether it fired before its end: it was sent again, or came late. It must not open anything anew.
    async fn is_old_news(&self, signal: &Signal) -> Result<bool, Failure> {
        if signal.status == SignalStatus::Resolved {
            return Ok(false);
        }
        if self.app.correlator.ends.lock().is_after(signal) {
            return Ok(true);
        }
        let Some((uid, alert)) = self.last_of_key(signal).await? else { return Ok(false) };
        let ended = match self.cases.get(&uid).and_then(|working| working.alerts.get(&alert)) {
            Some(alert) => alert.ended_at,
            None => self.app.store.value(&Id::<Alert>::of(&uid, &alert)).await?.and_then(|alert| alert.ended_at),
        };
        Ok(ended.is_some_and(|ended| signal.at < ended))
    }

    /// The last incident and alert of the signal's key, whether they are over or not.
    async fn last_of_key(&self, signal: &Signal) -> Result<Option<(IncidentId, AlertId)>, Failure> {
        if let Some(found) = self.by_key.get(&(signal.source.clone(), signal.key.clone())) {
            return Ok(Some(found.clone()));
        }
        let found = self.app.store.value(&Id::<AlertOfKey>::of(&signal.source, &signal.key)).await?;
        Ok(found.and_then(|found| Some((found.uid, found.alert?))))
    }

    /// The open incident and the alert of the signal's key. Both are loaded into the round.
    async fn of_key(&mut self, signal: &Signal) -> Result<Option<(IncidentId, AlertId)>, Failure> {
        let Some((uid, alert)) = self.last_of_key(signal).await? else { return Ok(None) };
        // The end of an alert is noted where the alert is, even if the incident ended or was merged. An alert that is over does not go on,
        // neither here nor where it is correlated again.
        if !self.is_open(&uid).await? && (signal.status == SignalStatus::Firing || !self.cases.contains_key(&uid)) {
            return Ok(None);
        }
        let is_new = |working: &Working| !working.alerts.contains_key(&alert);
        if self.cases.get(&uid).is_some_and(is_new)
            && let Some(found) = self.app.store.value(&Id::<Alert>::of(&uid, &alert)).await?
            && let Some(working) = self.cases.get_mut(&uid)
        {
            working.alerts.insert(alert.clone(), found);
        }
        Ok(Some((uid, alert)))
    }

    /// The open incident of an asset, by any of its names.
    async fn of_asset(&mut self, asset: &AssetName) -> Result<Option<IncidentId>, Failure> {
        let mut names = vec![asset.clone()];
        {
            let graph = self.app.catalog.graph();
            if let Some(node) = graph.find(asset.as_str()) {
                names.extend(graph.names(node).filter_map(AssetName::new).filter(|name| name != asset));
            }
        }
        let mut about: Vec<IncidentId> = Vec::new();
        {
            // If several are open, take the oldest: the uid begins with the opening time.
            let health = self.app.models.health.read();
            about.extend(names.iter().flat_map(|name| health.of(name.as_str())).map(|(uid, _)| uid.clone()));
            about.sort();
        }
        about.extend(names.iter().filter_map(|name| self.by_asset.get(name)).map(|(uid, _)| uid.clone()));
        for uid in about {
            if let Some(uid) = self.open_of(&uid).await? {
                return Ok(Some(uid));
            }
        }
        // The last incident that named the asset may have been merged into one that never named it.
        for name in &names {
            if let Some(found) = self.app.store.value(&Id::<LatestOfAsset>::of(name)).await?
                && let Some(uid) = self.open_of(&found.uid).await?
            {
                return Ok(Some(uid));
            }
        }
        Ok(None)
    }

    /// The incident if it is open, or else the open one that it was merged into.
    async fn open_of(&mut self, uid: &IncidentId) -> Result<Option<IncidentId>, Failure> {
        let mut uid = uid.to_owned();
        for _ in 0..MERGED_DEEP {
            if self.is_open(&uid).await? {
                return Ok(Some(uid));
            }
            let merged = self.cases.get(&uid).and_then(|working| working.decision.case.incident.merged_into.clone());
            match merged {
                Some((into, _)) => uid = into,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The incident of the nearest bad asset upstream, or else downstream; the reason; and whether the signal's asset is the lower one.
    async fn of_lineage(&mut self, signal: &Signal) -> Result<Option<(IncidentId, JoinReason, bool)>, Failure> {
        let config = &self.app.config.triage;
        let Some(asset) = &signal.asset else { return Ok(None) };
        let mut ties = Vec::new();
        {
            let graph = self.app.catalog.graph();
            let Some(node) = graph.find(asset.as_str()) else { return Ok(None) };
            let bad = self.bad.get_or_insert_with(|| {
                let mut bad = self.app.bad_nodes(&graph);
                for (asset, here) in &self.by_asset {
                    if let Some(node) = graph.find(asset.as_str()) {
                        bad.entry(node).or_insert_with(|| here.clone());
                    }
                }
                bad
            });
            if bad.is_empty() {
                return Ok(None);
            }
            let earliest = signal.at.min(self.app.now()) - chrono::Duration::hours(config.lineage_window_hours.into());
            let view = self.app.view(&graph);
            for (way, below) in [(Way::Up, true), (Way::Down, false)] {
                for met in view.walk_near(node, way, config.lineage_hops, MAX_WALK) {
                    if let Some((uid, _)) = bad.get(&met.node).filter(|(_, since)| *since >= earliest) {
                        let other = graph.name(met.node);
                        let (asset, other, hops) = (asset.clone(), other.to_owned(), met.hops);
                        let because = if below {
                            JoinReason::MadeOf { asset, upstream: other, hops }
                        } else {
                            JoinReason::Feeds { asset, downstream: other, hops }
                        };
                        ties.push((uid.clone(), because, below));
                    }
                }
            }
        }
        for tie in ties {
            if self.is_open(&tie.0).await? {
                return Ok(Some(tie));
            }
        }
        Ok(None)
    }

    /// The labels that may tie a signal to others.
    pub(super) fn groups(&self, signal: &Signal) -> Vec<String> {
        let config = &self.app.config.triage;
        let labels = config.group_by.iter().chain(&config.group_unknown_by);
        labels.filter_map(|label| Some(format!("{label} {}", signal.labels.get(label)?))).collect()
    }

    async fn of_group(&mut self, signal: &Signal) -> Result<Option<(IncidentId, String)>, Failure> {
        for group in self.groups(signal) {
            let uid = match self.by_group.get(&group) {
                Some((uid, _)) => Some(uid.clone()),
                None => self.app.store.value(&Id::<AlertOfKey>::of_group(&group)).await?.map(|found| found.uid),
            };
            let Some(uid) = uid.filter(|uid| !uid.is_empty()) else { continue };
            if !self.is_open(&uid).await? {
                continue;
            }
            let label = group.split(' ').next().unwrap_or_default();
            let always = self.app.config.triage.group_by.iter().any(|known| known == label);
            // The lineage knows better what belongs together, if it knows both.
            if always || self.is_unknown(signal, &uid) {
                return Ok(Some((uid, group)));
            }
        }
        Ok(None)
    }

    /// Whether the asset of the signal, or of the incident, is unknown to the catalog.
    fn is_unknown(&self, signal: &Signal, uid: &IncidentId) -> bool {
        let graph = self.app.catalog.graph();
        let unknown = |asset: &AssetName| graph.find(asset.as_str()).is_none();
        let window = chrono::Duration::hours(self.app.config.triage.lineage_window_hours.into());
        self.cases.get(uid).is_some_and(|working| {
            let incident = &working.decision.case.incident;
            incident.detected_at + window >= signal.at.min(self.app.now())
                && (signal.asset.as_ref().is_none_or(unknown) || incident.assets.iter().all(unknown))
        })
    }

    /// Whether an asset upstream of the signal's own was mended a moment ago.
    fn recovering(&self, signal: &Signal) -> Option<(Suppression, Time)> {
        let minutes = chrono::Duration::minutes(self.app.config.triage.hold_off_minutes.into());
        let asset = signal.asset.as_ref()?;
        let recent = self.app.models.health.read().mended_since(self.app.now() - minutes);
        if recent.is_empty() {
            return None;
        }
        let graph = self.app.catalog.graph();
        let node = graph.find(asset.as_str())?;
        let view = self.app.view(&graph);
        let above = view.walk_near(node, Way::Up, self.app.config.triage.lineage_hops, MAX_WALK);
        let recent: HashMap<NodeId, &(String, String, Time)> =
            recent.iter().filter_map(|one| Some((graph.find(&one.0)?, one))).collect();
        let (asset, incident, at) = above.iter().find_map(|met| recent.get(&met.node).copied())?;
        Some((Suppression::Recovering { asset: asset.clone(), incident: incident.clone() }, *at + minutes))
    }
}
