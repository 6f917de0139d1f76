//! One conformance suite for every engine, and export and import. `postgres` runs the same against a database.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use muster::store::{
    Backlog, Batch, Change, CommitError, Engine, Expect, Follower, Id, Kind, MAX_RECORD_BYTES, MemoryEngine, Op,
    QueueName, Queued, Range, Raw, Record, Step, Store, Written, sled, transfer,
};
use serde::{Deserialize, Serialize};

pub fn written(queued: Option<Queued>, body: &str) -> Written {
    Written { queued, shape: 1, body: body.to_owned(), typed: None }
}

pub fn op(kind: Kind, id: &str, step: Step) -> Op {
    Op { kind, id: id.to_owned(), step }
}

pub fn put(id: &str, expect: Expect, body: &str) -> Op {
    op(Kind::Meta, id, Step::Put(expect, written(None, body)))
}

pub fn queued(id: &str, lane: &str, of: &str, due: i64) -> Op {
    let place = Queued { queue: QueueName::new(lane, of), due };
    op(Kind::Outbox, id, Step::Put(Expect::Absent, written(Some(place), "{}")))
}

pub fn ids(records: &[Raw]) -> Vec<&str> {
    records.iter().map(|raw| raw.id.as_str()).collect()
}

/// Everything of some kinds.
pub async fn all(engine: &dyn Engine, kinds: &[Kind]) -> Vec<Raw> {
    let mut all = Vec::new();
    for kind in kinds {
        all.extend(engine.scan(*kind, "", "", usize::MAX).await.unwrap());
    }
    all
}

type Notification = (Kind, String, Option<(u32, String)>);

/// A follower that remembers what it was told, and holds what that comes to.
#[derive(Default)]
pub struct Listener {
    pub kinds: Vec<Kind>,
    pub told: Mutex<Vec<Vec<Notification>>>,
    pub view: Mutex<BTreeMap<(Kind, String), String>>,
    pub lost: Mutex<usize>,
}

impl Listener {
    pub fn of(kinds: &[Kind]) -> Arc<Self> {
        Arc::new(Self { kinds: kinds.to_vec(), ..Self::default() })
    }

    pub fn take(&self) -> Vec<Vec<Notification>> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    pub fn has(&self, kind: Kind, id: &str) -> Option<String> {
        self.view.lock().unwrap().get(&(kind, id.to_owned())).cloned()
    }
}

