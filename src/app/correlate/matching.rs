//! Finds where a signal belongs, and says why: the alert of its key, else the open incident of its asset, else one that the lineage or a label
//! ties it to. If none fits, it opens a new incident, unless something suppresses it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::queue::{Outcome, Placed, Waiting};
use crate::app::decided::{self, Loaded, Numbers};
use crate::app::{App, Failure, RequestMeta};
use crate::domain::command::Opening;
use crate::domain::decide::open;
use crate::domain::incident::{Case, Notification};
use crate::domain::lineage::NodeId;
use crate::domain::lineage::walk::Way;
use crate::domain::needs::Needs;
use crate::domain::permission::Standing;
use crate::domain::reason::JoinReason;
use crate::domain::route::RouteAction;
use crate::domain::suppression::{SuppressedAlert, Suppression};
use crate::domain::{
    Actor, Alert, AlertId, AssetName, Command, Decision, Event, IncidentId, Signal, SignalStatus, Time, decide,
};
use crate::records::outbox::{Job, Outbox as _};
use crate::records::{AlertOfKey, Flap, LatestOfAsset};
use crate::store::{Batch, Expect, Id, Record};

/// How many merges in a row are followed. Nobody merges more often.
pub(in crate::app) const MERGED_DEEP: usize = 8;

/// The turn to decide on an incident.
pub(super) type Turn = tokio::sync::OwnedMutexGuard<()>;

/// A walk for ties looks at this many assets at most.
const MAX_WALK: usize = 2000;

/// The state of incidents after this round and the rounds before it in the same run.
pub(super) struct Round<'a> {
    app: &'a App,
    cases: BTreeMap<IncidentId, Working>,
    by_key: HashMap<(String, String), (IncidentId, AlertId)>,
    /// Incidents by asset, and since when it is bad.
    by_asset: HashMap<AssetName, (IncidentId, Time)>,
    /// Incidents by `label=value`, and whether the entry must be written.
    by_group: HashMap<String, (IncidentId, bool)>,
    /// What is bad in the graph, by open incident. Built on first use.
    bad: Option<HashMap<NodeId, (IncidentId, Time)>>,
    held: HashMap<Id<SuppressedAlert>, Changing<SuppressedAlert>>,
    flaps: HashMap<Id<Flap>, Changing<Flap>>,
    jobs: Vec<Job>,
    /// The silences and windows that people are told of, once each, and how many of them were already handed over for writing.
    told: Vec<String>,
    told_before: usize,
    /// Incidents that are named somewhere but do not exist.
    missing: HashSet<IncidentId>,
    /// Our turns on the incidents that existed before, held until everything is written. Incidents that this round opened have none.
    pub(super) turns: Vec<Turn>,
    numbers: Numbers,
    opened: u64,
}

/// A record as the round leaves it.
#[derive(Clone)]
struct Changing<T> {
    /// `None` if there is no record.
    now: Option<T>,
    /// What to expect of it when it is written.
    expect: Expect,
    changed: bool,
}

impl<T: Record> Changing<T> {
    /// Writes what changed since the last time.
    fn cut(&mut self, batch: &mut Batch, id: &Id<T>) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        match &self.now {
            Some(now) => batch.put(id, self.expect, now),
            None => batch.del(id, self.expect),
        }
        self.expect = if self.now.is_some() { self.expect.once_written() } else { Expect::Absent };
    }
}

/// One incident in the round: as it was last written, and all that was decided on it since.
struct Working {
    before: Option<Loaded>,
    /// Without the alerts and the people who were told. A decision gets those only when it needs them.
    decision: Decision,
    alerts: BTreeMap<AlertId, Alert>,
    told: BTreeMap<String, Notification>,
}

impl Working {
    /// An incident as a decision has made it, or as it is before the first one.
    fn new(before: Option<Loaded>, mut decision: Decision) -> Self {
        let alerts = std::mem::take(&mut decision.case.alerts);
        let told = std::mem::take(&mut decision.case.told);
        Self { before, decision, alerts, told }
    }

    /// The case, with everything that a decision about a signal needs.
    fn lend(&mut self, signal: &Signal, known: Option<&AlertId>) -> &Case {
        let case = &mut self.decision.case;
        case.alerts.extend(known.and_then(|alert| self.alerts.remove_entry(alert)));
        if signal.status == SignalStatus::Resolved {
            case.told = std::mem::take(&mut self.told);
        }
        case
    }

