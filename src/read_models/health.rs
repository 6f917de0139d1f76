//! Which assets are bad now, according to the open incidents and their alerts, and which were mended lately.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ReadModel;
use crate::domain::{Alert, AlertId, Incident, IncidentId, Pillar, SignalStatus, Status, Time};
use crate::records::{Ended, Open};
use crate::store::{Change, Id, Kind, Range, ReadError, Store};

/// How many ended incidents are remembered.
const ENDED: usize = 1000;

/// What an incident says about an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The asset, as the monitor or person wrote it.
    pub asset: String,
    pub since: Time,
    /// Since when the incident names it, if it does.
    named: Option<Time>,
    /// Its alerts: what is wrong, since when, and whether it still is.
    alerts: BTreeMap<AlertId, Ill>,
    firing: usize,
}

/// What an alert says about an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ill {
    pillar: Pillar,
    at: Time,
    fires: bool,
}

impl Trouble {
    /// The firing alerts: what is wrong, and since when.
    pub fn firing(&self) -> impl Iterator<Item = (Pillar, Time)> {
        self.alerts.values().filter(|ill| ill.fires).map(|ill| (ill.pillar, ill.at))
    }

    pub fn fires(&self) -> bool {
        self.firing > 0
    }

    fn put(&mut self, alert: &AlertId, ill: Ill) {
        self.since = self.since.min(ill.at);
        self.firing += usize::from(ill.fires);
        if let Some(before) = self.alerts.insert(alert.to_owned(), ill) {
            self.firing -= usize::from(before.fires);
            if before.at < ill.at {
                self.look_back();
            }
        }
    }

    fn remove(&mut self, alert: &str) {
        if let Some(before) = self.alerts.remove(alert) {
            self.firing -= usize::from(before.fires);
            self.look_back();
        }
    }

    /// Sets again since when the asset is known to be bad, from the alerts that are left.
    fn look_back(&mut self) {
        let all = self.named.into_iter().chain(self.alerts.values().map(|ill| ill.at));
        self.since = all.min().unwrap_or(self.since);
    }

    fn is_nothing(&self) -> bool {
        self.named.is_none() && self.alerts.is_empty()
    }
}

/// What is known about an open incident.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    /// Whether others must see nothing of it, because it is a drill or private.
    apart: bool,
    drill: bool,
    /// The assets it names, in lower case, and since when.
    named: BTreeMap<String, Time>,
    /// All assets that it or its alerts are about, in lower case.
    assets: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub struct Health {
    /// By asset in lower case, then by incident.
    by_asset: HashMap<String, BTreeMap<IncidentId, Trouble>>,
    open: HashMap<IncidentId, Known>,
    /// Ended incidents, by time and id: name and assets. Drills and private ones are left out.
    ended: BTreeMap<(Time, IncidentId), (String, Vec<String>)>,
    ended_at: HashMap<IncidentId, Time>,
    /// How many changes of an open incident it has followed.
    told: HashMap<IncidentId, u64>,
    /// Incidents that the last commit opened again.
    reopened: BTreeSet<IncidentId>,
}

/// Equal means that reads give the same.
impl PartialEq for Health {
    fn eq(&self, other: &Self) -> bool {
        (&self.by_asset, &self.open, &self.ended) == (&other.by_asset, &other.open, &other.ended)
    }
}