impl Follower for Listener {
    fn follows(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    fn apply(&self, changes: &[Change<'_>]) {
        let owned = |change: &Change<'_>| {
            (change.kind, change.id.to_owned(), change.now.map(|(shape, body)| (shape, body.to_owned())))
        };
        let mut view = self.view.lock().unwrap();
        for change in changes {
            assert!(self.follows(change.kind), "{:?} is not followed", change.kind);
            match change.now {
                Some((_, body)) => view.insert((change.kind, change.id.to_owned()), body.to_owned()),
                None => view.remove(&(change.kind, change.id.to_owned())),
            };
        }
        drop(view);
        self.told.lock().unwrap().push(changes.iter().map(owned).collect());
    }

    fn lost(&self) {
        *self.lost.lock().unwrap() += 1;
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub text: String,
}

impl Record for Note {
    const KIND: Kind = Kind::Person;
    const SHAPE: u32 = 2;
}

/// What every engine does. The store is empty, and leases are counted by the caller's clock.
pub async fn conforms(store: &Store) {
    versions_and_steps(store.engine()).await;
    ids_and_ranges(store.engine()).await;
    bounds(store.engine()).await;
    types(store).await;
    queues(store.engine()).await;
    follower(store).await;
    many_at_once(store.engine()).await;
}

async fn versions_and_steps(engine: &dyn Engine) {
    let commit = |ops: Vec<Op>| engine.commit(ops);
    let get = async |id: &str| engine.get(Kind::Meta, id).await.unwrap();
    let conflicts = async |op: Op| {
        let id = op.id.clone();
        match commit(vec![op]).await {
            Err(CommitError::Conflict { kind: Kind::Meta, id: of }) => assert_eq!(of, id),
            other => panic!("no conflict: {other:?}"),
        }
    };
    // Versions count from one; what is expected must hold.
    commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
    commit(vec![put("a", Expect::Ver(1), "2")]).await.unwrap();
    for expect in [Expect::Absent, Expect::Ver(1), Expect::Ver(3)] {
        conflicts(put("a", expect, "3")).await;
        conflicts(op(Kind::Meta, "a", Step::Del(expect))).await;
        conflicts(op(Kind::Meta, "a", Step::Check(expect))).await;
    }
    conflicts(op(Kind::Meta, "none", Step::Del(Expect::Ver(1)))).await;
    let raw = get("a").await.unwrap();
    let of = Raw { kind: Kind::Meta, id: "a".into(), ver: 2, queued: None, claims: 0, shape: 1, body: "2".into() };
    assert_eq!(raw, of);
    commit(vec![put("a", Expect::Any, "3")]).await.unwrap();
    assert_eq!(get("a").await.unwrap().ver, 3, "what is overwritten whatever it is counts on");
    // All or nothing.
    assert!(commit(vec![put("b", Expect::Absent, "1"), put("a", Expect::Absent, "9")]).await.is_err());
    assert!(get("b").await.is_none());
    assert_eq!(get("a").await.unwrap().body, "3");
    // A guard changes nothing, and is kept.
    commit(vec![op(Kind::Meta, "a", Step::Check(Expect::Ver(3))), put("b", Expect::Any, "1")]).await.unwrap();
    commit(vec![op(Kind::Meta, "x", Step::Check(Expect::Absent)), put("b", Expect::Any, "2")]).await.unwrap();
    assert!(commit(vec![op(Kind::Meta, "a", Step::Check(Expect::Ver(2))), put("b", Expect::Any, "3")]).await.is_err());
    assert_eq!((get("a").await.unwrap().ver, get("b").await.unwrap().body), (3, "2".into()));
    // Within a commit, later steps see earlier ones.
    commit(vec![put("c", Expect::Absent, "1"), put("c", Expect::Ver(1), "2")]).await.unwrap();
    assert_eq!(get("c").await.unwrap().ver, 2);
    commit(vec![op(Kind::Meta, "c", Step::Del(Expect::Ver(2))), put("c", Expect::Absent, "3")]).await.unwrap();
    assert_eq!(get("c").await.unwrap().ver, 1, "what was gone begins anew");
    // What is gone is gone, and may be removed again where that is all one.
    commit(vec![op(Kind::Meta, "c", Step::Del(Expect::Ver(1)))]).await.unwrap();
    commit(vec![op(Kind::Meta, "c", Step::Del(Expect::Any))]).await.unwrap();
    commit(vec![op(Kind::Meta, "c", Step::Del(Expect::Absent))]).await.unwrap();
    assert!(get("c").await.is_none());
    // An end removes this version only, and is content with another.
    commit(vec![op(Kind::Meta, "b", Step::End(1))]).await.unwrap();
    assert_eq!(get("b").await.unwrap().body, "2");
    commit(vec![op(Kind::Meta, "b", Step::End(2)), op(Kind::Meta, "none", Step::End(1))]).await.unwrap();
    assert!(get("b").await.is_none());
    // Restored as it was, once.
    let restore = Step::Restore { ver: 70_000, claims: 3, written: Written { shape: 9, ..written(None, "\"r\"") } };
    commit(vec![op(Kind::Meta, "r", restore.clone())]).await.unwrap();
    let raw = get("r").await.unwrap();
    assert_eq!((raw.ver, raw.claims, raw.shape, raw.body.as_str()), (70_000, 3, 9, "\"r\""));
    conflicts(op(Kind::Meta, "r", restore)).await;
    // Ensured: what waits unclaimed will do.
    let ensure = |body: &str| op(Kind::Meta, "e", Step::Ensure(written(None, body)));
    commit(vec![ensure("1")]).await.unwrap();
    commit(vec![ensure("2")]).await.unwrap();
    let raw = get("e").await.unwrap();
    assert_eq!((raw.ver, raw.body.as_str()), (1, "1"));
    let claimed = Step::Restore { ver: 4, claims: 1, written: written(None, "1") };
    commit(vec![op(Kind::Meta, "f", claimed)]).await.unwrap();
    commit(vec![op(Kind::Meta, "f", Step::Ensure(written(None, "2")))]).await.unwrap();
    let raw = get("f").await.unwrap();
    assert_eq!((raw.ver, raw.claims, raw.body.as_str()), (5, 0, "2"), "somebody works on the old one already");
    // Kinds are apart.
    assert!(engine.get(Kind::Person, "a").await.unwrap().is_none());
    let gone = ["a", "r", "e", "f"].map(|id| op(Kind::Meta, id, Step::Del(Expect::Any)));
    commit(gone.to_vec()).await.unwrap();
    assert!(engine.scan(Kind::Meta, "", "", 10).await.unwrap().is_empty());
}

async fn ids_and_ranges(engine: &dyn Engine) {
    let names = ["", "A", "a", "a\u{1}b", "a/1", "a/10", "a/2", "aa", "b", "~", "ä", "\u{fffd}", "\u{10ffff}"];
    let put_all = names.iter().rev().map(|id| put(id, Expect::Absent, &format!("{id:?}")));
    engine.commit(put_all.collect()).await.unwrap();
    let scan = async |from: &str, to: &str, limit: usize| {
        let found = engine.scan(Kind::Meta, from, to, limit).await.unwrap();
        found.into_iter().map(|raw| raw.id).collect::<Vec<_>>()
    };
    assert_eq!(scan("", "", 100).await, names, "in the order of their bytes");
    assert_eq!(scan("", "", 2).await, names[..2]);
    assert_eq!(scan("a\0", "b", 100).await, ["a\u{1}b", "a/1", "a/10", "a/2", "aa"]);
    assert_eq!(scan("a", "a\0", 100).await, ["a"]);
    assert_eq!(scan("a", "b\0", 2).await, ["a", "a\u{1}b"]);
    assert_eq!(scan("a/", "a/\u{10FFFF}", 100).await, ["a/1", "a/10", "a/2"]);
    assert!(scan("b", "a", 100).await.is_empty());
    assert!(scan("b", "b", 100).await.is_empty());
    assert!(scan("", "", 0).await.is_empty());
    assert!(engine.scan(Kind::Person, "", "", 10).await.unwrap().is_empty());
    // Every page, one behind the other.
    let (mut from, mut paged) = (String::new(), Vec::new());
    loop {
        let page = scan(&from, "", 3).await;
        let Some(last) = page.last() else { break };
        from = format!("{last}\0");
        paged.extend(page);
    }
    assert_eq!(paged, names);
    // What is written comes back letter by letter.
    let bodies = [r#"{"b":1,"a":[1.50,"\u0000 \\ \" ü 😀"], "a" :null}"#, "null", "\"\"", "1e400"];
    for body in bodies {
        engine.commit(vec![put("body", Expect::Any, body)]).await.unwrap();
        assert_eq!(engine.get(Kind::Meta, "body").await.unwrap().unwrap().body, body);
    }
    let gone = names.iter().chain(&["body"]).map(|id| op(Kind::Meta, id, Step::Del(Expect::Any)));
    engine.commit(gone.collect()).await.unwrap();
}

async fn bounds(engine: &dyn Engine) {
    let put_of = |bytes: usize| put("d", Expect::Any, &format!("\"{}\"", "x".repeat(bytes)));
    let refused = |result: &Result<(), CommitError>| match result {
        Err(CommitError::TooLarge { id, bytes, .. }) => {
            assert!(id == "d" && *bytes > MAX_RECORD_BYTES);
            true
        }
        Ok(()) => false,
        other => panic!("{other:?}"),
    };
    assert!(refused(&engine.commit(vec![put("c", Expect::Any, "1"), put_of(70_000)]).await));
    assert!(engine.get(Kind::Meta, "c").await.unwrap().is_none());
    // The same bound for all engines, to the byte: what an engine holds must fit into the others.
    let head = 1 + 1 + 1 + 1 + 1 + 1 + 2;
    assert!(!refused(&engine.commit(vec![put_of(MAX_RECORD_BYTES - head)]).await));
    assert!(refused(&engine.commit(vec![put_of(MAX_RECORD_BYTES - head + 1)]).await));
    engine.commit(vec![op(Kind::Meta, "d", Step::Del(Expect::Any))]).await.unwrap();
    engine.commit(Vec::new()).await.unwrap();
}

async fn types(store: &Store) {
    let note = |text: &str| Note { text: text.to_owned() };
    let id = |id: &str| Id::<Note>::new(id);
    let mut batch = Batch::new();
    batch.put(&id("1"), Expect::Absent, &note("one"));
    batch.put(&id("2"), Expect::Absent, &note("two"));
    batch.check(&id("3"), Expect::Absent);
    store.commit(batch).await.unwrap();
    let rec = store.get(&id("1")).await.unwrap().unwrap();
    assert_eq!((rec.ver, rec.value), (1, note("one")));
    let newer = Step::Put(Expect::Any, Written { shape: 3, ..written(None, "{}") });
    store.engine().commit(vec![op(Kind::Person, "3", newer)]).await.unwrap();
    assert!(store.get(&id("3")).await.is_err(), "of a newer shape");
    assert_eq!(store.values(Range::<Note>::all()).await.unwrap(), [note("one"), note("two")]);
    let gone = ["1", "2", "3"].map(|id| op(Kind::Person, id, Step::Del(Expect::Any)));
    store.engine().commit(gone.to_vec()).await.unwrap();
}

async fn queues(engine: &dyn Engine) {
    let claim = async |lane: &str, now: i64, limit: usize| engine.claim(lane, now, 100, limit).await.unwrap();
    let backlog = async |lane: &str| engine.backlog(lane).await.unwrap();
    let waiting = async |lane: &str, of: &str| engine.waiting(&QueueName::new(lane, of)).await.unwrap();
    let commit = async |op: Op| engine.commit(vec![op]).await;
    assert_eq!((engine.next_due("slack").await.unwrap(), backlog("slack").await), (None, Backlog::default()));
    assert!(claim("slack", 1000, 10).await.is_empty());
    // Only the head of a queue is claimed, once, until its lease is over or it is put back.
    let entries = [
        queued("2", "slack", "x", 5),
        queued("1", "slack", "x", 10),
        queued("3", "slack", "y", 20),
        queued("4", "page", "x", 1),
    ];
    engine.commit(entries.to_vec()).await.unwrap();
    assert!(claim("slack", 9, 10).await.is_empty(), "the head is not due, and what is behind it waits");
    assert_eq!(engine.next_due("slack").await.unwrap(), Some(10));
    assert_eq!((waiting("slack", "x").await, waiting("slack", "y").await, waiting("slack", "z").await), (2, 1, 0));
    let first = claim("slack", 10, 10).await;
    assert_eq!(ids(&first), ["1"]);
    assert_eq!((first[0].ver, first[0].claims), (2, 1));
    assert_eq!(engine.get(Kind::Outbox, "1").await.unwrap().unwrap(), first[0], "as it was claimed, so it is");
    assert_eq!(ids(&claim("slack", 20, 10).await), ["3"]);
    assert!(claim("slack", 50, 10).await.is_empty());
    assert_eq!(engine.next_due("slack").await.unwrap(), Some(110), "when the first lease is over");
    let again = claim("slack", 110, 10).await;
    assert_eq!((ids(&again), again[0].claims), (vec!["1"], 2), "a lease that is over is claimed again, and that shows");
    // Whoever lost the lease cannot end the entry.
    assert!(commit(op(Kind::Outbox, "1", Step::Del(Expect::Ver(first[0].ver)))).await.is_err());
    commit(op(Kind::Outbox, "1", Step::End(first[0].ver))).await.unwrap();
    assert!(engine.get(Kind::Outbox, "1").await.unwrap().is_some());
    assert!(claim("slack", 111, 10).await.is_empty(), "it is leased all the same");
    commit(op(Kind::Outbox, "1", Step::End(again[0].ver))).await.unwrap();
    assert_eq!(ids(&claim("slack", 111, 10).await), ["2"]);
    assert_eq!(backlog("slack").await, Backlog { count: 2, oldest: Some(5) });
    assert_eq!(backlog("page").await, Backlog { count: 1, oldest: Some(1) });
    // Put back, it is due when it is told, and counts its claims anew.
    let later = Queued { queue: QueueName::new("slack", "x"), due: 300 };
    commit(op(Kind::Outbox, "2", Step::Put(Expect::Ver(2), written(Some(later), "{}")))).await.unwrap();
    assert!(claim("slack", 119, 10).await.is_empty());
    assert_eq!(engine.next_due("slack").await.unwrap(), Some(120), "the other queue's lease");
    let both = claim("slack", 300, 10).await;
    assert_eq!(ids(&both), ["3", "2"], "the longest ready first");
    assert_eq!((both[0].claims, both[1].claims), (2, 1));
    // Ensured: not while it waits, but once somebody works on it.
    let ensure = |due: i64| {
        let place = Queued { queue: QueueName::new("slack", "e"), due };
        op(Kind::Outbox, "e", Step::Ensure(written(Some(place), "{}")))
    };
    commit(ensure(400)).await.unwrap();
    commit(ensure(500)).await.unwrap();
    let claimed = engine.claim("slack", 400, 100, 10).await.unwrap();
    assert_eq!((ids(&claimed).contains(&"e"), waiting("slack", "e").await), (true, 1));
    commit(ensure(410)).await.unwrap();
    let ver = claimed.iter().find(|raw| raw.id == "e").unwrap().ver;
    commit(op(Kind::Outbox, "e", Step::End(ver))).await.unwrap();
    assert_eq!(ids(&engine.claim("slack", 410, 1000, 10).await.unwrap()), ["e"], "what came meanwhile is not ended");
    // What comes before a leased head is the head, and its lease does not count for it.
    commit(queued("0", "slack", "x", 0)).await.unwrap();
    assert_eq!(ids(&engine.claim("slack", 411, 1000, 1).await.unwrap()), ["0"]);
    commit(op(Kind::Outbox, "0", Step::Del(Expect::Any))).await.unwrap();
    // It changes its queue, and leaves the other.
    let other = Queued { queue: QueueName::new("mail", "x"), due: 0 };
    commit(op(Kind::Outbox, "2", Step::Put(Expect::Any, written(Some(other), "{}")))).await.unwrap();
    assert_eq!((waiting("slack", "x").await, waiting("mail", "x").await), (0, 1));
    commit(op(Kind::Outbox, "2", Step::Put(Expect::Any, written(None, "{}")))).await.unwrap();
    assert_eq!((waiting("mail", "x").await, engine.next_due("mail").await.unwrap()), (0, None));
    // A limit is one.
    let entries = (0..10).map(|n| queued(&format!("m{n}"), "mail", &n.to_string(), n));
    engine.commit(entries.collect()).await.unwrap();
    assert_eq!(ids(&claim("mail", 1000, 3).await), ["m0", "m1", "m2"]);
    assert_eq!(ids(&claim("mail", 1000, 100).await).len(), 7);
    // A place in a queue is kept of every record, and claimed of the outbox only.
    let place = Queued { queue: QueueName::new("page", "x"), due: 0 };
    commit(op(Kind::Meta, "0", Step::Put(Expect::Any, written(Some(place.clone()), "{}")))).await.unwrap();
    assert_eq!(engine.get(Kind::Meta, "0").await.unwrap().unwrap().queued, Some(place));
    assert_eq!(ids(&claim("page", 1000, 10).await), ["4"]);
    for raw in all(engine, &[Kind::Outbox, Kind::Meta]).await {
        commit(op(raw.kind, &raw.id, Step::Del(Expect::Ver(raw.ver)))).await.unwrap();
    }
    for lane in ["slack", "page", "mail"] {
        assert_eq!((engine.next_due(lane).await.unwrap(), backlog(lane).await), (None, Backlog::default()));
    }
}

async fn follower(store: &Store) {
    let engine = store.engine();
    let listener = Listener::of(&[Kind::Meta, Kind::Outbox]);
    store.follow(listener.clone());
    engine.commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
    // Told before it was answered; what came before it was followed may be told too.
    assert_eq!(listener.has(Kind::Meta, "a").as_deref(), Some("1"));
    listener.take();
    // All of a commit at once, what is not followed left out; a conflict is not told.
    let ops = vec![
        put("b", Expect::Absent, "1"),
        put("a", Expect::Any, "2"),
        op(Kind::Person, "p", Step::Put(Expect::Any, written(None, "1"))),
        queued("1", "slack", "x", 1),
    ];
    engine.commit(ops).await.unwrap();
    assert!(engine.commit(vec![put("b", Expect::Absent, "9")]).await.is_err());
    let some = |body: &str| Some((1, body.to_owned()));
    let told = listener.take();
    assert_eq!(
        told,
        [vec![
            (Kind::Meta, "a".to_owned(), some("2")),
            (Kind::Meta, "b".to_owned(), some("1")),
            (Kind::Outbox, "1".to_owned(), some("{}"))
        ]]
    );
    // A claim is a change; a guard is none; what is gone is told as gone.
    engine.claim("slack", 1, 100, 1).await.unwrap();
    engine.commit(vec![op(Kind::Meta, "a", Step::Check(Expect::Any))]).await.unwrap();
    engine.commit(vec![op(Kind::Outbox, "1", Step::End(2)), op(Kind::Meta, "b", Step::End(7))]).await.unwrap();
    let told = listener.take();
    assert_eq!(told, [vec![(Kind::Outbox, "1".to_owned(), some("{}"))], vec![(Kind::Outbox, "1".to_owned(), None)]]);
    // Only the last who asked is told.
    let second = Listener::of(&[Kind::Meta]);
    store.follow(second.clone());
    engine.commit(vec![put("b", Expect::Any, "3")]).await.unwrap();
    assert!(listener.take().is_empty());
    assert_eq!(second.has(Kind::Meta, "b").as_deref(), Some("3"));
    // In the order of the commits, whoever commits at once.
    let commits = (0..200).map(|n| engine.commit(vec![put("b", Expect::Any, &n.to_string())]));
    futures_util::future::join_all(commits).await.into_iter().for_each(|result| result.unwrap());
    let last = engine.get(Kind::Meta, "b").await.unwrap().unwrap();
    assert_eq!(second.has(Kind::Meta, "b"), Some(last.body));
    assert_eq!((last.ver, *second.lost.lock().unwrap()), (202, 0));
    let gone = [(Kind::Meta, "a"), (Kind::Meta, "b"), (Kind::Person, "p")];
    engine.commit(gone.map(|(kind, id)| op(kind, id, Step::Del(Expect::Any))).to_vec()).await.unwrap();
}

/// Each of many at once counts; a conflict in a round spoils no other commit of it.
async fn many_at_once(engine: &dyn Engine) {
    let one = async || {
        loop {
            let raw = engine.get(Kind::Meta, "n").await.unwrap();
            let (expect, n) =
                raw.map_or((Expect::Absent, 0), |raw| (Expect::Ver(raw.ver), raw.body.parse::<u64>().unwrap()));
            match engine.commit(vec![put("n", expect, &(n + 1).to_string())]).await {
                Ok(()) => return,
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    futures_util::future::join_all((0..50).map(|_| one())).await;
    let raw = engine.get(Kind::Meta, "n").await.unwrap().unwrap();
    assert_eq!((raw.body.as_str(), raw.ver), ("50", 50));
    engine.commit(vec![op(Kind::Meta, "n", Step::Del(Expect::Any))]).await.unwrap();
}

/// From one store into another, empty one: nothing is lost.
pub async fn export_and_import(one: &Store, other: &Store) {
    let body = r#"{"text":"line\nbreak 😀 \u0000","n":1.50}"#;
    let ops = vec![put("a", Expect::Any, "null"), put("b", Expect::Any, body), queued("1", "slack", "x", 10)];
    one.engine().commit(ops).await.unwrap();
    one.engine().commit(vec![put("a", Expect::Ver(1), "{\"n\":1.5}")]).await.unwrap();
    one.engine().claim("slack", 10, 100, 1).await.unwrap();
    let mut first = Vec::new();
    assert_eq!(transfer::export(one.engine(), &mut first).await.unwrap(), 3);
    assert_eq!(transfer::import(other.engine(), &mut Cursor::new(&first), false).await.unwrap(), 3);
    let mut second = Vec::new();
    transfer::export(other.engine(), &mut second).await.unwrap();
    assert_eq!(String::from_utf8(first.clone()).unwrap(), String::from_utf8(second).unwrap());
    let claimed = other.engine().claim("slack", 10, 100, 1).await.unwrap();
    assert_eq!((ids(&claimed), claimed[0].claims), (vec!["1"], 2), "leases are not exported");
    let error = transfer::import(other.engine(), &mut Cursor::new(&first), false).await.unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
}

#[tokio::test]
async fn the_memory_engine_conforms() {
    conforms(&MemoryEngine::open().unwrap()).await;
}

#[tokio::test]
async fn the_sled_engine_conforms() {
    let directory = crate::harness::folder();
    conforms(&sled::open(directory.path()).unwrap()).await;
}

#[tokio::test]
async fn export_and_import_lose_nothing() {
    let directory = crate::harness::folder();
    let one = sled::open(directory.path()).unwrap();
    export_and_import(&one, &MemoryEngine::open().unwrap()).await;
    let empty = MemoryEngine::open().unwrap();
    let mut nonsense = Cursor::new(b"{\"muster_export\":1}\nnonsense\n");
    let error = transfer::import(empty.engine(), &mut nonsense, true).await.unwrap_err();
    assert!(format!("{error:#}").contains("line 2 is not a record"), "{error:#}");
}