    fn go_on_with(&mut self, next: Decision) {
        self.decision.go_on_with(next);
        self.take_back();
    }

    /// Separates again what was lent.
    fn take_back(&mut self) {
        self.alerts.append(&mut self.decision.case.alerts);
        self.told.append(&mut self.decision.case.told);
    }

    /// Writes what was decided since the last time. Later decisions go on from there.
    fn cut(&mut self, batch: &mut Batch, now: Time) {
        let decision = &mut self.decision;
        if decision.entries.is_empty() && decision.effects.is_empty() {
            return;
        }
        decision.case.alerts = std::mem::take(&mut self.alerts);
        decision.case.told = std::mem::take(&mut self.told);
        decided::write(batch, self.before.as_ref(), decision, now);
        decision.entries.clear();
        decision.effects.clear();
        self.take_back();
        let ver = self.before.as_ref().map_or(0, |before| before.ver) + 1;
        self.before = Some(Loaded { case: self.decision.case.clone(), ver });
    }
}

enum Placement {
    /// It belongs to this incident, as this alert if that is known.
    In {
        uid: IncidentId,
        known: Option<AlertId>,
        because: JoinReason,
        quiet: bool,
    },
    /// It belongs to no incident yet.
    Suppressed(Suppression, Option<Time>),
    /// It belongs to no incident.
    Nowhere,
    New,
}

impl<'a> Round<'a> {
    pub(super) fn new(app: &'a App, numbers: Numbers) -> Self {
        Self {
            app,
            cases: BTreeMap::new(),
            by_key: HashMap::new(),
            by_asset: HashMap::new(),
            by_group: HashMap::new(),
            bad: None,
            held: HashMap::new(),
            flaps: HashMap::new(),
            jobs: Vec::new(),
            told: Vec::new(),
            told_before: 0,
            missing: HashSet::new(),
            turns: Vec::new(),
            numbers,
            opened: 0,
        }
    }

    async fn place(&mut self, signal: &Signal, past: Option<&Suppression>) -> Result<Placed, Failure> {
        let placed = |id: Option<AlertId>, outcome, incident| Placed { id, key: signal.key.clone(), outcome, incident };
        let id = Id::<SuppressedAlert>::of(signal);
        let (uid, known, because, quiet) = match self.find(signal, past).await? {
            Placement::In { uid, known, because, quiet } => (Some(uid), known, because, quiet),
            Placement::New => (None, None, JoinReason::Opened, false),
            Placement::Nowhere => {
                // If the signal was suppressed, this ends it.
                let was_held = self.let_go(&id).await?;
                let outcome = if was_held { Outcome::Resolved } else { Outcome::Ignored };
                return Ok(placed(None, outcome, None));
            }
            Placement::Suppressed(hold, until) => {
                let outcome = match hold {
                    Suppression::Silenced { .. } | Suppression::Maintenance { .. } => Outcome::Silenced,
                    _ => Outcome::Suppressed,
                };
                self.hold(id, signal, hold, until, past.is_some()).await?;
                return Ok(placed(None, outcome, None));
            }
        };
        self.let_go(&id).await?;
        let app = self.app;
        let asked = RequestMeta {
            actor: Actor::Monitor { source: signal.source.clone() },
            standing: Standing::Monitor,
            delivery: None,
            also: Batch::new(),
        };
        let number = self.numbers.next + self.opened;
        let fresh = app.clock.fresh_id();
        let mut context = app.context(&asked, fresh.clone(), number);
        context.tier = signal.asset.as_ref().and_then(|asset| {
            let graph = app.catalog.graph();
            graph.find(asset.as_str()).map(|node| graph.tier(node))
        });
        let working = uid.as_ref().and_then(|uid| self.cases.get_mut(uid));
        let decided = match working {
            Some(working) => {
                let command = Command::Receive { signal: signal.clone(), known: known.clone(), because, quiet };
                let decided = decide(working.lend(signal, known.as_ref()), &command, &context);
                if decided.is_err() {
                    working.take_back();
                }
                decided
            }
            None => open(&Opening::Receive { signal: Box::new(signal.clone()), because }, &context),
        };
        let decision = decided?;
        let opened = uid.is_none();
        let uid = decision.case.incident.uid.clone();
        let changed = !decision.entries.is_empty();
        let name = decision.case.incident.name();
        let alert = known.clone().unwrap_or_else(|| fresh.into());
        if opened {
            self.opened += 1;
        }
        let ttl = app
            .config
            .sources
            .iter()
            .find(|source| source.name == signal.source)
            .and_then(|source| source.resolve_after_minutes);
        if let (Some(minutes), SignalStatus::Firing) = (ttl, signal.status) {
            app.hear(id.as_str());
            if changed {
                let at = app.now() + chrono::Duration::minutes(minutes.into());
                self.jobs.push(Job::Expire {
                    source: signal.source.clone(),
                    key: signal.key.clone(),
                    since: app.now(),
                    at,
                });
            }
        }
        if known.is_none() {
            self.joined(signal, &uid, &alert);
        }
        self.came_or_went(signal, &decision).await?;
        match self.cases.get_mut(&uid) {
            Some(working) => working.go_on_with(decision),
            None => {
                self.cases.insert(uid, Working::new(None, decision));
            }
        }
        let outcome = match (signal.status, changed) {
            _ if opened => Outcome::Opened,
            (SignalStatus::Resolved, _) => Outcome::Resolved,
            (SignalStatus::Firing, true) if quiet && known.is_none() => Outcome::Inhibited,
            (SignalStatus::Firing, true) => Outcome::Attached,
            (SignalStatus::Firing, false) => Outcome::Repeated,
        };
        Ok(placed(Some(alert), outcome, Some(name)))
    }

