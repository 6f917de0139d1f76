//! The one thread that writes. It takes all waiting commits, checks their versions against the store and against what this round already
//! wrote, writes one batch, makes it durable, tells the follower, and only then answers everyone.
//!
//! With one writer, there is no race between check and write. With one flush for many commits, writing is fast. `flush_async` from many
//! tasks deadlocks in sled 0.34.7, so all writes go through this thread.

use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

use super::bytes::{Bytes, WriteError};
use super::queues::Queues;
use super::round::{Before, Request, Requests, Round, drain};
use super::{
    Answer, Backlog, CommitError, Engine, Expect, Follower, Kind, Millis, Op, QueueName, Raw, ReadError, Step, codec,
};
use crate::clock::Stopwatch;

/// If a write takes longer than this, `health` says so: operators must know that nothing can be saved.
const SLOW_SECONDS: f64 = 10.0;

/// What the committer and its callers share.
struct Shared {
    bytes: Arc<dyn Bytes>,
    queues: RwLock<Queues>,
    /// Why nothing can be written until the next start.
    failed: Mutex<Option<String>>,
    /// When the oldest waiting commit began to wait for the disk.
    writing: Mutex<Option<Stopwatch>>,
    /// How long it may take, in seconds.
    slow_seconds: f64,
    follower: RwLock<Option<Arc<dyn Follower>>>,
}

/// An engine built from raw ordered bytes and a committer thread.
pub struct Committed {
    requests: Requests,
    ending: Arc<Ending>,
    shared: Arc<Shared>,
}

/// The committer's thread, and the bytes that are closed after it.
struct Ending(Mutex<Option<std::thread::JoinHandle<()>>>, Arc<Shared>);

impl Ending {
    /// Waits for the committer, and then closes the bytes. The order is here and nowhere else.
    fn end(&self) -> anyhow::Result<()> {
        let mut committer = self.0.lock();
        let Some(committer) = committer.take() else { return Ok(()) };
        // If it panicked, it has already said what went wrong.
        let _ = committer.join();
        self.1.bytes.close()
    }
}

impl Drop for Committed {
    /// What is not closed in so many words, as after a failure, is closed here.
    fn drop(&mut self) {
        self.requests.close();
        if let Err(error) = self.ending.end() {
            tracing::warn!(error = %format!("{error:#}"), "the store was not closed cleanly; the next start checks all of it");
        }
    }
}

impl Committed {
    pub(super) fn start(bytes: Arc<dyn Bytes>) -> Result<Self, ReadError> {
        Self::start_watched(bytes, SLOW_SECONDS)
    }

    /// As [`Self::start`], with another limit for how long a write may take.
    fn start_watched(bytes: Arc<dyn Bytes>, slow_seconds: f64) -> Result<Self, ReadError> {
        let mut queues = Queues::default();
        // Leases of an earlier process no longer count: the engine is locked, so no other process holds them.
        let mut from = vec![Kind::Outbox as u8];
        loop {
            let page = bytes.range(&from, &[Kind::Outbox as u8 + 1], 1000)?;
            let Some((last, _)) = page.last() else { break };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &page {
                let (kind, id) = codec::parts(key)?;
                queues.put(kind, id, codec::read(key, value)?.0.queued.as_ref());
            }
        }
        let shared = Arc::new(Shared {
            bytes,
            queues: RwLock::new(queues),
            failed: Mutex::default(),
            writing: Mutex::default(),
            slow_seconds,
            follower: RwLock::default(),
        });
        let (requests, inbox) = Requests::queue();
        let committer = Committer(shared.clone());
        let committer = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || committer.run(inbox))
            .map_err(|error| ReadError::new(format!("no thread for the committer: {error}")))?;
        let ending = Arc::new(Ending(Mutex::new(Some(committer)), shared.clone()));
        Ok(Self { requests, ending, shared })
    }
}

