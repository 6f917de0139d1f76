//! The alerts that wait for their turn, one queue per source, and the answer about each.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};

use crate::app::request::Failure;
use crate::domain::suppression::Suppression;
use crate::domain::{AlertId, Signal, Time};
use crate::store::Batch;

/// How many signals one commit may decide.
pub(in crate::app) const ROUND: usize = 256;
/// How many requests of one source may wait.
const MAX_WAITING: usize = 2000;

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
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
    #[serde(rename = "held")]
    Suppressed,
    /// It is the end of something that is not open, it fired before its own end, or its route says so.
    Ignored,
}

#[derive(Debug, Default)]
pub struct Posted {
    pub signals: Vec<Signal>,
    /// Tells this delivery from all others of its source.
    pub delivery: Option<String>,
    pub also: Batch,
}

/// The answer to one signal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Correlated {
    /// The alert's id; none for what was ignored.
    #[schema(value_type = Option<String>)]
    pub id: Option<AlertId>,
    /// The monitor's key.
    pub key: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The incident.
    pub incident: Option<String>,
}

pub(super) struct Waiting {
    pub(super) signals: Vec<Signal>,
    /// Why these were suppressed until now.
    pub(super) past: Option<Suppression>,
    pub(super) also: Batch,
    pub(super) answer: oneshot::Sender<Result<Vec<Correlated>, Failure>>,
}

/// The queue, and what only this process needs to remember about alerts.
pub(in crate::app) struct Correlator {
    waiting: Mutex<Queues>,
    /// Signals that something waits, or that the app is gone.
    pub(super) rounds: Arc<Notify>,
    pub(in crate::app) started: Time,
    /// The silences and windows that were announced, each only once.
    pub(in crate::app) announced: Mutex<BTreeMap<String, Time>>,
    /// When alerts of sources with `resolve_after_minutes` were last heard of.
    pub(in crate::app) heard: Mutex<HashMap<String, Time>>,
    pub(super) ends: Mutex<Ends>,
}

/// How many ends of unknown alerts are remembered.
const MAX_ENDS: usize = 10_000;

/// When alerts ended that Muster did not know, by the monitor's clock. Their firing may be on its way still.
#[derive(Default)]
pub(super) struct Ends {
    times: HashMap<(String, String), Time>,
    /// The keys in the order of arrival.
    order: VecDeque<(String, String)>,
}

impl Ends {
    pub(super) fn note(&mut self, signal: &Signal, now: Time) {
        let key = (signal.source.clone(), signal.key.clone());
        // A clock that goes ahead must not hide what fires after it.
        if self.times.insert(key.clone(), signal.at.min(now)).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MAX_ENDS {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.times.remove(&oldest));
        }
    }

    /// Whether a signal fired before its end.
    pub(super) fn is_after(&self, signal: &Signal) -> bool {
        let ended = self.times.get(&(signal.source.clone(), signal.key.clone()));
        ended.is_some_and(|ended| signal.at < *ended)
    }
}

impl Correlator {
    pub(in crate::app) fn new(started: Time) -> Self {
        Self {
            waiting: Mutex::default(),
            rounds: Arc::default(),
            started,
            announced: Mutex::default(),
            heard: Mutex::default(),
            ends: Mutex::default(),
        }
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, Queues> {
        self.waiting.lock()
    }
}

impl Drop for Correlator {
    fn drop(&mut self) {
        self.rounds.notify_one();
    }
}

/// What waits, by source. The sources take turns, so that a noisy one does not delay the pages of another.
#[derive(Default)]
pub(super) struct Queues {
    by_source: BTreeMap<String, VecDeque<Waiting>>,
    last: String,
}

impl Queues {
    pub(super) fn push(&mut self, source: &str, one: Waiting) -> Result<(), Failure> {
        let queue = self.by_source.entry(source.to_owned()).or_default();
        if queue.len() >= MAX_WAITING {
            return Err(Failure::Unavailable(format!("{MAX_WAITING} requests of the source {source} wait already")));
        }
        queue.push_back(one);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.by_source.values().map(VecDeque::len).sum()
    }

    /// The next signals of all sources in turn, at most one round of them.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        let mut round = Vec::new();
        let mut count = 0;
        while count < ROUND {
            let after = (std::ops::Bound::Excluded(self.last.clone()), std::ops::Bound::Unbounded);
            let next = self.by_source.range(after).next().or_else(|| self.by_source.iter().next());
            let Some(source) = next.map(|(source, _)| source.clone()) else { break };
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