    /// Remembers where a new alert went, for the signals that follow.
    fn joined(&mut self, signal: &Signal, uid: &IncidentId, alert: &AlertId) {
        self.by_key.insert((signal.source.clone(), signal.key.clone()), (uid.to_owned(), alert.to_owned()));
        for group in self.groups(signal) {
            self.by_group.entry(group).or_insert_with(|| (uid.to_owned(), true));
        }
        if let Some(asset) = &signal.asset {
            self.by_asset.insert(asset.clone(), (uid.to_owned(), signal.at));
            let node = self.app.catalog.graph().find(asset.as_str());
            if let (Some(node), Some(bad)) = (node, &mut self.bad) {
                bad.entry(node).or_insert_with(|| (uid.to_owned(), signal.at));
            }
        }
    }

    /// Counts how often an alert came and went. An alert that came only once is not written down.
    async fn came_or_went(&mut self, signal: &Signal, decision: &Decision) -> Result<(), Failure> {
        let limit = self.app.config.triage.flapping_changes;
        let came = decision.entries.iter().find_map(|entry| match &entry.event {
            Event::AlertsJoined { .. } => Some((None, entry.at)),
            Event::AlertFiredAgain { alert, .. } | Event::AlertResolved { alert, .. } => {
                Some((decision.case.alerts.get(alert).map(|alert| alert.first_seen), entry.at))
            }
            _ => None,
        });
        let Some((first, now)) = came.filter(|_| limit > 0) else { return Ok(()) };
        let id = Id::<Flap>::of(&signal.source, &signal.key);
        let (known, expect) = match self.flaps.get(&id).cloned() {
            Some(flap) => (flap.now, flap.expect),
            // Nothing is known of an alert that comes for the first time. That needs no look into the store.
            None if first.is_none() && self.app.models.flapping.read().get(id.as_str()).is_none() => return Ok(()),
            None => self.app.to_change(&id).await?,
        };
        let mut flap = match (known, first) {
            (Some(known), _) => known,
            (None, Some(first)) if self.app.may_watch_more() => Flap { times: vec![first] },
            (None, _) => return Ok(()),
        };
        flap.times.push(now);
        let more = flap.times.len().saturating_sub(limit);
        flap.times.drain(..more);
        self.flaps.insert(id, Changing { now: Some(flap), expect, changed: true });
        Ok(())
    }

