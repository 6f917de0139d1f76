//! One conformance suite for every engine, and export and import.

use muster::store::{CommitError, Expect, Kind, MemoryEngine, Op, Queued, Store, sled, transfer};
use serde_json::{Value, json};

fn put(id: &str, expect: Expect, body: Value) -> Op {
    Op::put(Kind::Meta, id, expect, body)
}

fn queued(id: &str, queue: &str, due: i64) -> Op {
    Op::Put {
        kind: Kind::Outbox,
        id: id.to_owned(),
        expect: Expect::Absent,
        queued: Some(Queued { queue: queue.to_owned(), due }),
        body: json!({}),
    }
}

fn ids(records: &[muster::store::Rec]) -> Vec<&str> {
    records.iter().map(|rec| rec.id.as_str()).collect()
}

async fn conforms(store: Store) {
    // Versions count from one; what is expected must hold.
    assert_eq!(store.commit(vec![put("a", Expect::Absent, json!(1))]).await.unwrap(), [1]);
    assert_eq!(store.commit(vec![put("a", Expect::Ver(1), json!(2))]).await.unwrap(), [2]);
    for expect in [Expect::Absent, Expect::Ver(1), Expect::Ver(3)] {
        assert!(matches!(store.commit(vec![put("a", expect, json!(3))]).await, Err(CommitError::Conflict { .. })));
    }
    // All or nothing.
    let torn = vec![put("b", Expect::Absent, json!(1)), put("a", Expect::Absent, json!(9))];
    assert!(store.commit(torn).await.is_err());
    assert!(store.get(Kind::Meta, "b").unwrap().is_none());
    assert_eq!(store.get(Kind::Meta, "a").unwrap().unwrap().body, json!(2));
    // A guard changes nothing.
    let guarded = vec![
        Op::Check { kind: Kind::Meta, id: "a".to_owned(), expect: Expect::Ver(2) },
        put("b", Expect::Any, json!(1)),
    ];
    store.commit(guarded).await.unwrap();
    let guarded = vec![
        Op::Check { kind: Kind::Meta, id: "a".to_owned(), expect: Expect::Ver(1) },
        put("b", Expect::Any, json!(2)),
    ];
    assert!(store.commit(guarded).await.is_err());
    // Within a commit, later ops see earlier ones.
    store.commit(vec![put("c", Expect::Absent, json!(1)), put("c", Expect::Ver(1), json!(2))]).await.unwrap();
    assert_eq!(store.get(Kind::Meta, "c").unwrap().unwrap().ver, 2);
    // Ids are in the order of their bytes, kinds apart, pages end where they are told.
    assert_eq!(ids(&store.scan(Kind::Meta, "", "", 10).unwrap()), ["a", "b", "c"]);
    assert_eq!(ids(&store.scan(Kind::Meta, "a\0", "c", 10).unwrap()), ["b"]);
    assert_eq!(ids(&store.scan(Kind::Meta, "", "", 2).unwrap()), ["a", "b"]);
    assert!(store.scan(Kind::Person, "", "", 10).unwrap().is_empty());
    store.commit(vec![Op::Del { kind: Kind::Meta, id: "c".to_owned(), expect: Expect::Ver(2) }]).await.unwrap();
    assert!(store.get(Kind::Meta, "c").unwrap().is_none());
    // A record that is too large is refused.
    assert!(matches!(
        store.commit(vec![put("d", Expect::Any, json!("x".repeat(70_000)))]).await,
        Err(CommitError::TooLarge { .. })
    ));
    // Only the head of a queue is claimed, once, until its lease is over or it is put back.
    store
        .commit(vec![
            queued("1", "slack/x", 10),
            queued("2", "slack/x", 5),
            queued("3", "slack/y", 20),
            queued("4", "page/x", 1),
        ])
        .await
        .unwrap();
    assert!(
        store.claim("slack/", 9, 100, 10).await.unwrap().is_empty(),
        "the head is not due, and what is behind it waits"
    );
    assert_eq!(store.next_due("slack/"), Some(10));
    let claimed = store.claim("slack/", 10, 100, 10).await.unwrap();
    assert_eq!((ids(&claimed), claimed[0].claims), (vec!["1"], 1));
    assert_eq!(ids(&store.claim("slack/", 20, 100, 10).await.unwrap()), ["3"]);
    assert!(store.claim("slack/", 50, 100, 10).await.unwrap().is_empty());
    let again = store.claim("slack/", 110, 100, 10).await.unwrap();
    assert_eq!((ids(&again), again[0].claims), (vec!["1"], 2), "a lease that is over is claimed again, and that shows");
    let stale = Op::Del { kind: Kind::Outbox, id: "1".to_owned(), expect: Expect::Ver(claimed[0].ver) };
    assert!(store.commit(vec![stale]).await.is_err(), "whoever lost the lease cannot end the entry");
    store
        .commit(vec![Op::Del { kind: Kind::Outbox, id: "1".to_owned(), expect: Expect::Ver(again[0].ver) }])
        .await
        .unwrap();
    assert_eq!(ids(&store.claim("slack/", 111, 100, 10).await.unwrap()), ["2"]);
    assert_eq!(store.backlog("slack/").0, 2);
    assert_eq!(store.backlog("page/"), (1, Some(1)));
    // Many at once: each of them counts.
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            loop {
                let rec = store.get(Kind::Meta, "n").unwrap();
                let (expect, n) =
                    rec.map_or((Expect::Absent, 0), |rec| (Expect::Ver(rec.ver), rec.body.as_u64().unwrap()));
                if store.commit(vec![put("n", expect, json!(n + 1))]).await.is_ok() {
                    return;
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(store.get(Kind::Meta, "n").unwrap().unwrap().body, json!(50));
}

#[tokio::test]
async fn the_memory_engine_conforms() {
    conforms(MemoryEngine::open().unwrap()).await;
}

#[tokio::test]
async fn the_sled_engine_conforms() {
    let directory = tempfile::tempdir().unwrap();
    conforms(sled::open(directory.path()).unwrap()).await;
}

#[tokio::test]
async fn export_and_import_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let one = sled::open(directory.path()).unwrap();
    one.commit(vec![
        put("a", Expect::Any, json!({"text": "line\nbreak \u{1F600}"})),
        put("b", Expect::Any, json!(null)),
        queued("1", "slack/x", 10),
    ])
    .await
    .unwrap();
    one.commit(vec![put("a", Expect::Ver(1), json!({"n": 1.5}))]).await.unwrap();
    one.claim("slack/", 10, 100, 1).await.unwrap();
    let mut first = Vec::new();
    assert_eq!(transfer::export(&*one, &mut first).unwrap(), 3);
    let other = MemoryEngine::open().unwrap();
    assert_eq!(transfer::import(&*other, &mut first.as_slice()).await.unwrap(), 3);
    let mut second = Vec::new();
    transfer::export(&*other, &mut second).unwrap();
    assert_eq!(String::from_utf8(first.clone()).unwrap(), String::from_utf8(second).unwrap());
    assert_eq!(ids(&other.claim("slack/", 10, 100, 1).await.unwrap()), ["1"]);
    let error = transfer::import(&*other, &mut first.as_slice()).await.unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
    let empty = MemoryEngine::open().unwrap();
    let error = transfer::import(&*empty, &mut b"{\"muster_export\":1}\nnonsense\n".as_slice()).await.unwrap_err();
    assert!(format!("{error:#}").contains("line 2 is no record"), "{error:#}");
}
