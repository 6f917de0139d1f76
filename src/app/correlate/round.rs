//! One round of signals: the incidents as this round and those before it in the same run leave them, and what must be written of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::queue::{Correlated, Outcome, Waiting};
use crate::app::decided::{self, Loaded, Numbers};
use crate::app::{App, Failure, RequestMeta};
use crate::domain::command::Opening;
use crate::domain::decide::open;
use crate::domain::incident::{Case, Notification};
use crate::domain::lineage::NodeId;
use crate::domain::needs::Needs;
use crate::domain::reason::JoinReason;
use crate::domain::suppression::{SuppressedAlert, Suppression};
use crate::domain::{Alert, AlertId, AssetName, Command, Decision, IncidentId, Signal, SignalStatus, Time, decide};
use crate::records::outbox::Job;
use crate::records::{AlertOfKey, Flap};
use crate::store::{Batch, Expect, Id, Record};

/// The turn to decide on an incident.
pub(super) type Turn = tokio::sync::OwnedMutexGuard<()>;

/// The state of incidents after this round and the rounds before it in the same run.
pub(super) struct Round<'a> {
    pub(super) app: &'a App,
    pub(super) cases: BTreeMap<IncidentId, Working>,
    pub(super) by_key: HashMap<(String, String), (IncidentId, AlertId)>,
    /// Incidents by asset, and since when it is bad.
    pub(super) by_asset: HashMap<AssetName, (IncidentId, Time)>,
    /// Incidents by `label=value`, and whether the entry must be written.
    pub(super) by_group: HashMap<String, (IncidentId, bool)>,
    /// What is bad in the graph, by open incident. Built on first use.
    pub(super) bad: Option<HashMap<NodeId, (IncidentId, Time)>>,
    suppressed: HashMap<Id<SuppressedAlert>, Changing<SuppressedAlert>>,
    flaps: HashMap<Id<Flap>, Changing<Flap>>,
    jobs: Vec<Job>,
    /// The silences and windows that are announced, once each, and how many of them were already handed over for writing.
    announced: Vec<String>,
    announced_before: usize,
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
pub(super) struct Working {
    before: Option<Loaded>,
    /// Without the alerts and the people who were told. A decision gets those only when it needs them.
    pub(super) decision: Decision,
    pub(super) alerts: BTreeMap<AlertId, Alert>,
    notified: BTreeMap<String, Notification>,
}

impl Working {
    /// An incident as a decision has made it, or as it is before the first one.
    fn new(before: Option<Loaded>, mut decision: Decision) -> Self {
        let alerts = std::mem::take(&mut decision.case.alerts);
        let notified = std::mem::take(&mut decision.case.notified);
        Self { before, decision, alerts, notified }
    }