    async fn find(&mut self, signal: &Signal, past: Option<&Suppression>) -> Result<Placement, Failure> {
        let flap = Id::<Flap>::of(&signal.source, &signal.key);
        if let Some((uid, alert)) = self.of_key(signal).await? {
            let because = JoinReason::SameKey;
            return Ok(Placement::In { uid, known: Some(alert), because, quiet: self.app.is_flapping(&flap) });
        }
        if signal.status == SignalStatus::Resolved {
            return Ok(Placement::Nowhere);
        }
        // If it is gone, the alert ended or somebody decided. A signal that is correlated again was suppressed only by its parent.
        let was_held =
            past.is_some_and(|past| !matches!(past, Suppression::Recovering { asset, .. } if asset.is_empty()));
        if was_held && self.is_held(&Id::<SuppressedAlert>::of(signal)).await?.0.is_none() {
            return Ok(Placement::Nowhere);
        }
        if let Some((hold, until)) = self.app.hidden(signal) {
            return Ok(Placement::Suppressed(hold, Some(until)));
        }
        let route = self.app.policy.route_of(signal);
        if route.is_some_and(|route| route.action == RouteAction::Ignore) {
            return Ok(Placement::Nowhere);
        }
        let join = |uid, because, quiet| Ok(Placement::In { uid, known: None, because, quiet });
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
        if !matches!(past, Some(Suppression::Recovering { .. }))
            && let Some((hold, until)) = self.recovering(signal)
        {
            return Ok(Placement::Suppressed(hold, Some(until)));
        }
        if !matches!(past, Some(Suppression::Flapping)) && self.app.is_flapping(&flap) {
            return Ok(Placement::Suppressed(Suppression::Flapping, Some(self.app.now() + self.app.calm_after())));
        }
        let asked = |hold: &Suppression| matches!(hold, Suppression::Pending | Suppression::AskingPerson);
        if let Some(route) = route {
            if route.action == RouteAction::Ask && !past.is_some_and(|hold| *hold == Suppression::AskingPerson) {
                return Ok(Placement::Suppressed(Suppression::AskingPerson, None));
            }
            if route.pending_minutes > 0 && !past.is_some_and(asked) {
                let until = self.app.now() + chrono::Duration::minutes(route.pending_minutes.into());
                return Ok(Placement::Suppressed(Suppression::Pending, Some(until)));
            }
        }
        Ok(Placement::New)
    }

