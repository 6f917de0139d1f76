//! Which incident an alert belongs to, decided in arrival order by one queue a process. Alerts that wait while one
//! commit is written are decided together in the next, so that a storm is not a storm of conflicts.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::records::{self, Loaded};
use super::{App, Asked, DeliveryId, Failure, MAX_TRIES};
use crate::domain::permission::Standing;
use crate::domain::{Actor, AssetName, Command, Decision, Signal, SignalStatus, decide};
use crate::store::{CommitError, Kind, Op};

/// How many signals one commit may decide.
const ROUND: usize = 256;
/// How many requests of one source may wait.
const MAX_WAITING: usize = 2000;

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It opened an incident.
    Opened,
    /// It joined one.
    Attached,
    /// It was known already.
    Repeated,
    /// It is over.
    Resolved,
    /// It is the end of something that is not open.
    Ignored,
}

/// What a monitor posted.
#[derive(Debug, Default)]
pub struct Posted {
    /// What it says.
    pub signals: Vec<Signal>,
    /// What tells this delivery from all others of its source.
    pub delivery: Option<String>,
    /// What else is written with it.
    pub also: Vec<Op>,
}

/// The answer to one signal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Placed {
    /// The alert's id; none for what was ignored.
    pub id: Option<String>,
    /// The monitor's key.
    pub key: String,
    /// What became of it.
    pub outcome: Became,
    /// The incident.
    pub incident: Option<String>,
}

/// What a round came to: the answers, what is written, and the decisions behind it.
type Decided = (Vec<Placed>, Vec<Op>, Vec<Decision>);

struct Waiting {
    signals: Vec<Signal>,
    also: Vec<Op>,
    answer: oneshot::Sender<Result<Vec<Placed>, Failure>>,
}

/// The queue.
#[derive(Default)]
pub(super) struct Triage {
    waiting: Mutex<Queues>,
    turn: tokio::sync::Mutex<()>,
}

/// What waits, by source: they take turns, so that a noisy one delays nobody else's page.
#[derive(Default)]
struct Queues {
    by_source: BTreeMap<String, VecDeque<Waiting>>,
    /// Who had the last turn.
    last: String,
}

impl Queues {
    fn push(&mut self, source: &str, one: Waiting) -> Result<(), Failure> {
        let queue = self.by_source.entry(source.to_owned()).or_default();
        if queue.len() >= MAX_WAITING {
            return Err(Failure::Unavailable(format!("{MAX_WAITING} requests of the source {source} wait already")));
        }
        queue.push_back(one);
        Ok(())
    }

    /// The next of all sources in turn, up to a round.
    fn take(&mut self) -> Vec<Waiting> {
        let mut round = Vec::new();
        let mut count = 0;
        while count < ROUND {
            let after = (std::ops::Bound::Excluded(self.last.clone()), std::ops::Bound::Unbounded);
            let next = self.by_source.range(after).next().or_else(|| self.by_source.iter().next());
            let Some(source) = next.map(|(source, _)| source.clone()) else {
                break;
            };
            let one = self.by_source.get_mut(&source).and_then(VecDeque::pop_front);
            if self.by_source.get(&source).is_some_and(VecDeque::is_empty) {
                self.by_source.remove(&source);
            }
            self.last = source;
            if let Some(one) = one {
                count += one.signals.len().max(1);
                round.push(one);
            }
        }
        round
    }
}

impl App {
    /// Takes signals in; durable when it answers.
    ///
    /// # Errors
    /// The store cannot write. Nothing of these signals was taken in then, or they are taken in again without harm.
    pub async fn receive(&self, source: &str, posted: Posted) -> Result<Vec<Placed>, Failure> {
        let Posted { mut signals, delivery, mut also } = posted;
        for signal in &mut signals {
            signal.asset = signal.asset.as_ref().map(|asset| self.catalog.known_as(asset));
        }
        let delivery = delivery.map(|delivery| DeliveryId(records::key_id(source, &delivery)));
        if let Some(delivery) = &delivery {
            if self.was_delivered(delivery)? {
                return signals.iter().map(|signal| self.placed_before(signal)).collect();
            }
            also.push(records::delivered(delivery, self.now()));
        }
        self.metrics.alerts.inc_by(signals.len() as u64);
        let mut placed = Vec::with_capacity(signals.len());
        let mut signals = signals.into_iter().peekable();
        loop {
            let chunk: Vec<_> = signals.by_ref().take(ROUND).collect();
            let last = signals.peek().is_none();
            // The delivery counts as done with its last part only.
            let also = if last { std::mem::take(&mut also) } else { Vec::new() };
            if !chunk.is_empty() || !also.is_empty() {
                placed.extend(self.receive_chunk(source, chunk, also).await?);
            }
            if last {
                return Ok(placed);
            }
        }
    }