impl ReadModel for Health {
    const FOLLOWS: &'static [Kind] = &[Kind::Incident, Kind::Alert];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let mut health = Self::default();
        for Open { uid } in store.values(Range::<Open>::all()).await? {
            if let Some(incident) = store.readable(&Id::<Incident>::of(&uid)).await? {
                health.incident(&incident);
                for alert in store.values(Range::<Alert>::of(&uid)).await? {
                    health.alert(&uid, &alert);
                }
            }
        }
        for ended in store.scan(&Range::<Ended>::all(), ENDED).await?.records {
            if let Some(incident) = store.readable(&Id::<Incident>::of(&ended.value.uid)).await? {
                health.incident(&incident);
            }
        }
        Ok(health)
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        self.reopened.clear();
        let alerts_of = |uid: &IncidentId| {
            let alerts = changes.iter().filter(|change| change.kind == Kind::Alert && change.now.is_some());
            alerts.filter(|change| change.id.split_once('/').is_some_and(|(of, _)| uid == of)).count()
        };
        // An incident comes before its alerts.
        for incident in changes.iter().filter(|change| change.kind == Kind::Incident) {
            let Some(incident) = incident.value::<Incident>() else { continue };
            let was_open = self.open.contains_key(&incident.uid);
            self.incident(&incident);
            // A reopened incident has alerts that are not part of this commit.
            let is_open = incident.status.is_open();
            if is_open && !was_open && alerts_of(&incident.uid) < incident.alerts as usize {
                self.reopened.insert(incident.uid.clone());
            }
        }
        for change in changes.iter().filter(|change| change.kind == Kind::Alert) {
            let Some((uid, id)) = change.id.split_once('/') else { continue };
            let uid = &IncidentId::from(uid);
            self.told.entry(uid.clone()).and_modify(|told| *told += 1);
            match change.value::<Alert>() {
                Some(alert) => self.alert(uid, &alert),
                None => self.forget_alert(uid, id),
            }
        }
    }
}

impl Health {
    fn incident(&mut self, incident: &Incident) {
        let uid = &incident.uid;
        *self.told.entry(uid.clone()).or_default() += 1;
        if let Some(at) = self.ended_at.remove(uid) {
            self.ended.remove(&(at, uid.clone()));
        }
        if !incident.status.is_open() {
            self.forget(uid);
            if let (Some(at), false, Status::Resolved) = (incident.resolved_at, incident.is_apart(), incident.status) {
                let assets = incident.assets.iter().map(ToString::to_string).collect();
                self.ended.insert((at, uid.clone()), (incident.name(), assets));
                self.ended_at.insert(uid.clone(), at);
                while self.ended.len() > ENDED {
                    if let Some(((_, uid), _)) = self.ended.pop_first() {
                        self.ended_at.remove(&uid);
                    }
                }
            }
            return;
        }
        let since = incident.bad_from.unwrap_or(incident.detected_at);
        let named: BTreeMap<String, Time> =
            incident.assets.iter().map(|asset| (asset.as_str().to_ascii_lowercase(), since)).collect();
        if self.open.get(uid).is_some_and(|known| known.named == named) {
            return;
        }
        let known = self.open.entry(uid.clone()).or_default();
        known.apart = incident.is_apart();
        known.drill = incident.drill;
        let before = std::mem::replace(&mut known.named, named.clone());
        for asset in &incident.assets {
            let trouble = self.trouble(uid, asset.as_str(), since);
            trouble.named = Some(since);
            trouble.look_back();
        }
        for asset in before.keys().filter(|asset| !named.contains_key(*asset)) {
            self.change(uid, asset, |trouble| trouble.named = None);
        }
    }

    fn alert(&mut self, uid: &IncidentId, alert: &Alert) {
        let Some(asset) = alert.signal.asset.as_ref().filter(|_| self.open.contains_key(uid)) else { return };
        let (pillar, at) = (alert.signal.pillar, alert.signal.at);
        let fires = alert.signal.status == SignalStatus::Firing;
        self.trouble(uid, asset.as_str(), at).put(&alert.id, Ill { pillar, at, fires });
    }

    fn forget_alert(&mut self, uid: &IncidentId, id: &str) {
        let assets: Vec<String> = self.open.get(uid).into_iter().flat_map(|known| known.assets.clone()).collect();
        for asset in assets {
            self.change(uid, &asset, |trouble| trouble.remove(id));
        }
    }

    fn trouble(&mut self, uid: &IncidentId, asset: &str, since: Time) -> &mut Trouble {
        let key = asset.to_ascii_lowercase();
        if let Some(known) = self.open.get_mut(uid)
            && !known.assets.contains(&key)
        {
            known.assets.insert(key.clone());
        }
        self.by_asset.entry(key).or_default().entry(uid.clone()).or_insert_with(|| Trouble {
            asset: asset.to_owned(),
            since,
            named: None,
            alerts: BTreeMap::new(),
            firing: 0,
        })
    }

