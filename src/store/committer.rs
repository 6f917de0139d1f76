//! The one thread that writes. It drains what waits, checks versions against the store and what this round already
//! wrote, writes one batch, makes it durable, and only then answers everyone.
//!
//! One writer means no race between check and write; one flush for many commits means speed. `flush_async` from many
//! tasks deadlocks in sled 0.34.7, so there is no other way to write.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{mpsc, oneshot};

use super::queues::Queues;
use super::{Answer, CommitError, Engine, Expect, Kind, MAX_RECORD_BYTES, Millis, Op, ReadError, Rec, codec};

/// How many commits may wait; more are answered "unavailable", which becomes a 503.
const WAITING: usize = 1024;

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Raw bytes under ordered keys: all that an engine must bring.
pub(super) trait Bytes: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;
    /// Keys and values from `from` up to, not including, `to`.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError>;
    /// Writes all of it, durably. After an error nothing can be believed any more.
    fn write(&self, batch: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<(), String>;
    /// Whether there is room to write.
    fn room(&self) -> Result<(), String>;
    /// A folder for what can be made again; `None` where nothing is kept in files.
    fn folder(&self) -> Option<&Path> {
        None
    }
    /// Figures an operator watches.
    fn figures(&self) -> Vec<(&'static str, u64)>;
}

enum Request {
    Commit {
        ops: Vec<Op>,
        answer: oneshot::Sender<Result<Vec<u64>, CommitError>>,
    },
    Claim {
        lane: String,
        now: Millis,
        lease: Millis,
        limit: usize,
        answer: oneshot::Sender<Result<Vec<Rec>, CommitError>>,
    },
}

/// An engine made of raw ordered bytes and a committer thread.
pub struct Committed {
    bytes: Arc<dyn Bytes>,
    queues: Arc<RwLock<Queues>>,
    requests: mpsc::Sender<Request>,
    failed: Arc<Mutex<Option<String>>>,
}

impl Committed {
    pub(super) fn start(bytes: Arc<dyn Bytes>) -> Result<Self, ReadError> {
        let mut queues = Queues::default();
        // Leases of an earlier process are void: the engine is locked, so nobody else holds them.
        for (key, value) in bytes.range(&[Kind::Outbox as u8], &[Kind::Outbox as u8 + 1], usize::MAX)? {
            let rec = decode(&key, &value)?;
            queues.put(rec.kind, &rec.id, rec.queued.as_ref());
        }
        let queues = Arc::new(RwLock::new(queues));
        let failed = Arc::new(Mutex::new(None));
        let (requests, inbox) = mpsc::channel(WAITING);
        let committer = Committer { bytes: bytes.clone(), queues: queues.clone(), failed: failed.clone() };
        std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || committer.run(inbox))
            .map_err(|error| ReadError(format!("no thread for the committer: {error}")))?;
        Ok(Self { bytes, queues, requests, failed })
    }

    async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<Result<T, CommitError>>,
    ) -> Result<T, CommitError> {
        self.requests.try_send(request).map_err(|_| CommitError::Unavailable("too many writes wait".to_owned()))?;
        answer.await.unwrap_or_else(|_| Err(CommitError::Unavailable("the store has stopped".to_owned())))
    }
}

fn decode(key: &[u8], value: &[u8]) -> Result<Rec, ReadError> {
    let (kind, id) = key.split_first().ok_or_else(|| ReadError("a record without a key".to_owned()))?;
    let kind = Kind::ALL
        .into_iter()
        .find(|known| *known as u8 == *kind)
        .ok_or_else(|| ReadError(format!("a record of the unknown kind {kind}; was it written by a newer Muster?")))?;
    let id = std::str::from_utf8(id).map_err(|_| ReadError("a record's id is no text".to_owned()))?;
    codec::decode(kind, id, value)
}

impl Engine for Committed {
    fn get(&self, kind: Kind, id: &str) -> Result<Option<Rec>, ReadError> {
        self.bytes.get(&codec::key(kind, id))?.map(|value| codec::decode(kind, id, &value)).transpose()
    }