    /// Whether a delivery came before, today or the two days before.
    fn was_delivered(&self, delivery: &DeliveryId) -> Result<bool, Failure> {
        for op in records::delivery_ops(delivery, self.now()) {
            let (kind, id, _) = op.key();
            if self.store.get(kind, id)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where a signal of a delivery that came before is.
    fn placed_before(&self, signal: &Signal) -> Result<Placed, Failure> {
        let rec = self.store.get(Kind::AlertKey, &records::key_id(&signal.source, &signal.key))?;
        let field = |name: &str| rec.as_ref().and_then(|rec| rec.body[name].as_str().map(str::to_owned));
        let incident = match field("uid") {
            Some(uid) => self.incident(&uid)?.map(|incident| incident.name()),
            None => None,
        };
        Ok(Placed { id: field("alert"), key: signal.key.clone(), outcome: Became::Repeated, incident })
    }

    async fn receive_chunk(&self, source: &str, signals: Vec<Signal>, also: Vec<Op>) -> Result<Vec<Placed>, Failure> {
        let (answer, mut answered) = oneshot::channel();
        self.triage
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(source, Waiting { signals, also, answer })?;
        // Whoever gets the turn decides for all that wait.
        let turn = self.triage.turn.lock().await;
        if let Ok(result) = answered.try_recv() {
            return result;
        }
        loop {
            let round = self.triage.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
            if round.is_empty() {
                break;
            }
            self.decide_round(round).await;
        }
        drop(turn);
        answered.await.unwrap_or_else(|_| Err(Failure::Unavailable("the alert's turn was lost".to_owned())))
    }

    async fn decide_round(&self, round: Vec<Waiting>) {
        let mut result = Err(Failure::Unavailable("too many changes at once".to_owned()));
        for _ in 0..MAX_TRIES {
            let signals = round.iter().flat_map(|waiting| &waiting.signals);
            let (placed, mut ops, decided) = match self.place_all(signals) {
                Ok(decided) => decided,
                Err(failure) => {
                    result = Err(failure);
                    break;
                }
            };
            ops.extend(round.iter().flat_map(|waiting| waiting.also.iter().cloned()));
            if ops.is_empty() {
                result = Ok(placed);
                break;
            }
            match self.store.commit(ops).await {
                Ok(_) => {
                    self.follow(&decided);
                    let opened = placed.iter().filter(|one| one.outcome == Became::Opened).count();
                    self.metrics.incidents.inc_by(opened as u64);
                    self.wake.notify_waiters();
                    result = Ok(placed);
                    break;
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => {
                    result = Err(Failure::Unavailable(error.to_string()));
                    break;
                }
            }
        }
        let mut placed = result.map(Vec::into_iter);
        for waiting in round {
            let answer = match &mut placed {
                Ok(placed) => Ok(placed.by_ref().take(waiting.signals.len()).collect()),
                Err(failure) => Err(failure.clone()),
            };
            // The monitor may have hung up; what is decided stands.
            let _ = waiting.answer.send(answer);
        }
    }

    /// Decides signals one after another, each seeing what the ones before it did.
    fn place_all<'a>(&self, signals: impl Iterator<Item = &'a Signal>) -> Result<Decided, Failure> {
        let mut round = Round {
            app: self,
            cases: BTreeMap::new(),
            by_key: HashMap::new(),
            by_asset: HashMap::new(),
            counter: self.next_number()?,
            opened: 0,
        };
        let mut placed = Vec::new();
        for signal in signals {
            placed.push(round.place(signal)?);
        }
        let ops = round.ops();
        Ok((placed, ops, round.cases.into_values().map(|working| working.decision).collect()))
    }
}

/// The state of incidents as this round leaves them.
struct Round<'a> {
    app: &'a App,
    cases: BTreeMap<String, Working>,
    by_key: HashMap<(String, String), (String, String)>,
    by_asset: HashMap<AssetName, String>,
    counter: (u64, Option<u64>),
    opened: u64,
}

/// One incident in the round: as it was stored, and all that was decided on it.
struct Working {
    before: Option<Loaded>,
    number: u64,
    decision: Decision,
}

impl Round<'_> {
    fn place(&mut self, signal: &Signal) -> Result<Placed, Failure> {
        let placed = |id: Option<String>, outcome, incident| Placed { id, key: signal.key.clone(), outcome, incident };
        let found = self.find(signal)?;
        if found.is_none() && signal.status == SignalStatus::Resolved {
            return Ok(placed(None, Became::Ignored, None));
        }
        let (uid, known, because) = match found {
            Some((uid, known, because)) => (Some(uid), known, because),
            None => (None, None, "it opened the incident".to_owned()),
        };
        if known.is_none() && signal.status == SignalStatus::Resolved {
            return Ok(placed(None, Became::Ignored, None));
        }
        let app = self.app;
        let asked = Asked {
            actor: Actor::Monitor { source: signal.source.clone() },
            standing: Standing::Monitor,
            delivery: None,
            also: Vec::new(),
        };
        let number = self.counter.0 + self.opened;
        let fresh = app.clock.fresh_id();
        let context = app.context(&asked, fresh.clone(), number);
        let case = uid.as_ref().and_then(|uid| self.cases.get(uid)).map(|working| &working.decision.case);
        let command = Command::Receive { signal: signal.clone(), known: known.clone(), because };
        let decision = decide(case, &command, &context)?;
        let opened = uid.is_none();
        let uid = decision.case.incident.uid.clone();
        let changed = !decision.entries.is_empty();
        let name = decision.case.incident.name();
        let id = known.clone().unwrap_or(fresh);
        if opened {
            self.opened += 1;
        }
        if known.is_none() {
            self.by_key.insert((signal.source.clone(), signal.key.clone()), (uid.clone(), id.clone()));
            if let Some(asset) = &signal.asset {
                self.by_asset.insert(asset.clone(), uid.clone());
            }
        }
        match self.cases.get_mut(&uid) {
            Some(working) => {
                working.decision.case = decision.case;
                working.decision.entries.extend(decision.entries);
                for effect in decision.effects {
                    // What shows the present state is needed once a commit.
                    if !effect.shows_present_state() || !working.decision.effects.contains(&effect) {
                        working.decision.effects.push(effect);
                    }
                }
            }
            None => {
                self.cases.insert(uid, Working { before: None, number, decision });
            }
        }
        let outcome = match (signal.status, changed) {
            _ if opened => Became::Opened,
            (SignalStatus::Resolved, _) => Became::Resolved,
            (SignalStatus::Firing, true) => Became::Attached,
            (SignalStatus::Firing, false) => Became::Repeated,
        };
        Ok(placed(Some(id), outcome, Some(name)))
    }