    /// Changes what an incident says about an asset, and removes the entry if nothing is left.
    fn change(&mut self, uid: &IncidentId, asset: &str, change: impl FnOnce(&mut Trouble)) {
        let Some(troubles) = self.by_asset.get_mut(asset) else { return };
        if let Some(trouble) = troubles.get_mut(uid) {
            change(trouble);
            trouble.look_back();
            if trouble.is_nothing() {
                troubles.remove(uid);
                if let Some(known) = self.open.get_mut(uid) {
                    known.assets.remove(asset);
                }
            }
        }
        if troubles.is_empty() {
            self.by_asset.remove(asset);
        }
    }

    fn forget(&mut self, uid: &IncidentId) {
        self.told.remove(uid);
        for asset in self.open.remove(uid).unwrap_or_default().assets {
            if let Some(troubles) = self.by_asset.get_mut(&asset) {
                troubles.remove(uid);
                if troubles.is_empty() {
                    self.by_asset.remove(&asset);
                }
            }
        }
    }

    /// How many changes of an open incident it has followed. A reader of its records can see whether there were more meanwhile.
    pub(super) fn told(&self, uid: &IncidentId) -> Option<u64> {
        self.told.get(uid).copied()
    }

    /// Incidents that the last commit reopened without including their alerts.
    pub(super) fn reopened(&self) -> &BTreeSet<IncidentId> {
        &self.reopened
    }

    /// Takes in the alerts of an incident, read after `told` changes. Returns false if there were more changes since.
    pub(super) fn know_alerts(&mut self, uid: &IncidentId, alerts: &[Alert], told: Option<u64>) -> bool {
        if self.told(uid) != told {
            return false;
        }
        alerts.iter().for_each(|alert| self.alert(uid, alert));
        true
    }

    fn is_apart(&self, uid: &IncidentId) -> bool {
        self.open.get(uid).is_some_and(|known| known.apart)
    }

    /// What open incidents say about the asset with this name, by incident.
    pub fn of(&self, asset: &str) -> impl Iterator<Item = (&IncidentId, &Trouble)> {
        let troubles = self.by_asset.get(&asset.to_ascii_lowercase()).into_iter().flatten();
        troubles.filter(|(uid, _)| !self.is_apart(uid))
    }

    /// Whether an open incident that not everybody may see says something about the asset with this name.
    pub fn is_bad_in_private(&self, asset: &str) -> bool {
        let troubles = self.by_asset.get(&asset.to_ascii_lowercase()).into_iter().flatten();
        let private = |uid: &IncidentId| self.open.get(uid).is_some_and(|known| known.apart && !known.drill);
        troubles.into_iter().any(|(uid, _)| private(uid))
    }

    /// Whether there is any open incident that not everybody may see.
    pub fn has_private(&self) -> bool {
        self.open.values().any(|known| known.apart && !known.drill)
    }

    /// All bad assets: asset in lower case, incident, trouble.
    pub fn all(&self) -> impl Iterator<Item = (&String, &IncidentId, &Trouble)> {
        self.seen_from("")
    }

    /// As [`Self::all`], as one incident sees it. Of drills and private incidents, it sees only itself.
    pub fn seen_from(&self, own: &str) -> impl Iterator<Item = (&String, &IncidentId, &Trouble)> {
        self.by_asset
            .iter()
            .flat_map(|(asset, troubles)| troubles.iter().map(move |(uid, trouble)| (asset, uid, trouble)))
            .filter(move |(_, uid, _)| *uid == own || !self.is_apart(uid))
    }

    pub fn of_incident(&self, uid: &IncidentId) -> Vec<&Trouble> {
        let assets = self.open.get(uid).into_iter().flat_map(|known| &known.assets);
        assets.filter_map(|asset| self.by_asset.get(asset)?.get(uid)).collect()
    }

    /// What was mended since a moment: asset, incident and time, the latest first.
    pub fn mended_since(&self, since: Time) -> Vec<(String, String, Time)> {
        let ended = self.ended.iter().rev().take_while(|((at, _), _)| *at >= since);
        ended
            .flat_map(|((at, _), (name, assets))| assets.iter().rev().map(|asset| (asset.clone(), name.clone(), *at)))
            .collect()
    }
}