    fn scan(&self, kind: Kind, from: &str, to: &str, limit: usize) -> Result<Vec<Rec>, ReadError> {
        let end = if to.is_empty() { vec![kind as u8 + 1] } else { codec::key(kind, to) };
        let from = codec::key(kind, from);
        if from >= end {
            return Ok(Vec::new());
        }
        self.bytes.range(&from, &end, limit)?.iter().map(|(key, value)| decode(key, value)).collect()
    }

    fn texts(
        &self,
        kind: Kind,
        from: &str,
        limit: usize,
        each: &mut dyn FnMut(&str),
    ) -> Result<Option<String>, ReadError> {
        let page = self.bytes.range(&codec::key(kind, from), &[kind as u8 + 1], limit)?;
        for (key, value) in &page {
            each(codec::body(key, value)?);
        }
        let last = page.last().filter(|_| page.len() == limit);
        Ok(last.map(|(key, _)| String::from_utf8_lossy(&key[1..]).into_owned()))
    }

    fn commit(&self, ops: Vec<Op>) -> Answer<'_, Result<Vec<u64>, CommitError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            self.ask(Request::Commit { ops, answer }, answered).await
        })
    }

    fn claim(&self, lane: &str, now: Millis, lease: Millis, limit: usize) -> Answer<'_, Result<Vec<Rec>, CommitError>> {
        let lane = lane.to_owned();
        Box::pin(async move {
            if self.next_due(&lane).is_none_or(|due| due > now) {
                return Ok(Vec::new());
            }
            let (answer, answered) = oneshot::channel();
            self.ask(Request::Claim { lane, now, lease, limit, answer }, answered).await
        })
    }

    fn next_due(&self, lane: &str) -> Option<Millis> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).next_due(lane)
    }

    fn backlog(&self, lane: &str) -> (usize, Option<Millis>) {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).backlog(lane)
    }

    fn folder(&self) -> Option<&Path> {
        self.bytes.folder()
    }

    fn figures(&self) -> Vec<(&'static str, u64)> {
        self.bytes.figures()
    }

    fn health(&self) -> Result<(), String> {
        if let Some(why) = &*self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(why.clone());
        }
        self.bytes.room()
    }
}

struct Committer {
    bytes: Arc<dyn Bytes>,
    queues: Arc<RwLock<Queues>>,
    failed: Arc<Mutex<Option<String>>>,
}

/// What a round has decided to write, before it is written.
#[derive(Default)]
struct Round {
    overlay: HashMap<(Kind, String), Option<Rec>>,
    leases: Vec<(Kind, String, Millis)>,
}

impl Committer {
    fn run(&self, mut inbox: mpsc::Receiver<Request>) {
        while let Some(first) = inbox.blocking_recv() {
            let mut requests = vec![first];
            while requests.len() < WAITING
                && let Ok(request) = inbox.try_recv()
            {
                requests.push(request);
            }
            self.round(requests);
        }
    }

    fn round(&self, requests: Vec<Request>) {
        let mut round = Round::default();
        let mut commits = Vec::new();
        let mut claims = Vec::new();
        let refuse = self.bytes.room().err();
        for request in requests {
            match request {
                Request::Commit { ops, answer } => {
                    // A full disk refuses what would grow the store; what shrinks it must still pass.
                    let grows = ops.iter().any(|op| matches!(op, Op::Put { .. }));
                    let result = match &refuse {
                        Some(why) if grows && !drains(&ops) => Err(CommitError::Unavailable(why.clone())),
                        _ => self.apply(&mut round, &ops),
                    };
                    commits.push((answer, result));
                }
                Request::Claim { lane, now, lease, limit, answer } => {
                    let result = self.lease(&mut round, &lane, now, now + lease, limit);
                    claims.push((answer, result));
                }
            }
        }
        if let Err(why) = self.write(&round) {
            // The promise is "2xx means on disk". After a failed write or sync nobody knows what is on disk, and a second
            // sync may lie, so the process must not go on; the next start recovers what was acknowledged.
            tracing::error!(error = %why, "the store cannot write; stopping, so that nothing is acknowledged that is not on disk");
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
            for (answer, _) in commits {
                let _ = answer.send(Err(CommitError::Unavailable(why.clone())));
            }
            std::process::exit(70);
        }
        for (answer, result) in commits {
            // Nobody listens any more when a request was given up; the commit stands all the same.
            let _ = answer.send(result);
        }
        for (answer, result) in claims {
            let _ = answer.send(result);
        }
    }

