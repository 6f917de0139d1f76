//! Which assets are bad now, by the open incidents: an index in memory, built at start and following every commit. It may be
//! asked at any time and is never behind by more than a commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::PoisonError;

use super::{App, Failure, records};
use crate::domain::{Alert, Decision, Event, Incident, Pillar, SignalStatus, Time};
use crate::store::{Engine, Kind, scan_prefix};

/// How many mended assets are remembered.
const MENDED: usize = 1000;

/// What an incident says of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The asset, as the monitor or person wrote it.
    pub asset: String,
    /// Since when it is known.
    pub since: Time,
    /// Its alerts that fire: what is wrong, and since when.
    pub firing: BTreeMap<String, (Pillar, Time)>,
}

/// The index.
#[derive(Debug, Default)]
pub struct Health {
    /// By asset in lower case, then by incident.
    by_asset: HashMap<String, BTreeMap<String, Trouble>>,
    by_incident: HashMap<String, BTreeSet<String>>,
    /// Incidents that others see nothing of: what is only practised is not so, and what is private is nobody else's.
    apart: BTreeSet<String>,
    /// What was mended lately: asset, incident, when; the latest last.
    mended: VecDeque<(String, String, Time)>,
}

impl Health {
    /// From the store's open incidents.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn load(store: &dyn Engine) -> anyhow::Result<Self> {
        let mut health = Self::default();
        for rec in scan_prefix(store, Kind::Open, "")? {
            if let Some(uid) = rec.body["uid"].as_str() {
                health.reload(store, uid)?;
            }
        }
        // What was mended just before the start, the newest first.
        for rec in store.scan(Kind::Number, "", "", 50)? {
            let uid = rec.body["uid"].as_str().unwrap_or_default();
            let Some(rec) = store.get(Kind::Incident, uid)? else { continue };
            if let Ok(incident) = serde_json::from_value::<Incident>(rec.body)
                && let Some(at) = incident.resolved_at
                && !incident.is_apart()
            {
                for asset in &incident.assets {
                    health.mended.push_front((asset.as_str().to_owned(), incident.name(), at));
                }
            }
        }
        Ok(health)
    }

    fn reload(&mut self, store: &dyn Engine, uid: &str) -> Result<(), crate::store::ReadError> {
        let Some(rec) = store.get(Kind::Incident, uid)? else {
            return Ok(());
        };
        let Ok(incident) = serde_json::from_value::<Incident>(rec.body) else {
            return Ok(());
        };
        if incident.is_apart() {
            self.apart.insert(uid.to_owned());
        }
        for asset in &incident.assets {
            self.trouble(uid, asset.as_str(), incident.bad_from.unwrap_or(incident.detected_at));
        }
        for rec in scan_prefix(store, Kind::Alert, &format!("{uid}/"))? {
            if let Ok(alert) = serde_json::from_value::<Alert>(rec.body) {
                self.alert(uid, &alert);
            }
        }
        Ok(())
    }

    fn trouble(&mut self, uid: &str, asset: &str, since: Time) -> &mut Trouble {
        let key = asset.to_ascii_lowercase();
        self.by_incident.entry(uid.to_owned()).or_default().insert(key.clone());
        self.by_asset.entry(key).or_default().entry(uid.to_owned()).or_insert_with(|| Trouble {
            asset: asset.to_owned(),
            since,
            firing: BTreeMap::new(),
        })
    }

    fn alert(&mut self, uid: &str, alert: &Alert) {
        let Some(asset) = &alert.signal.asset else {
            return;
        };
        let trouble = self.trouble(uid, asset.as_str(), alert.signal.at);
        trouble.since = trouble.since.min(alert.signal.at);
        if alert.signal.status == SignalStatus::Firing {
            trouble.firing.insert(alert.id.clone(), (alert.signal.pillar, alert.signal.at));
        } else {
            trouble.firing.remove(&alert.id);
        }
    }

    fn forget(&mut self, uid: &str) {
        for asset in self.by_incident.remove(uid).unwrap_or_default() {
            if let Some(troubles) = self.by_asset.get_mut(&asset) {
                troubles.remove(uid);
                if troubles.is_empty() {
                    self.by_asset.remove(&asset);
                }
            }
        }
    }

    /// What open incidents say of an asset of this name, by incident.
    pub fn of(&self, asset: &str) -> impl Iterator<Item = (&String, &Trouble)> {
        let troubles = self.by_asset.get(&asset.to_ascii_lowercase()).into_iter().flatten();
        troubles.filter(|(uid, _)| !self.apart.contains(*uid))
    }

    /// Everything that is bad: asset in lower case, incident, trouble.
    pub fn all(&self) -> impl Iterator<Item = (&String, &String, &Trouble)> {
        self.seen_from("")
    }

    /// As [`Self::all`], as one incident sees it: of drills and private ones, it sees itself only.
    pub fn seen_from(&self, own: &str) -> impl Iterator<Item = (&String, &String, &Trouble)> {
        self.by_asset
            .iter()
            .flat_map(|(asset, troubles)| troubles.iter().map(move |(uid, trouble)| (asset, uid, trouble)))
            .filter(move |(_, uid, _)| *uid == own || !self.apart.contains(*uid))
    }

    /// The troubles of an incident.
    pub fn of_incident(&self, uid: &str) -> Vec<&Trouble> {
        let assets = self.by_incident.get(uid).into_iter().flatten();
        assets.filter_map(|asset| self.by_asset.get(asset)?.get(uid)).collect()
    }
}

