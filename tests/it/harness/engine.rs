//! An engine between a bot and its store, where a story says what goes wrong: what is refused, whose answer is held back, what is ill, and
//! where somebody else was first.

use std::path::Path;
use std::sync::{Arc, Mutex};

use muster::store::{
    Answer, Backlog, CommitError, Engine, Expect, Follower, Kind, Millis, Op, QueueName, Raw, ReadError, Record, Step,
    Store, Written,
};
use tokio::sync::watch;

/// What somebody else makes of a record.
type Meddling = Box<dyn FnOnce(Option<Raw>) -> Step + Send>;

type Refusal = Box<dyn Fn(&[Op]) -> Option<CommitError> + Send + Sync>;

pub struct Between {
    behind: Store,
    refuses: Mutex<Option<Refusal>>,
    /// Somebody else is first, once, at a record of a kind whose id holds some words.
    first: Mutex<Option<(Kind, String, Meddling)>>,
    ill: Mutex<Option<String>>,
    held: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
    kept_back: watch::Sender<bool>,
    asked: watch::Sender<usize>,
    read: watch::Sender<Vec<(Kind, String)>>,
}

impl Between {
    /// In front of a store.
    pub fn of(behind: Store) -> Arc<Self> {
        let (refuses, first, ill) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (held, kept_back) = (watch::Sender::new(false), watch::Sender::new(false));
        let (waiting, asked, read) = (watch::Sender::new(0), watch::Sender::new(0), watch::Sender::default());
        Arc::new(Self { behind, refuses, first, ill, held, waiting, kept_back, asked, read })
    }

    /// What this refuses is not written.
    pub fn refuse(&self, what: impl Fn(&[Op]) -> Option<CommitError> + Send + Sync + 'static) {
        *self.refuses.lock().unwrap() = Some(Box::new(what));
    }

    /// Before the next commit that writes such a record, it becomes another, or goes.
    pub fn next<T: Record>(&self, id: &str, change: impl FnOnce(Option<T>) -> Option<T> + Send + 'static) {
        let meddling: Meddling = Box::new(|raw| {
            let before = raw.map(|raw| serde_json::from_str(&raw.body).unwrap());
            match change(before) {
                Some(now) => {
                    let body = serde_json::to_string(&now).unwrap();
                    Step::Put(Expect::Any, Written { queued: None, shape: T::SHAPE, body, typed: None })
                }
                None => Step::Del(Expect::Any),
            }
        });
        *self.first.lock().unwrap() = Some((T::KIND, id.to_owned(), meddling));
    }

    #[track_caller]
    pub fn was_first(&self) {
        assert!(self.first.lock().unwrap().is_none(), "nothing of the kind was written");
    }

    fn meddle(&self, ops: &[Op]) -> Option<(Kind, String, Meddling)> {
        let mut first = self.first.lock().unwrap();
        let (kind, words, _) = first.as_ref()?;
        let writes = |op: &&Op| matches!(op.step, Step::Put(..) | Step::Del(_)) && op.kind == *kind;
        let id = ops.iter().filter(writes).find(|op| op.id.contains(words))?.id.clone();
        first.take().map(|(kind, _, meddling)| (kind, id, meddling))
    }

    /// Why nothing can be written, as the store says it.
    pub fn is_ill(&self, why: Option<&str>) {
        *self.ill.lock().unwrap() = why.map(str::to_owned);
    }

    /// Commits are written, and nobody hears of it while this is so.
    pub fn hold_answers(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Commits are not written yet while this is so.
    pub fn keep_back(&self, kept_back: bool) {
        self.kept_back.send_replace(kept_back);
    }

    /// Comes back when so many commits were kept back.
    pub async fn keeps_back(&self, count: usize) {
        self.asked.subscribe().wait_for(|asked| *asked >= count).await.unwrap();
    }

    /// Comes back when a record of a kind whose id holds some words was asked for.
    pub async fn is_asked_for(&self, kind: Kind, words: &str) {
        let read = |read: &Vec<(Kind, String)>| read.iter().any(|(of, id)| *of == kind && id.contains(words));
        self.read.subscribe().wait_for(read).await.unwrap();
    }

    /// Comes back when so many commits wait for their answers.
    pub async fn holds(&self, count: usize) {
        self.waiting.subscribe().wait_for(|waiting| *waiting >= count).await.unwrap();
    }

    fn inner(&self) -> &dyn Engine {
        self.behind.engine()
    }
}

impl Engine for Between {
    fn get<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Result<Option<Raw>, ReadError>> {
        self.read.send_modify(|read| read.push((kind, id.to_owned())));
        self.inner().get(kind, id)
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, ReadError>> {
        self.inner().scan(kind, from, to, limit)
    }

    fn commit(&self, ops: Vec<Op>) -> Answer<'_, Result<(), CommitError>> {
        Box::pin(async move {
            if *self.kept_back.borrow() {
                self.asked.send_modify(|asked| *asked += 1);
                self.kept_back.subscribe().wait_for(|kept_back| !kept_back).await.unwrap();
            }
            if let Some(error) = self.refuses.lock().unwrap().as_ref().and_then(|refuses| refuses(&ops)) {
                return Err(error);
            }
            if let Some((kind, id, meddling)) = self.meddle(&ops) {
                let before = self.inner().get(kind, &id).await.unwrap();
                self.inner().commit(vec![Op { kind, id, step: meddling(before) }]).await.unwrap();
            }
            let answer = self.inner().commit(ops).await;
            if *self.held.borrow() {
                self.waiting.send_modify(|waiting| *waiting += 1);
                self.held.subscribe().wait_for(|held| !held).await.unwrap();
            }
            answer
        })
    }

    fn claim<'a>(
        &'a self,
        lane: &'a str,
        now: Millis,
        lease: Millis,
        limit: usize,
    ) -> Answer<'a, Result<Vec<Raw>, CommitError>> {
        self.inner().claim(lane, now, lease, limit)
    }

    fn next_due<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Option<Millis>, ReadError>> {
        self.inner().next_due(lane)
    }

    fn backlog<'a>(&'a self, lane: &'a str) -> Answer<'a, Result<Backlog, ReadError>> {
        self.inner().backlog(lane)
    }

    fn waiting<'a>(&'a self, queue: &'a QueueName) -> Answer<'a, Result<usize, ReadError>> {
        self.inner().waiting(queue)
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        self.inner().follow(follower);
    }

    fn figures(&self) -> Vec<(&'static str, u64)> {
        self.inner().figures()
    }

    fn folder(&self) -> Option<&Path> {
        self.inner().folder()
    }

    fn close(&self) -> Answer<'_, anyhow::Result<()>> {
        self.inner().close()
    }

    fn health(&self) -> Result<(), String> {
        match &*self.ill.lock().unwrap() {
            Some(why) => Err(why.clone()),
            None => self.inner().health(),
        }
    }
}
