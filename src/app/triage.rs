//! Which incident an alert belongs to, decided in arrival order by one queue a process. Alerts that wait while one
//! commit is written are decided together in the next, so that a storm is not a storm of conflicts. Where a signal belongs is
//! decided in `place`; what is held back is looked after in `held`.

mod held;
mod place;
mod verdicts;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::records;
use super::{App, DeliveryId, Failure, MAX_TRIES};
use crate::domain::lineage::NodeId;
use crate::domain::lineage::walk::Way;
use crate::domain::triage::Hold;
use crate::domain::{Decision, Signal, SignalStatus};
use crate::store::{CommitError, Kind, Op};
pub(super) use held::load_silences;
pub use held::{Flaps, silence_line};
use place::Round;
pub use verdicts::Record;

/// How many signals one commit may decide.
const ROUND: usize = 256;
/// How many requests of one source may wait.
const MAX_WAITING: usize = 2000;
/// Merged into one that was merged itself, and so on; nobody does it more often.
const MERGED_DEEP: usize = 8;

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
    /// A silence or a maintenance window hides it.
    Silenced,
    /// It joined the incident of what it is made of, which pages nobody again.
    Inhibited,
    /// It opens nothing yet.
    Held,
    /// It is the end of something that is not open, or its route says so.
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
    /// What these were held for until now.
    past: Option<Hold>,
    also: Vec<Op>,
    answer: oneshot::Sender<Result<Vec<Placed>, Failure>>,
}

/// The queue.
#[derive(Default)]
pub(super) struct Triage {
    waiting: Mutex<Queues>,
    turn: tokio::sync::Mutex<()>,
    silencing: tokio::sync::Mutex<()>,
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
                placed.extend(self.receive_chunk(source, chunk, None, also).await?);
            }
            if last {
                return Ok(placed);
            }
        }
    }

    /// Whether a delivery came before, today or the two days before.
    pub(super) fn was_delivered(&self, delivery: &DeliveryId) -> Result<bool, Failure> {
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

    async fn receive_chunk(
        &self,
        source: &str,
        signals: Vec<Signal>,
        past: Option<Hold>,
        also: Vec<Op>,
    ) -> Result<Vec<Placed>, Failure> {
        let (answer, mut answered) = oneshot::channel();
        self.triage
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(source, Waiting { signals, past, also, answer })?;
        // Whoever gets the turn decides for all that wait.
        let turn = self.triage.turn.lock().await;
        loop {
            // Whoever has an answer leaves the turn to the next: nobody waits for those who came later.
            if let Ok(result) = answered.try_recv() {
                return result;
            }
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
            let signals =
                round.iter().flat_map(|waiting| waiting.signals.iter().map(|signal| (signal, waiting.past.as_ref())));
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
                    self.note_changes(&decided);
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
    fn place_all<'a>(&self, signals: impl Iterator<Item = (&'a Signal, Option<&'a Hold>)>) -> Result<Decided, Failure> {
        let signals: Vec<_> = signals.collect();
        let mut round = Round::new(self, self.next_number()?);
        let mut placed: Vec<Option<Placed>> = vec![None; signals.len()];
        for index in self.upstream_first(&signals)? {
            let (signal, past) = signals[index];
            placed[index] = Some(round.place(signal, past)?);
        }
        let ops = round.ops();
        Ok((placed.into_iter().flatten().collect(), ops, round.decisions()))
    }

    /// The order in which a round's signals are placed: of what is new, the upstream first, so that one cause is one incident whichever of
    /// its alerts came in first. What has one key stays in the order in which it came.
    fn upstream_first(&self, signals: &[(&Signal, Option<&Hold>)]) -> Result<Vec<usize>, Failure> {
        let mut order: Vec<usize> = (0..signals.len()).collect();
        let mut fresh = HashMap::new();
        {
            let graph = self.catalog.graph();
            for (index, (signal, _)) in signals.iter().enumerate() {
                let node = signal.asset.as_ref().and_then(|asset| graph.find(asset.as_str()));
                if let Some(node) = node.filter(|_| signal.status == SignalStatus::Firing)
                    && self.store.get(Kind::AlertKey, &records::key_id(&signal.source, &signal.key))?.is_none()
                {
                    fresh.insert(index, node);
                }
            }
            let nodes: HashSet<NodeId> = fresh.values().copied().collect();
            if nodes.len() < 2 {
                return Ok(order);
            }
            let view = self.view(&graph);
            let above = |node: NodeId| {
                let met = view.walk_near(node, Way::Up, u32::MAX, place::MAX_WALK);
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
        }
        Ok(order)
    }
}