    /// The open incident of the signal's key, else of its asset; loaded into the round.
    fn find(&mut self, signal: &Signal) -> Result<Option<(String, Option<String>, String)>, Failure> {
        let store = &*self.app.store;
        let by_key = match self.by_key.get(&(signal.source.clone(), signal.key.clone())) {
            Some(found) => Some(found.clone()),
            None => store
                .get(Kind::AlertKey, &records::key_id(&signal.source, &signal.key))?
                .and_then(|rec| Some((rec.body["uid"].as_str()?.to_owned(), rec.body["alert"].as_str()?.to_owned()))),
        };
        if let Some((uid, alert)) = by_key
            && self.is_open(&uid)?
        {
            if let Some(working) = self.cases.get_mut(&uid)
                && !working.decision.case.alerts.contains_key(&alert)
                && let Some(found) = records::load_alert(store, &uid, &alert)?
            {
                working.decision.case.alerts.insert(alert.clone(), found);
            }
            return Ok(Some((uid, Some(alert), "same key".to_owned())));
        }
        let Some(asset) = &signal.asset else {
            return Ok(None);
        };
        let by_asset = match self.by_asset.get(asset) {
            Some(uid) => Some(uid.clone()),
            None => store.get(Kind::Asset, asset.as_str())?.and_then(|rec| rec.body["uid"].as_str().map(str::to_owned)),
        };
        match by_asset {
            Some(uid) if self.is_open(&uid)? => Ok(Some((uid, None, format!("same asset, {asset}")))),
            _ => Ok(None),
        }
    }

    /// Whether the incident is open; loads it.
    fn is_open(&mut self, uid: &str) -> Result<bool, Failure> {
        if !self.cases.contains_key(uid) {
            let Some(mut loaded) = records::load(&*self.app.store, uid, &Command::CheckCommander)? else {
                return Ok(false);
            };
            // The end of its last alert may be its end, which everybody who was told hears.
            if loaded.case.incident.told > 0 {
                loaded.case.told = records::load_told(&*self.app.store, uid)?;
            }
            let decision = Decision { entries: Vec::new(), case: loaded.case.clone(), effects: Vec::new() };
            let number = loaded.case.incident.number;
            self.cases.insert(uid.to_owned(), Working { before: Some(loaded), number, decision });
        }
        Ok(self.cases.get(uid).is_some_and(|working| working.decision.case.incident.status.is_open()))
    }

    fn ops(&self) -> Vec<Op> {
        let now = self.app.now();
        let mut ops: Vec<Op> = Vec::new();
        for working in self.cases.values() {
            ops.extend(records::ops(working.before.as_ref(), &working.decision, (working.number, self.counter.1), now));
        }
        // Several incidents of one round count once, up to the last number.
        let is_counter = |op: &Op| matches!(op, Op::Put { kind: Kind::Meta, .. });
        if self.opened > 1 {
            let last = self.counter.0 + self.opened - 1;
            let counter = ops.iter().find(|op| is_counter(op)).cloned();
            ops.retain(|op| !is_counter(op));
            if let Some(Op::Put { kind, id, expect, queued, .. }) = counter {
                ops.push(Op::Put { kind, id, expect, queued, body: serde_json::json!({"v": 1, "last": last}) });
            }
        }
        ops
    }
}
