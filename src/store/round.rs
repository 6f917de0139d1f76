//! Decides what a round of commits writes, before anything is written. Every engine uses this. Engines differ in where they keep records and in
//! how they make a round durable.
//!
//! The queue in front of the writer is here too: the requests that wait for a round, and the answer if too many wait.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};

use super::{
    Change, CommitError, Expect, Follower, Kind, MAX_ID_BYTES, MAX_RECORD_BYTES, Millis, Op, Raw, ReadError, Step,
    Written, codec,
};

use crate::clock::Stopwatch;

/// How many commits may wait. Others are answered "unavailable", which becomes a 503.
pub(super) const WAITING: usize = 1024;

/// A request to the writer.
pub(super) enum Request {
    Commit {
        ops: Vec<Op>,
        asked: Stopwatch,
        answer: oneshot::Sender<Result<(), CommitError>>,
    },
    Claim {
        lane: String,
        now: Millis,
        lease: Millis,
        limit: usize,
        asked: Stopwatch,
        answer: oneshot::Sender<Result<Vec<Raw>, CommitError>>,
    },
}

impl Request {
    pub(super) fn asked(&self) -> Stopwatch {
        match self {
            Self::Commit { asked, .. } | Self::Claim { asked, .. } => *asked,
        }
    }
}

/// The sending end of the queue of requests. The writer stops when it is closed or dropped, after what was asked before.
pub(super) struct Requests(RwLock<Option<mpsc::Sender<Request>>>);

impl Requests {
    /// A queue: its sending end and its receiving end.
    pub(super) fn queue() -> (Self, mpsc::Receiver<Request>) {
        let (requests, inbox) = mpsc::channel(WAITING);
        (Self(RwLock::new(Some(requests))), inbox)
    }

    pub(super) fn close(&self) {
        *self.0.write() = None;
    }

    pub(super) async fn commit(&self, ops: Vec<Op>) -> Result<(), CommitError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Commit { ops, asked: Stopwatch::start(), answer }, answered).await
    }

    pub(super) async fn claim(
        &self,
        lane: &str,
        now: Millis,
        lease: Millis,
        limit: usize,
    ) -> Result<Vec<Raw>, CommitError> {
        let (answer, answered) = oneshot::channel();
        let asked = Stopwatch::start();
        self.ask(Request::Claim { lane: lane.to_owned(), now, lease, limit, asked, answer }, answered).await
    }

    async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<Result<T, CommitError>>,
    ) -> Result<T, CommitError> {
        let stopped = || CommitError::Unavailable("the store has stopped".to_owned());
        let sent = self.0.read().as_ref().ok_or_else(stopped)?.try_send(request);
        sent.map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Unavailable("too many writes wait".to_owned()),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// The first request, and all others that wait.
pub(super) fn drain(first: Request, inbox: &mut mpsc::Receiver<Request>) -> Vec<Request> {
    let mut requests = vec![first];
    while requests.len() < WAITING
        && let Ok(request) = inbox.try_recv()
    {
        requests.push(request);
    }
    requests
}

/// What is known about a record before a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) ver: u64,
    pub(super) claims: u32,
}

/// A record as it is after the round.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) ver: u64,
    pub(super) claims: u32,
    /// Until when it is leased, if this round leased it. Any other write ends a lease.
    pub(super) leased_until: Option<Millis>,
    pub(super) written: Written,
}

impl Entry {
    fn of(ver: u64, claims: u32, written: Written) -> Self {
        Self { ver, claims, leased_until: None, written }
    }
}

/// By kind and id, in the order of the keys; `None` if it was removed.
type Overlay = BTreeMap<(Kind, String), Option<Entry>>;

/// What a round will write.
#[derive(Debug, Default)]
pub(super) struct Round(Overlay);

impl Round {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to write, in the order of the keys; `None` if it is to be removed.
    pub(super) fn writes(&self) -> impl Iterator<Item = (Kind, &str, Option<&Entry>)> {
        self.0.iter().map(|((kind, id), entry)| (*kind, id.as_str(), entry.as_ref()))
    }