    fn current(&self, round: &Round, kind: Kind, id: &str) -> Result<Option<Rec>, CommitError> {
        if let Some(rec) = round.overlay.get(&(kind, id.to_owned())) {
            return Ok(rec.clone());
        }
        let bytes =
            self.bytes.get(&codec::key(kind, id)).map_err(|error| CommitError::Unavailable(error.to_string()))?;
        bytes
            .map(|value| codec::decode(kind, id, &value))
            .transpose()
            .map_err(|error| CommitError::Unavailable(error.to_string()))
    }

    /// Checks every op and adds the commit to the round, or adds nothing.
    fn apply(&self, round: &mut Round, ops: &[Op]) -> Result<Vec<u64>, CommitError> {
        let mut own = Round::default();
        let mut versions = Vec::with_capacity(ops.len());
        for op in ops {
            let (kind, id, expect) = op.key();
            let key = (kind, id.to_owned());
            let current = match own.overlay.get(&key) {
                Some(rec) => rec.clone(),
                None => self.current(round, kind, id)?,
            };
            let holds = match (expect, &current) {
                (Expect::Any, _) | (Expect::Absent, None) => true,
                (Expect::Ver(ver), Some(rec)) => rec.ver == ver,
                (Expect::Absent, Some(_)) | (Expect::Ver(_), None) => false,
            };
            if !holds {
                return Err(CommitError::Conflict { kind, id: id.to_owned() });
            }
            let ver = current.as_ref().map_or(0, |rec| rec.ver);
            match op {
                Op::Put { .. } | Op::Restore(_) => {
                    let rec = match op {
                        Op::Restore(rec) => rec.clone(),
                        Op::Put { queued, body, .. } => Rec {
                            kind,
                            id: id.to_owned(),
                            ver: ver + 1,
                            queued: queued.clone(),
                            claims: 0,
                            body: body.clone(),
                        },
                        Op::Del { .. } | Op::Check { .. } => continue,
                    };
                    let bytes = codec::encode(&rec).len() + id.len();
                    if bytes > MAX_RECORD_BYTES {
                        return Err(CommitError::TooLarge { kind, id: id.to_owned(), bytes });
                    }
                    versions.push(rec.ver);
                    own.overlay.insert(key, Some(rec));
                }
                Op::Del { .. } => {
                    own.overlay.insert(key, None);
                    versions.push(0);
                }
                Op::Check { .. } => versions.push(ver),
            }
        }
        round.overlay.extend(own.overlay);
        Ok(versions)
    }

    fn lease(
        &self,
        round: &mut Round,
        lane: &str,
        now: Millis,
        until: Millis,
        limit: usize,
    ) -> Result<Vec<Rec>, CommitError> {
        let ready = self.queues.read().unwrap_or_else(PoisonError::into_inner).ready(lane, now, limit);
        let mut leased = Vec::new();
        for (kind, id) in ready {
            // Changed in this very round: its place in the queue is not known yet, the next claim will see it.
            if round.overlay.contains_key(&(kind, id.clone())) {
                continue;
            }
            if let Some(mut rec) = self.current(round, kind, &id)? {
                rec.ver += 1;
                rec.claims += 1;
                round.overlay.insert((kind, id.clone()), Some(rec.clone()));
                round.leases.push((kind, id, until));
                leased.push(rec);
            }
        }
        Ok(leased)
    }

    fn write(&self, round: &Round) -> Result<(), String> {
        if round.overlay.is_empty() {
            return Ok(());
        }
        let batch = round
            .overlay
            .iter()
            .map(|((kind, id), rec)| (codec::key(*kind, id), rec.as_ref().map(codec::encode)))
            .collect();
        self.bytes.write(&batch)?;
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        for ((kind, id), rec) in &round.overlay {
            match rec {
                Some(rec) => queues.put(*kind, id, rec.queued.as_ref()),
                None => queues.remove(*kind, id),
            }
        }
        for (kind, id, until) in &round.leases {
            queues.lease(*kind, id, *until);
        }
        Ok(())
    }
}

/// Whether a commit finishes something of the outbox: it must pass on a full disk, or the disk stays full.
fn drains(ops: &[Op]) -> bool {
    ops.iter().any(|op| matches!(op, Op::Del { kind: Kind::Outbox, .. }))
}