/// Answers at once.
fn ready<'a, T: Send + 'a>(answer: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Engine for Committed {
    fn get<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Result<Option<Raw>, ReadError>> {
        let key = codec::key(kind, id);
        let read = self.shared.bytes.get(&key);
        ready(read.and_then(|value| value.map(|value| codec::decode(&key, &value)).transpose()))
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, ReadError>> {
        let end = if to.is_empty() { vec![kind as u8 + 1] } else { codec::key(kind, to) };
        let from = codec::key(kind, from);
        if from >= end {
            return ready(Ok(Vec::new()));
        }
        let page = self.shared.bytes.range(&from, &end, limit);
        ready(page.and_then(|page| page.iter().map(|(key, value)| codec::decode(key, value)).collect()))
    }

    fn commit(&self, ops: Vec<Op>) -> Answer<'_, Result<(), CommitError>> {
        Box::pin(self.requests.commit(ops))
    }

    fn claim<'a>(
        &'a self,
        lane: &'a str,
        now: Millis,
        lease: Millis,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, CommitError>> {
        Box::pin(async move {
            if self.shared.queues.read().next_due(lane).is_none_or(|due| due > now) {
                return Ok(Vec::new());
            }
            self.requests.claim(lane, now, lease, limit).await
        })
    }

    fn next_due<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Option<Millis>, ReadError>> {
        ready(Ok(self.shared.queues.read().next_due(lane)))
    }

    fn backlog<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Backlog, ReadError>> {
        ready(Ok(self.shared.queues.read().backlog(lane)))
    }

    fn waiting<'a>(&'a self, queue: &'a QueueName) -> Answer<'a, Result<usize, ReadError>> {
        ready(Ok(self.shared.queues.read().waiting(queue)))
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        *self.shared.follower.write() = Some(follower);
    }

    fn folder(&self) -> Option<&Path> {
        self.shared.bytes.folder()
    }

    fn figures(&self) -> Vec<(&'static str, u64)> {
        self.shared.bytes.figures()
    }

    fn close(&self) -> Answer<'_, anyhow::Result<()>> {
        self.requests.close();
        let ending = self.ending.clone();
        Box::pin(async move { tokio::task::spawn_blocking(move || ending.end()).await? })
    }

    fn health(&self) -> Result<(), String> {
        if let Some(why) = &*self.shared.failed.lock() {
            return Err(why.clone());
        }
        let writing = self.shared.writing.lock();
        if let Some(since) = writing.as_ref().map(Stopwatch::seconds).filter(|since| *since > self.shared.slow_seconds)
        {
            return Err(format!(
                "the disk has not answered a write for {since:.0} s; nothing can be saved until it does"
            ));
        }
        drop(writing);
        self.shared.bytes.room()
    }
}

struct Committer(Arc<Shared>);

impl Committer {
    fn run(&self, mut inbox: mpsc::Receiver<Request>) {
        while let Some(first) = inbox.blocking_recv() {
            *self.0.writing.lock() = Some(first.asked());
            let requests = drain(first, &mut inbox);
            self.round(requests);
            *self.0.writing.lock() = None;
        }
    }

    fn round(&self, requests: Vec<Request>) {
        let mut round = Round::default();
        let mut commits = Vec::new();
        let mut claims = Vec::new();
        let refuse = self.0.bytes.room().err();
        for request in requests {
            match request {
                Request::Commit { ops, answer, .. } => {
                    // A full disk refuses commits that would make the store grow. Commits that shrink it must still pass.
                    let result = match &refuse {
                        Some(why) if grows(&ops) && !drains(&ops) => Err(CommitError::Unavailable(why.clone())),
                        _ => round.apply(ops, |kind, id| self.stored(kind, id)),
                    };
                    commits.push((answer, result));
                }
                Request::Claim { lane, now, lease, limit, answer, .. } => {
                    let result = self.lease(&mut round, &lane, now, now + lease, limit);
                    claims.push((answer, result));
                }
            }
        }
        match self.write(&round) {
            Ok(()) => {}
            Err(WriteError::NoRoom(why)) => {
                tracing::error!(error = %why, "the store has no room; nothing of this was saved");
                for (answer, result) in commits {
                    let _ = answer.send(result.and(Err(CommitError::Unavailable(why.clone()))));
                }
                for (answer, result) in claims {
                    let _ = answer.send(result.and(Err(CommitError::Unavailable(why.clone()))));
                }
                return;
            }
            Err(WriteError::Broken(why)) => {
                // The promise is "2xx means on disk". After a failed write or sync, the state of the disk is unknown, and a second
                // sync may lie. So the process must stop. The next start recovers everything that was acknowledged.
                tracing::error!(error = %why, "the store cannot write. Muster stops, so that it acknowledges nothing that is not on disk");
                *self.0.failed.lock() = Some(why.clone());
                for (answer, _) in commits {
                    let _ = answer.send(Err(CommitError::Unavailable(why.clone())));
                }
                std::process::exit(70);
            }
        }
        for (answer, result) in commits {
            // If the caller gave up, nobody listens. The commit still counts.
            let _ = answer.send(result);
        }
        for (answer, result) in claims {
            let _ = answer.send(result);
        }
    }

    /// A record as it is stored.
    fn stored(&self, kind: Kind, id: &str) -> Result<Option<Before>, ReadError> {
        let key = codec::key(kind, id);
        let value = self.0.bytes.get(&key)?;
        let head = value.map(|value| codec::read(&key, &value).map(|(head, _)| head)).transpose()?;
        Ok(head.map(|head| Before { ver: head.ver, claims: head.claims }))
    }

    fn lease(
        &self,
        round: &mut Round,
        lane: &str,
        now: Millis,
        until: Millis,
        limit: usize,
    ) -> Result<Vec<Raw>, CommitError> {
        let ready = self.0.queues.read().ready(lane, now, limit);
        let unreadable = |error: ReadError| CommitError::Unavailable(error.to_string());
        let mut leased = Vec::new();
        for (kind, id) in ready {
            let key = codec::key(kind, &id);
            if let Some(value) = self.0.bytes.get(&key).map_err(unreadable)? {
                let raw = codec::decode(&key, &value).map_err(unreadable)?;
                leased.extend(round.lease(raw, until));
            }
        }
        Ok(leased)
    }