    /// The open incident and the alert of the signal's key. Both are loaded into the round.
    async fn of_key(&mut self, signal: &Signal) -> Result<Option<(IncidentId, AlertId)>, Failure> {
        let by_key = match self.by_key.get(&(signal.source.clone(), signal.key.clone())) {
            Some(found) => Some(found.clone()),
            None => {
                let found = self.app.store.value(&Id::<AlertOfKey>::of(&signal.source, &signal.key)).await?;
                found.and_then(|found| Some((found.uid, found.alert?)))
            }
        };
        let Some((uid, alert)) = by_key else { return Ok(None) };
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
    fn groups(&self, signal: &Signal) -> Vec<String> {
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

    /// The suppressed alert of an id as this round leaves it, and what to expect of the record.
    async fn is_held(&self, id: &Id<SuppressedAlert>) -> Result<(Option<SuppressedAlert>, Expect), Failure> {
        match self.held.get(id).cloned() {
            Some(held) => Ok((held.now, held.expect)),
            None => self.app.to_change(id).await,
        }
    }

    /// Stops suppressing it. Returns whether it was suppressed.
    async fn let_go(&mut self, id: &Id<SuppressedAlert>) -> Result<bool, Failure> {
        let (held, expect) = self.is_held(id).await?;
        if held.is_some() {
            self.held.insert(id.clone(), Changing { now: None, expect, changed: true });
        }
        Ok(held.is_some())
    }

    /// Suppresses a signal. Doing the same again changes nothing.
    async fn hold(
        &mut self,
        id: Id<SuppressedAlert>,
        signal: &Signal,
        hold: Suppression,
        until: Option<Time>,
        again: bool,
    ) -> Result<(), Failure> {
        let (before, expect) = self.is_held(&id).await?;
        if let Some(before) = before.as_ref().filter(|before| !again && before.hold == hold) {
            // The incident that it opens in the end is as bad as the alert is by then.
            if signal.level > before.signal.level {
                let now = Some(SuppressedAlert { signal: signal.clone(), ..before.clone() });
                self.held.insert(id, Changing { now, expect, changed: true });
            }
            return Ok(());
        }
        let since = before.map_or_else(|| self.app.now(), |before| before.since);
        if let Some(at) = until {
            self.jobs.push(Job::Release { held: id.to_string(), at });
        }
        self.jobs.extend(self.app.told_of(&hold, signal, id.as_str(), &mut self.told));
        let now = Some(SuppressedAlert { signal: signal.clone(), hold, since, until });
        self.held.insert(id, Changing { now, expect, changed: true });
        Ok(())
    }

    /// Whether the incident is open. Loads it.
    async fn is_open(&mut self, uid: &IncidentId) -> Result<bool, Failure> {
        if self.missing.contains(uid) {
            return Ok(false);
        }
        if !self.cases.contains_key(uid) {
            // Others who decide on it wait until the round is written. Otherwise a flood would decide in vain again and again.
            self.turns.push(self.app.turns.of(uid).lock_owned().await);
            let Some(mut loaded) = decided::load(&self.app.store, uid, &Needs::default()).await? else {
                self.missing.insert(uid.to_owned());
                return Ok(false);
            };
            // The end of its last alert may end the incident, and everybody who was told hears of that.
            if loaded.case.incident.told > 0 {
                loaded.case.told = decided::told(&self.app.store, uid).await?;
            }
            let decision = Decision { entries: Vec::new(), case: loaded.case.clone(), effects: Vec::new() };
            self.cases.insert(uid.to_owned(), Working::new(Some(loaded), decision));
        }
        Ok(self.cases.get(uid).is_some_and(|working| working.decision.case.incident.status.is_open()))
    }

    /// What was placed since the last time, for writing, and the silences and windows that people are told of with it. Later signals go on from
    /// there, and must be written after this.
    pub(super) fn cut(&mut self) -> (Batch, Vec<String>) {
        let now = self.app.now();
        let mut batch = Batch::new();
        self.cases.values_mut().for_each(|working| working.cut(&mut batch, now));
        if self.opened > 0 {
            self.numbers = self.numbers.take(&mut batch, std::mem::take(&mut self.opened));
        }
        for (group, (uid, changed)) in &mut self.by_group {
            if std::mem::take(changed) {
                let found = AlertOfKey { uid: uid.clone(), alert: None };
                batch.put(&Id::<AlertOfKey>::of_group(group), Expect::Any, &found);
            }
        }
        self.held.iter_mut().for_each(|(id, held)| held.cut(&mut batch, id));
        self.flaps.iter_mut().for_each(|(id, flap)| flap.cut(&mut batch, id));
        for job in self.jobs.drain(..) {
            batch.enqueue(&self.app.errand(), job, now);
        }
        // The catalog may rename its assets before the next signal is placed.
        self.bad = None;
        let told = self.told[self.told_before..].to_vec();
        self.told_before = self.told.len();
        (batch, told)
    }

    /// Whether more can be placed before this is written. If an incident ended, or an alert came and went, later signals see it only after the
    /// read models know of it.
    pub(super) fn may_go_on(&self) -> bool {
        let ended = |working: &Working| {
            let was_open = working.before.as_ref().is_none_or(|before| before.case.incident.status.is_open());
            was_open && !working.decision.case.incident.status.is_open()
        };
        self.flaps.is_empty() && !self.cases.values().any(ended)
    }

    /// The order in which a round's signals are placed. New alerts start with the most upstream, so that one cause is one incident, whichever of
    /// its alerts came in first. Signals with the same key stay in their order of arrival.
    async fn upstream_first(&self, signals: &[(&Signal, Option<&Suppression>)]) -> Result<Vec<usize>, Failure> {
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

    /// Places signals. Each one sees what those before it did.
    pub(super) async fn place_all(&mut self, waiting: &[Waiting]) -> Result<Vec<Placed>, Failure> {
        let all = waiting.iter().flat_map(|one| one.signals.iter().map(|signal| (signal, one.past.as_ref())));
        let signals: Vec<_> = all.collect();
        let mut placed: Vec<Option<Placed>> = vec![None; signals.len()];
        for index in self.upstream_first(&signals).await? {
            let (signal, past) = signals[index];
            placed[index] = Some(self.place(signal, past).await?);
        }
        Ok(placed.into_iter().flatten().collect())
    }
}