    /// The case, with everything that a decision about a signal needs.
    fn lend(&mut self, signal: &Signal, known: Option<&AlertId>) -> &Case {
        let case = &mut self.decision.case;
        case.alerts.extend(known.and_then(|alert| self.alerts.remove_entry(alert)));
        if signal.status == SignalStatus::Resolved {
            case.notified = std::mem::take(&mut self.notified);
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
        self.notified.append(&mut self.decision.case.notified);
    }

    /// Writes what was decided since the last time. Later decisions go on from there.
    fn cut(&mut self, batch: &mut Batch, now: Time) {
        let decision = &mut self.decision;
        if decision.entries.is_empty() && decision.effects.is_empty() {
            return;
        }
        decision.case.alerts = std::mem::take(&mut self.alerts);
        decision.case.notified = std::mem::take(&mut self.notified);
        decided::write(batch, self.before.as_ref(), decision, now);
        decision.entries.clear();
        decision.effects.clear();
        self.take_back();
        let ver = self.before.as_ref().map_or(0, |before| before.ver) + 1;
        self.before = Some(Loaded { case: self.decision.case.clone(), ver });
    }
}

/// Where a signal belongs.
pub(super) enum Correlation {
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
    /// It fired before its own end, which came first.
    OldNews,
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
            suppressed: HashMap::new(),
            flaps: HashMap::new(),
            jobs: Vec::new(),
            announced: Vec::new(),
            announced_before: 0,
            missing: HashSet::new(),
            turns: Vec::new(),
            numbers,
            opened: 0,
        }
    }

    async fn correlate(&mut self, signal: &Signal, past: Option<&Suppression>) -> Result<Correlated, Failure> {
        let correlated =
            |id: Option<AlertId>, outcome, incident| Correlated { id, key: signal.key.clone(), outcome, incident };
        let id = Id::<SuppressedAlert>::of(signal);
        let (uid, known, because, quiet) = match self.find(signal, past).await? {
            Correlation::In { uid, known, because, quiet } => (Some(uid), known, because, quiet),
            Correlation::New => (None, None, JoinReason::Opened, false),
            Correlation::OldNews => return Ok(correlated(None, Outcome::Ignored, None)),
            Correlation::Nowhere => {
                // If the signal was suppressed, this ends it.
                let was_suppressed = self.stop_suppressing(&id).await?;
                let outcome = if was_suppressed { Outcome::Resolved } else { Outcome::Ignored };
                return Ok(correlated(None, outcome, None));
            }
            Correlation::Suppressed(because, until) => {
                let outcome = match because {
                    Suppression::Silenced { .. } | Suppression::Maintenance { .. } => Outcome::Silenced,
                    _ => Outcome::Suppressed,
                };
                self.suppress(id, signal, because, until, past.is_some()).await?;
                return Ok(correlated(None, outcome, None));
            }
        };
        self.stop_suppressing(&id).await?;
        let app = self.app;
        let request = RequestMeta::by_monitor(&signal.source, Batch::new());
        let number = self.numbers.next + self.opened;
        let fresh = app.clock.fresh_id();
        let mut context = app.context(&request, fresh.clone(), number);
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
        let ttl = app.config.source(&signal.source).and_then(|source| source.resolve_after_minutes);
        if let (Some(minutes), SignalStatus::Firing) = (ttl, signal.status) {
            app.hear(id.as_str());
            if changed {
                let (source, key, since) = (signal.source.clone(), signal.key.clone(), app.now());
                let at = since + chrono::Duration::minutes(minutes.into());
                self.jobs.push(Job::Expire { source, key, since, at });
            }
        }
        if known.is_none() {
            self.joined(signal, &uid, &alert);
        }
        self.count_flapping(signal, &decision).await?;
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
        Ok(correlated(Some(alert), outcome, Some(name)))
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
    async fn count_flapping(&mut self, signal: &Signal, decision: &Decision) -> Result<(), Failure> {
        let Some((first, now)) = self.app.came_or_went(decision) else { return Ok(()) };
        let id = Id::<Flap>::of(&signal.source, &signal.key);
        let (known, expect) = match self.flaps.get(&id).cloned() {
            Some(flap) => (flap.now, flap.expect),
            // Nothing is known of an alert that comes for the first time. That needs no look into the store.
            None if first.is_none() && self.app.models.flapping.read().get(id.as_str()).is_none() => return Ok(()),
            None => self.app.to_change(&id).await?,
        };
        if let Some(flap) = self.app.counted(known, first, now) {
            self.flaps.insert(id, Changing { now: Some(flap), expect, changed: true });
        }
        Ok(())
    }

    /// The suppressed alert of an id as this round leaves it, and what to expect of the record.
    pub(super) async fn suppressed_alert(
        &self,
        id: &Id<SuppressedAlert>,
    ) -> Result<(Option<SuppressedAlert>, Expect), Failure> {
        match self.suppressed.get(id).cloned() {
            Some(alert) => Ok((alert.now, alert.expect)),
            None => self.app.to_change(id).await,
        }
    }

    /// Stops suppressing it. Returns whether it was suppressed.
    async fn stop_suppressing(&mut self, id: &Id<SuppressedAlert>) -> Result<bool, Failure> {
        let (alert, expect) = self.suppressed_alert(id).await?;
        if alert.is_some() {
            self.suppressed.insert(id.clone(), Changing { now: None, expect, changed: true });
        }
        Ok(alert.is_some())
    }

    /// Suppresses a signal. Doing the same again changes nothing.
    async fn suppress(
        &mut self,
        id: Id<SuppressedAlert>,
        signal: &Signal,
        because: Suppression,
        until: Option<Time>,
        again: bool,
    ) -> Result<(), Failure> {
        let (before, expect) = self.suppressed_alert(&id).await?;
        if let Some(before) = before.as_ref().filter(|before| !again && before.because == because) {
            // The incident that it opens in the end is as bad as the alert is by then.
            if signal.level > before.signal.level {
                let now = Some(SuppressedAlert { signal: signal.clone(), ..before.clone() });
                self.suppressed.insert(id, Changing { now, expect, changed: true });
            }
            return Ok(());
        }
        let since = before.map_or_else(|| self.app.now(), |before| before.since);
        if let Some(at) = until {
            self.jobs.push(Job::Release { alert: id.to_string(), at });
        }
        self.jobs.extend(self.app.announcement_of(&because, signal, id.as_str(), &mut self.announced));
        let now = Some(SuppressedAlert { signal: signal.clone(), because, since, until });
        self.suppressed.insert(id, Changing { now, expect, changed: true });
        Ok(())
    }

    /// Whether the incident is open. Loads it.
    pub(super) async fn is_open(&mut self, uid: &IncidentId) -> Result<bool, Failure> {
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
            if loaded.case.incident.to_tell > 0 {
                loaded.case.notified = decided::notified(&self.app.store, uid).await?;
            }
            let decision = Decision { entries: Vec::new(), case: loaded.case.clone(), effects: Vec::new() };
            self.cases.insert(uid.to_owned(), Working::new(Some(loaded), decision));
        }
        Ok(self.cases.get(uid).is_some_and(|working| working.decision.case.incident.status.is_open()))
    }

    /// What was correlated since the last time, for writing, and the silences and windows that people are told of with it. Later signals go on from
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
        self.suppressed.iter_mut().for_each(|(id, alert)| alert.cut(&mut batch, id));
        self.flaps.iter_mut().for_each(|(id, flap)| flap.cut(&mut batch, id));
        for job in self.jobs.drain(..) {
            batch.enqueue(&self.app.errand(), job, now);
        }
        // The catalog may rename its assets before the next signal is correlated.
        self.bad = None;
        let announced = self.announced[self.announced_before..].to_vec();
        self.announced_before = self.announced.len();
        (batch, announced)
    }

    /// Whether more can be correlated before this is written. If an incident ended, or an alert came and went, later signals see it only after the
    /// read models know of it.
    pub(super) fn may_go_on(&self) -> bool {
        let ended = |working: &Working| {
            let was_open = working.before.as_ref().is_none_or(|before| before.case.incident.status.is_open());
            was_open && !working.decision.case.incident.status.is_open()
        };
        self.flaps.is_empty() && !self.cases.values().any(ended)
    }

    /// Places signals. Each one sees what those before it did.
    pub(super) async fn correlate_all(&mut self, waiting: &[Waiting]) -> Result<Vec<Correlated>, Failure> {
        let all = waiting.iter().flat_map(|one| one.signals.iter().map(|signal| (signal, one.past.as_ref())));
        let signals: Vec<_> = all.collect();
        let mut correlated: Vec<Option<Correlated>> = vec![None; signals.len()];
        for index in self.upstream_first(&signals).await? {
            let (signal, past) = signals[index];
            correlated[index] = Some(self.correlate(signal, past).await?);
        }
        Ok(correlated.into_iter().flatten().collect())
    }
}