    fn write(&self, round: &Round) -> Result<(), WriteError> {
        if round.is_empty() {
            return Ok(());
        }
        let batch = round.writes().map(|(kind, id, entry)| {
            let value = entry.map(|entry| codec::encode(entry.ver, entry.claims, &entry.written));
            (codec::key(kind, id), value)
        });
        self.0.bytes.write(batch.collect())?;
        {
            let mut queues = self.0.queues.write();
            for (kind, id, entry) in round.writes().filter(|(kind, ..)| *kind == Kind::Outbox) {
                match entry {
                    Some(entry) => queues.put(kind, id, entry.written.queued.as_ref()),
                    None => queues.remove(kind, id),
                }
                if let Some(until) = entry.and_then(|entry| entry.leased_until) {
                    queues.lease(kind, id, until);
                }
            }
        }
        let follower = self.0.follower.read().clone();
        if let Some(follower) = follower {
            round.tell(&*follower);
        }
        Ok(())
    }
}

/// Whether a commit makes the store larger.
fn grows(ops: &[Op]) -> bool {
    ops.iter().any(|op| matches!(op.step, Step::Put(..) | Step::Ensure(_) | Step::Restore { .. }))
}

/// Whether a commit finishes an outbox entry, or puts it back. It must pass on a full disk. Otherwise the disk stays full, and an entry that was
/// tried waits for the end of its lease instead of its turn.
fn drains(ops: &[Op]) -> bool {
    ops.iter().any(|op| {
        op.kind == Kind::Outbox && matches!(op.step, Step::Del(_) | Step::End(_) | Step::Put(Expect::Ver(_), _))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::store::bytes::{Changes, Pair};
    use crate::store::{MemoryEngine, Store, Written};

    /// A disk that answers a write only when the test tells it to, and how.
    struct Gated {
        bytes: MemoryEngine,
        asked: mpsc::Sender<()>,
        answers: Mutex<mpsc::Receiver<Result<(), WriteError>>>,
    }

    impl Bytes for Gated {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
            self.bytes.get(key)
        }

        fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError> {
            self.bytes.range(from, to, limit)
        }

        fn write(&self, changes: Changes) -> Result<(), WriteError> {
            self.asked.send(()).expect("somebody listens");
            self.answers.lock().recv().expect("an answer")?;
            self.bytes.write(changes)
        }

        fn room(&self) -> Result<(), String> {
            Ok(())
        }
    }

    fn put(id: &str) -> Vec<Op> {
        let written = Written { queued: None, shape: 1, body: "{}".to_owned(), typed: None };
        vec![Op { kind: Kind::Meta, id: id.to_owned(), step: Step::Put(Expect::Absent, written) }]
    }

    #[test]
    fn what_ends_or_is_put_back_passes_on_a_full_disk() {
        let op = |step| Op { kind: Kind::Outbox, id: "x".to_owned(), step };
        let written = || Written { queued: None, shape: 1, body: "{}".to_owned(), typed: None };
        assert!(drains(&[op(Step::Del(Expect::Any))]) && drains(&[op(Step::End(1))]));
        assert!(drains(&[op(Step::Put(Expect::Ver(3), written()))]));
        assert!(!drains(&[op(Step::Put(Expect::Absent, written()))]) && !drains(&put("a")));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_sync_that_hangs_is_said_and_one_without_room_changes_nothing() {
        let (asked, was_asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let disk = Gated { bytes: MemoryEngine::default(), asked, answers: Mutex::new(answers) };
        let engine = Arc::new(Committed::start_watched(Arc::new(disk), 0.0).expect("it starts"));
        let store = Store::new(engine.clone());
        assert!(store.health().is_ok());
        let write = |id: &'static str| {
            let writing = engine.clone();
            let written = tokio::spawn(async move { writing.commit(put(id)).await });
            was_asked.recv().expect("it writes");
            written
        };
        let written = write("a");
        let said = store.health().expect_err("the disk has not answered");
        assert!(said.contains("has not answered a write"), "{said}");
        answer.send(Ok(())).expect("it waits");
        written.await.expect("it ends").expect("it is written");
        // The disk was full: nothing of this commit is stored, and the next one is written.
        let refused = write("b");
        answer.send(Err(WriteError::NoRoom("the disk is full".to_owned()))).expect("it waits");
        let refused = refused.await.expect("it ends").expect_err("there is no room");
        assert!(matches!(&refused, CommitError::Unavailable(why) if why == "the disk is full"), "{refused}");
        assert!(engine.get(Kind::Meta, "b").await.expect("it reads").is_none());
        let written = write("b");
        answer.send(Ok(())).expect("it waits");
        written.await.expect("it ends").expect("it is written");
        assert!(engine.get(Kind::Meta, "a").await.expect("it reads").is_some());
    }
}