    /// Checks every step against what this round wrote already, or else against what is stored. Then it adds the whole commit to the round, or
    /// nothing.
    pub(super) fn apply(
        &mut self,
        ops: Vec<Op>,
        stored: impl Fn(Kind, &str) -> Result<Option<Before>, ReadError>,
    ) -> Result<(), CommitError> {
        let mut own = Overlay::default();
        for Op { kind, id, step } in ops {
            let key = (kind, id);
            let before = match step {
                // A record that is removed in any case need not be read.
                Step::Del(Expect::Any) => None,
                _ => match own.get(&key).or_else(|| self.0.get(&key)) {
                    Some(entry) => entry.as_ref().map(|entry| Before { ver: entry.ver, claims: entry.claims }),
                    None => stored(kind, &key.1).map_err(|error| CommitError::Unavailable(error.to_string()))?,
                },
            };
            let holds = match &step {
                Step::Put(expect, _) | Step::Del(expect) | Step::Check(expect) => match (expect, before) {
                    (Expect::Any, _) | (Expect::Absent, None) => true,
                    (Expect::Ver(ver), Some(before)) => before.ver == *ver,
                    (Expect::Absent, Some(_)) | (Expect::Ver(_), None) => false,
                },
                Step::Restore { .. } => before.is_none(),
                Step::Ensure(_) | Step::End(_) => true,
            };
            if !holds {
                return Err(CommitError::Conflict { kind, id: key.1 });
            }
            // A record that is overwritten in any case still needs its next version number.
            let next = before.map_or(0, |before| before.ver) + 1;
            let entry = match step {
                Step::Put(_, written) => Some(Entry::of(next, 0, written)),
                Step::Ensure(_) if before.is_some_and(|before| before.claims == 0) => continue,
                Step::Ensure(written) => Some(Entry::of(next, 0, written)),
                Step::Restore { ver, claims, written } => Some(Entry::of(ver, claims, written)),
                Step::Del(_) => None,
                Step::End(ver) if before.is_some_and(|before| before.ver == ver) => None,
                Step::End(_) | Step::Check(_) => continue,
            };
            if let Some(entry) = &entry {
                let queue = entry.written.queued.as_ref().map_or(0, |queued| queued.queue.as_str().len());
                if key.1.len() + queue > MAX_ID_BYTES {
                    let bytes = key.1.len() + queue;
                    return Err(CommitError::LongName { kind, id: key.1, bytes });
                }
                let bytes = codec::size(entry.ver, entry.claims, &entry.written) + key.1.len();
                if bytes > MAX_RECORD_BYTES {
                    return Err(CommitError::TooLarge { kind, id: key.1, bytes });
                }
            }
            own.insert(key, entry);
        }
        self.0.append(&mut own);
        Ok(())
    }

    /// Adds the lease of a record that can be claimed, and returns the leased record. `None` if this same round changed it: its new place
    /// in the queue is not known yet, so the next claim will find it.
    pub(super) fn lease(&mut self, mut raw: Raw, until: Millis) -> Option<Raw> {
        let key = (raw.kind, raw.id.clone());
        if self.0.contains_key(&key) {
            return None;
        }
        raw.ver += 1;
        raw.claims += 1;
        let written = Written { queued: raw.queued.clone(), shape: raw.shape, body: raw.body.clone(), typed: None };
        let entry = Entry { leased_until: Some(until), ..Entry::of(raw.ver, raw.claims, written) };
        self.0.insert(key, Some(entry));
        Some(raw)
    }

    /// Tells a follower about the writes that it follows.
    pub(super) fn tell(&self, follower: &dyn Follower) {
        let changes: Vec<_> = self
            .writes()
            .filter(|(kind, ..)| follower.follows(*kind))
            .map(|(kind, id, entry)| {
                let now = entry.map(|Entry { written, .. }| (written.shape, written.body.as_str()));
                let typed = entry.and_then(|Entry { written, .. }| written.typed.as_ref());
                Change { kind, id, now, typed }
            })
            .collect();
        if !changes.is_empty() {
            follower.apply(&changes);
        }
    }
}