impl App {
    /// Follows what was committed.
    pub(super) fn follow(&self, decisions: &[Decision]) {
        let mut health = self.health.write().unwrap_or_else(PoisonError::into_inner);
        for decision in decisions {
            let incident = &decision.case.incident;
            let uid = &incident.uid;
            for entry in &decision.entries {
                match &entry.event {
                    Event::Opened { .. } if incident.is_apart() => {
                        health.apart.insert(uid.clone());
                    }
                    Event::AssetNamed { asset } => {
                        health.trouble(uid, asset.as_str(), incident.detected_at);
                    }
                    Event::AlertJoined { alert, .. }
                    | Event::AlertFiredAgain { alert, .. }
                    | Event::AlertWorsened { alert, .. }
                    | Event::AlertResolved { alert, .. } => {
                        if let Some(alert) = decision.case.alerts.get(alert) {
                            health.alert(uid, alert);
                        }
                    }
                    Event::Resolved { .. } if incident.is_apart() => {
                        health.forget(uid);
                        health.apart.remove(uid);
                    }
                    Event::Resolved { .. } => {
                        for asset in &incident.assets {
                            health.mended.push_back((asset.as_str().to_owned(), incident.name(), entry.at));
                        }
                        while health.mended.len() > MENDED {
                            health.mended.pop_front();
                        }
                        health.forget(uid);
                    }
                    Event::Merged { .. } => health.forget(uid),
                    // A moved alert may have been the only one of its asset.
                    Event::AlertMoved { .. } | Event::Reopened { .. } => {
                        health.forget(uid);
                        if let Err(error) = health.reload(&*self.store, uid) {
                            tracing::error!(incident = incident.name(), %error, "its assets are not known to be bad");
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// What was mended since a moment: asset, incident, when; the latest first.
    pub(super) fn mended_since(&self, since: Time) -> Vec<(String, String, Time)> {
        self.health().mended.iter().rev().filter(|(_, _, at)| *at >= since).cloned().collect()
    }

    /// Reads the index.
    pub(super) fn health(&self) -> std::sync::RwLockReadGuard<'_, Health> {
        self.health.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// In how many earlier incidents an asset was the root; counts to 20.
    pub(super) fn past_roots(&self, asset: &str) -> Result<usize, Failure> {
        let Some(name) = crate::domain::AssetName::new(asset) else {
            return Ok(0);
        };
        let prefix = records::by_asset_id(&name, u64::MAX).trim_end_matches('0').to_owned();
        Ok(self.store.scan(Kind::RootOf, &prefix, &crate::store::after_prefix(&prefix), 20)?.len())
    }
}
