//! The engine on PostgreSQL: what every engine does, and what only several processes on one database can show.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster::Muster;
use muster::clock::Clock;
use muster::config::Config;
use muster::read_models::ReadModels;
use muster::store::postgres::{self, LeaseClock};
use muster::store::{CommitError, Expect, Kind, Step, Store};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::harness::postgres::{Schema, Server, server, store};
use crate::harness::*;
use crate::store::{Listener, conforms, export_and_import, ids, op, put, queued, written};

/// Waits until something is so. A look every second shows it; only a machine that is very busy needs longer.
async fn comes(what: &str, is: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "it does not come: {what}");
}

async fn open(schema: &Schema) -> Store {
    postgres::open(&schema.url, LeaseClock::Caller).await.unwrap()
}

#[tokio::test]
async fn the_postgres_engine_conforms() {
    let Some(store) = store().await else { return };
    conforms(&store).await;
    assert!(store.health().is_ok());
}

#[tokio::test]
async fn export_and_import_lose_nothing_either() {
    let (Some(one), Some(other)) = (store().await, store().await) else { return };
    export_and_import(&one, &muster::store::MemoryEngine::open().unwrap()).await;
    export_and_import(&muster::store::MemoryEngine::open().unwrap(), &other).await;
}

#[tokio::test]
async fn text_that_postgres_does_not_know_is_kept() {
    let Some(store) = store().await else { return };
    let id = "a\0b\u{1}c";
    store.engine().commit(vec![put(id, Expect::Absent, "1"), put("a", Expect::Absent, "1")]).await.unwrap();
    assert_eq!(store.engine().get(Kind::Meta, id).await.unwrap().unwrap().id, id);
    let after = store.engine().scan(Kind::Meta, "a\0", "", 10).await.unwrap();
    assert_eq!(ids(&after), [id]);
    assert!(store.engine().commit(vec![put(id, Expect::Absent, "2")]).await.is_err());
    store.engine().commit(vec![op(Kind::Meta, id, Step::Del(Expect::Ver(1)))]).await.unwrap();
    assert!(store.engine().get(Kind::Meta, id).await.unwrap().is_none());
}

#[tokio::test]
async fn leases_follow_the_clock_of_the_database() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let store = postgres::open(&schema.url, LeaseClock::Database).await.unwrap();
    let engine = store.engine();
    let now = Clock::wall().now().timestamp_millis();
    engine
        .commit(vec![queued("1", "slack", "x", now - 1000), queued("2", "slack", "y", now + 3_600_000)])
        .await
        .unwrap();
    // Whatever the caller takes the time for.
    assert_eq!(ids(&engine.claim("slack", 0, 60_000, 10).await.unwrap()), ["1"]);
    assert!(engine.claim("slack", i64::MAX / 2, 60_000, 10).await.unwrap().is_empty());
    let due = engine.next_due("slack").await.unwrap().unwrap();
    assert!((now..now + 600_000).contains(&due), "the lease of the first, by the database's clock");
}

#[tokio::test]
async fn two_processes_on_one_database_hear_of_one_another() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let (one, other) = (open(&schema).await, open(&schema).await);
    let heard = Listener::of(&[Kind::Meta]);
    other.follow(heard.clone());
    one.engine().commit(vec![put("a", Expect::Absent, "1"), put("b", Expect::Absent, "1")]).await.unwrap();
    comes("a new record", async || heard.has(Kind::Meta, "b").is_some()).await;
    one.engine()
        .commit(vec![put("a", Expect::Ver(1), "2"), op(Kind::Meta, "b", Step::Del(Expect::Any))])
        .await
        .unwrap();
    comes("what is gone", async || heard.has(Kind::Meta, "b").is_none()).await;
    assert_eq!(heard.has(Kind::Meta, "a").as_deref(), Some("2"), "all of a commit at once");
    // Before its own commit is answered it was told of all that others wrote before.
    one.engine().commit(vec![put("a", Expect::Ver(2), "3")]).await.unwrap();
    other.engine().commit(vec![put("c", Expect::Absent, "1")]).await.unwrap();
    assert_eq!((heard.has(Kind::Meta, "a").as_deref(), heard.has(Kind::Meta, "c").as_deref()), (Some("3"), Some("1")));
    // A version that the other counted on is a conflict.
    assert!(matches!(
        other.engine().commit(vec![put("a", Expect::Ver(2), "9")]).await,
        Err(CommitError::Conflict { .. })
    ));
    assert_eq!(*heard.lost.lock().unwrap(), 0);
    // Whoever follows later hears of what was written since it was opened.
    let late = Listener::of(&[Kind::Meta]);
    one.follow(late.clone());
    comes("what was written before it followed", async || late.has(Kind::Meta, "c").is_some()).await;
}

#[tokio::test]
async fn what_two_processes_write_at_once_is_heard_as_it_is_in_the_end() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let (one, other) = (open(&schema).await, open(&schema).await);
    let (first, second) = (Listener::of(&[Kind::Meta]), Listener::of(&[Kind::Meta]));
    one.follow(first.clone());
    other.follow(second.clone());
    let write = async |store: &Store, who: &str| {
        for n in 0..150 {
            let id = (n % 7).to_string();
            let step = if n % 5 == 0 {
                Step::Del(Expect::Any)
            } else {
                Step::Put(Expect::Any, written(None, &format!("\"{who}{n}\"")))
            };
            store
                .engine()
                .commit(vec![op(Kind::Meta, &id, step), put("n", Expect::Any, &n.to_string())])
                .await
                .unwrap();
        }
    };
    tokio::join!(write(&one, "a"), write(&other, "b"), write(&one, "c"));
    let is: std::collections::BTreeMap<_, _> = one
        .engine()
        .scan(Kind::Meta, "", "", 100)
        .await
        .unwrap()
        .into_iter()
        .map(|raw| ((Kind::Meta, raw.id), raw.body))
        .collect();
    for listener in [&first, &second] {
        comes("the end", async || *listener.view.lock().unwrap() == is).await;
        assert_eq!(*listener.lost.lock().unwrap(), 0);
    }
}

#[tokio::test]
async fn two_processes_never_claim_the_same() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let (one, other) = (open(&schema).await, open(&schema).await);
    let entries = (0..60).map(|n| queued(&format!("{n:02}"), "slack", &n.to_string(), 1));
    one.engine().commit(entries.collect()).await.unwrap();
    // Two claims of one round get each their own or nothing; the next finds the rest.
    let claims = (0..40).map(|n| if n % 2 == 0 { &one } else { &other }.engine().claim("slack", 10, 1000, 5));
    let mut claimed: Vec<_> =
        futures_util::future::join_all(claims).await.into_iter().flat_map(Result::unwrap).collect();
    claimed.extend(one.engine().claim("slack", 10, 1000, 60).await.unwrap());
    let distinct: BTreeSet<_> = ids(&claimed).into_iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (60, 60));
}

#[tokio::test]
async fn whoever_missed_too_much_loads_anew() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let (one, other) = (open(&schema).await, open(&schema).await);
    let heard = Listener::of(&[Kind::Meta]);
    one.engine().commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
    one.engine().commit(vec![put("a", Expect::Any, "2")]).await.unwrap();
    server
        .connect()
        .await
        .batch_execute(&format!("DELETE FROM {}.muster_feed WHERE seq = 1", schema.name))
        .await
        .unwrap();
    other.follow(heard.clone());
    comes("that changes were missed", async || *heard.lost.lock().unwrap() == 1).await;
    one.engine().commit(vec![put("b", Expect::Absent, "1")]).await.unwrap();
    comes("what comes then", async || heard.has(Kind::Meta, "b").is_some()).await;
}

#[tokio::test]
async fn whoever_starts_first_makes_the_tables() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let opened = futures_util::future::join_all((0..6).map(|_| open(&schema))).await;
    for (n, store) in opened.iter().enumerate() {
        store.engine().commit(vec![put(&n.to_string(), Expect::Absent, "1")]).await.unwrap();
    }
    assert_eq!(opened[0].engine().scan(Kind::Meta, "", "", 10).await.unwrap().len(), 6);
    // An older Muster leaves the tables of a newer one alone.
    server
        .connect()
        .await
        .batch_execute(&format!("UPDATE {}.muster_layout SET layout = 99", schema.name))
        .await
        .unwrap();
    let refused = postgres::open(&schema.url, LeaseClock::Caller).await.err().unwrap().to_string();
    assert!(refused.contains("newer Muster (layout 99; this one knows 1); nothing was changed"), "{refused}");
}

/// Between Muster and the server: passes everything on, until a commit comes by.
struct Proxy {
    folder: tempfile::TempDir,
    cut: Arc<AtomicBool>,
    /// Nothing is passed on while this is so.
    frozen: Arc<AtomicBool>,
}

/// What the proxy does with the next commit.
#[derive(Clone, Copy)]
enum Cut {
    /// The server gets it, and its answer is lost.
    Answer,
    /// The server gets it and is at work on it when the connection breaks.
    Working,
    /// The server never gets it.
    Commit,
    /// The server never gets it, and hears nothing more.
    Hang,
}

impl Proxy {
    fn start(server: &Server, how: Cut) -> Self {
        let folder = crate::harness::folder();
        let name = format!(".s.PGSQL.{}", server.port);
        let listener = UnixListener::bind(folder.path().join(&name)).unwrap();
        let behind = server.folder.join(name);
        let cut = Arc::new(AtomicBool::new(false));
        let frozen = Arc::new(AtomicBool::new(false));
        let (cuts, freezes) = (cut.clone(), frozen.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&behind).await.unwrap();
                tokio::spawn(pass(client, server, how, cuts.clone(), freezes.clone()));
            }
        });
        Self { folder, cut, frozen }
    }
}

fn commits(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|part| part == b"COMMIT\0")
}

/// Passes on both ways until one end closes, or the commit comes that is to be cut. Then both ends hear that the other is gone.
async fn pass(client: UnixStream, server: UnixStream, how: Cut, cut: Arc<AtomicBool>, frozen: Arc<AtomicBool>) {
    let ((mut from_client, to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let mut to_client = Some(to_client);
    let (mut asked, mut answered) = ([0; 65_536], [0; 65_536]);
    let mut cutting = false;
    loop {
        while frozen.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::select! {
            count = from_client.read(&mut asked), if !cutting => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                cutting = commits(&asked[..count]) && cut.swap(false, Ordering::SeqCst);
                match how {
                    Cut::Hang if cutting => continue,
                    Cut::Commit if cutting => return,
                    // The client hears at once that it is gone; the server hears it when it has answered.
                    Cut::Working if cutting => to_client = None,
                    _ => {}
                }
                if to_server.write_all(&asked[..count]).await.is_err() {
                    return;
                }
            }
            count = from_server.read(&mut answered) => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                if cutting && commits(&answered[..count]) {
                    return;
                }
                if let Some(to_client) = to_client.as_mut().filter(|_| !cutting)
                    && to_client.write_all(&answered[..count]).await.is_err()
                {
                    return;
                }
            }
        }
    }
}

/// Runs at every end of a transaction that wrote a round.
async fn at_every_commit(server: &Server, schema: &Schema, does: &str) {
    let name = &schema.name;
    let sql = format!(
        "CREATE FUNCTION {name}.does() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER does AFTER INSERT OR UPDATE ON {name}.muster_writer DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION {name}.does()"
    );
    server.connect().await.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_told_as_what_it_was() {
    let Some(server) = server() else { return };
    for (how, written) in [(Cut::Answer, true), (Cut::Working, true), (Cut::Commit, false)] {
        let schema = server.schema().await;
        if matches!(how, Cut::Working) {
            drop(open(&schema).await);
            at_every_commit(server, &schema, "PERFORM pg_sleep(1)").await;
        }
        let proxy = Proxy::start(server, how);
        let url = server.through(proxy.folder.path(), &schema.name);
        let store = postgres::open(&url, LeaseClock::Caller).await.unwrap();
        let heard = Listener::of(&[Kind::Meta]);
        store.follow(heard.clone());
        store.engine().commit(vec![put("before", Expect::Absent, "1")]).await.unwrap();
        proxy.cut.store(true, Ordering::SeqCst);
        let answer = store.engine().commit(vec![put("a", Expect::Absent, "1")]).await;
        assert!(!proxy.cut.load(Ordering::SeqCst), "the commit went past the proxy");
        assert_eq!(answer.is_ok(), written, "{answer:?}");
        assert_eq!(store.engine().get(Kind::Meta, "a").await.unwrap().is_some(), written);
        assert_eq!(heard.has(Kind::Meta, "a").is_some(), written);
        // It goes on.
        store.engine().commit(vec![put("after", Expect::Absent, "1")]).await.unwrap();
        assert!(store.health().is_ok());
        assert!(heard.has(Kind::Meta, "after").is_some());
    }
}

#[tokio::test]
async fn a_round_that_the_database_ends_for_another_is_tried_again() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let store = open(&schema).await;
    let sequence = format!("CREATE SEQUENCE {}.tries", schema.name);
    server.connect().await.batch_execute(&sequence).await.unwrap();
    // A sequence counts also what is rolled back.
    // It could not be put in order with another, or they waited for each other.
    let fails = format!(
        "CASE nextval('{0}.tries') % 3 WHEN 0 THEN NULL; WHEN 1 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001';
         ELSE RAISE EXCEPTION 'not now' USING ERRCODE = '40P01'; END CASE",
        schema.name
    );
    at_every_commit(server, &schema, &fails).await;
    for n in 0..3 {
        store.engine().commit(vec![put(&n.to_string(), Expect::Absent, "1")]).await.unwrap();
    }
    assert_eq!(store.engine().scan(Kind::Meta, "", "", 10).await.unwrap().len(), 3);
    assert!(store.health().is_ok());
}

#[tokio::test]
async fn what_the_database_never_takes_is_refused_and_nothing_else() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let store = open(&schema).await;
    let name = &schema.name;
    let refuses = format!(
        "CREATE FUNCTION {name}.refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.id = 'poison' THEN RAISE EXCEPTION 'never' USING ERRCODE = '22P05'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuses BEFORE INSERT ON {name}.muster_record FOR EACH ROW EXECUTE FUNCTION {name}.refuses()"
    );
    server.connect().await.batch_execute(&refuses).await.unwrap();
    let names = ["a", "poison", "b", "c"];
    let commits = names.map(|id| store.engine().commit(vec![put(id, Expect::Absent, "1")]));
    let answers = futures_util::future::join_all(commits).await;
    for (id, answer) in names.iter().zip(answers) {
        match answer {
            Ok(()) => assert_ne!(*id, "poison"),
            Err(error) => assert!(matches!(&error, CommitError::Unwritable { id, .. } if id == "poison"), "{error}"),
        }
    }
    assert!(store.health().is_ok());
    // A name that no index holds is refused before anybody is asked.
    let long = store.engine().commit(vec![put(&"é".repeat(2000), Expect::Absent, "1")]).await;
    assert!(matches!(long, Err(CommitError::LongName { bytes: 4000, .. })), "{long:?}");
}

#[tokio::test]
async fn what_waits_is_written_in_one_round() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let store = open(&schema).await;
    let commits = (0..500).map(|n| store.engine().commit(vec![put(&n.to_string(), Expect::Absent, "1")]));
    futures_util::future::join_all(commits).await.into_iter().for_each(|result| result.unwrap());
    let sql = format!("SELECT seq FROM {}.muster_head", schema.name);
    let rounds: i64 = server.connect().await.query_one(&sql, &[]).await.unwrap().get(0);
    assert!(rounds <= 5, "500 commits took {rounds} rounds");
}

#[tokio::test]
async fn a_history_that_came_back_is_loaded_anew() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let store = open(&schema).await;
    let heard = Listener::of(&[Kind::Meta]);
    store.follow(heard.clone());
    store.engine().commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
    // The database is another one now, which has come equally far.
    let name = &schema.name;
    let other = format!("UPDATE {name}.muster_head SET stamp = 'other'; UPDATE {name}.muster_feed SET stamp = 'other'");
    server.connect().await.batch_execute(&other).await.unwrap();
    comes("that it is another history", async || *heard.lost.lock().unwrap() == 1).await;
    store.engine().commit(vec![put("b", Expect::Absent, "1")]).await.unwrap();
    assert!(heard.has(Kind::Meta, "b").is_some());
    assert_eq!(*heard.lost.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_database_that_freezes_is_said_and_used_again() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let proxy = Proxy::start(server, Cut::Commit);
    let store = postgres::open(&server.through(proxy.folder.path(), &schema.name), LeaseClock::Caller).await.unwrap();
    store.engine().commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
    assert!(store.health().is_ok());
    proxy.frozen.store(true, Ordering::SeqCst);
    let read = store.engine().get(Kind::Meta, "a");
    comes("that it does not answer", async || store.health().is_err()).await;
    let words = read.await.unwrap_err().to_string();
    assert!(words.contains("has not answered in 15 s") || words.contains("no connection in time"), "{words}");
    proxy.frozen.store(false, Ordering::SeqCst);
    comes("that it answers", async || store.health().is_ok()).await;
    comes("a commit", async || store.engine().commit(vec![put("b", Expect::Any, "1")]).await.is_ok()).await;
}

/// Where a balancer looks at `/readyz` and then sends nothing, nobody else would find out that it is well again.
#[tokio::test]
async fn a_round_that_failed_is_not_held_against_the_database_for_ever() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let proxy = Proxy::start(server, Cut::Commit);
    let store = postgres::open(&server.through(proxy.folder.path(), &schema.name), LeaseClock::Caller).await.unwrap();
    proxy.cut.store(true, Ordering::SeqCst);
    assert!(store.engine().commit(vec![put("a", Expect::Absent, "1")]).await.is_err());
    let words = store.health().unwrap_err();
    assert!(words.contains("the database cannot be written"), "{words}");
    comes("that it can, though nobody writes", async || store.health().is_ok()).await;
}

#[tokio::test]
async fn tables_in_another_schema_are_not_hidden_by_new_ones() {
    let Some(server) = server() else { return };
    let (one, other) = (server.schema().await, server.schema().await);
    drop(open(&one).await);
    let both = Schema {
        url: one.url.replace(&format!("%3D{}", one.name), &format!("%3D{},{}", other.name, one.name)),
        ..other
    };
    let refused = postgres::open(&both.url, LeaseClock::Caller).await.err().unwrap().to_string();
    assert!(refused.contains(&format!("the tables lie in the schema {}", one.name)), "{refused}");
    let nowhere = one.url.replace(&format!("%3D{}", one.name), "%3Dnowhere");
    let refused = postgres::open(&nowhere, LeaseClock::Caller).await.err().unwrap().to_string();
    assert!(refused.contains("no schema to make the tables in"), "{refused}");
    // A long name is one, too.
    let long = "s".repeat(60);
    server.connect().await.batch_execute(&format!("CREATE SCHEMA {long}")).await.unwrap();
    let store =
        postgres::open(&one.url.replace(&format!("%3D{}", one.name), &format!("%3D{long}")), LeaseClock::Caller)
            .await
            .unwrap();
    store.engine().commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
}

#[tokio::test]
async fn a_process_that_hangs_in_a_commit_does_not_hold_up_the_others() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let proxy = Proxy::start(server, Cut::Hang);
    let hangs = postgres::open(&server.through(proxy.folder.path(), &schema.name), LeaseClock::Caller).await.unwrap();
    let goes_on = open(&schema).await;
    proxy.cut.store(true, Ordering::SeqCst);
    // The database ends the transaction that hears nothing more, and the other has its turn.
    let (hung, went_on) = tokio::join!(
        hangs.engine().commit(vec![put("a", Expect::Absent, "1")]),
        comes("a commit", async || {
            !proxy.cut.load(Ordering::SeqCst) && goes_on.engine().commit(vec![put("b", Expect::Any, "1")]).await.is_ok()
        }),
    );
    assert!(hung.is_err(), "{went_on:?}");
    assert!(hangs.engine().get(Kind::Meta, "a").await.unwrap().is_none());
}

#[tokio::test]
async fn connections_that_the_server_ends_are_made_anew() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let ended = Schema { url: format!("{}&application_name=ended", schema.url), ..schema };
    let store = open(&ended).await;
    let heard = Listener::of(&[Kind::Meta]);
    store.follow(heard.clone());
    let other = open(&ended).await;
    for n in 0..5 {
        let id = n.to_string();
        store.engine().commit(vec![put(&id, Expect::Absent, "1")]).await.unwrap();
        let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'";
        server.connect().await.batch_execute(ends).await.unwrap();
        // One that meets a dead connection is refused, and the next is not.
        comes("a commit", async || other.engine().commit(vec![put("x", Expect::Any, "1")]).await.is_ok()).await;
        comes("a commit", async || store.engine().commit(vec![put("y", Expect::Any, &id)]).await.is_ok()).await;
        comes("a change", async || heard.has(Kind::Meta, "y") == Some(id.clone())).await;
    }
}

#[tokio::test]
async fn a_database_that_is_no_place_is_refused() {
    let Some(server) = server() else { return };
    let words = async |url: &str| {
        postgres::open(url, LeaseClock::Database).await.err().map(|error| format!("{error:#}")).unwrap()
    };
    for url in [
        "postgresql+asyncpg://muster:hunter2@localhost/x?sslmode=disable",
        "\"postgres://muster:hunter2@localhost/x\"",
        "postgres://muster:pa@ss?hunter2=x@localhost/x",
        "nonsense",
        "postgres://muster:hunter2@localhost:1/x",
        "postgres:///x",
        "postgres://muster:hunter2@localhost:nan/x",
    ] {
        let said = words(url).await;
        assert!(said.contains("the database cannot be reached") || said.contains("address of the database"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    server.connect().await.batch_execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0").await.unwrap();
    let latin = server.schema().await.url.replace("/postgres?", "/latin?");
    let said = words(&latin).await;
    assert!(said.contains("encoding LATIN1"), "{said}");
}

/// The program on a database, with TLS that is checked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_uses_a_database_behind_tls() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let directory = crate::harness::folder();
    let (_sandbox, mut variables) = crate::program::set_up(directory.path()).await;
    on_postgres(directory.path());
    let url = format!(
        "postgres://muster:hunter2@localhost:{}/postgres?sslmode=require&options=-csearch_path%3D{}",
        server.port, schema.name
    );
    let run = |arguments: &[&str], variables: &muster::config::Variables| {
        let path = directory.path().join("muster.toml");
        let output =
            crate::harness::muster().args(arguments).arg("--config").arg(path).envs(variables).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!said.contains("hunter2"), "{said}");
        (output.status.success(), said)
    };
    let (well, said) = run(&["check"], &variables);
    assert!(!well && said.contains("muster.toml:") && said.contains("the variable DATABASE_URL is not set"), "{said}");
    variables.insert("DATABASE_URL".to_owned(), url);
    let (well, said) = run(&["check"], &variables);
    assert!(well && said.contains("--online asks the database itself"), "{said}");
    let (well, said) = run(&["export", "-"], &variables);
    assert!(!well && said.contains("the database cannot be reached") && said.contains("certificate"), "{said}");
    variables.insert("SSL_CERT_FILE".to_owned(), server.folder.join("ca.pem").to_str().unwrap().to_owned());
    let (well, said) = run(&["export", "-"], &variables);
    assert!(well && said.contains("0 records exported"), "{said}");
    let (well, said) = run(&["check", "--online"], &variables);
    assert!(well && said.contains("database        it answers; its tables are there"), "{said}");
    let (well, said) = run(&["store", "check"], &variables);
    assert!(!well && said.contains("docs/postgres.md"), "{said}");
}

/// Puts the configuration in this folder on a database.
pub fn on_postgres(folder: &Path) {
    let path = folder.join("muster.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replace("[store]\n", "[store]\nengine = \"postgres\"\n")).unwrap();
}

/// A second process's worth of Muster on the database of a bot.
async fn second(bot: &Bot, schema: &Schema) -> Muster {
    let (text, variables) = config(&bot.sandbox, &Setup::default());
    let config = Config::parse("test.toml", &text, &variables).unwrap();
    Muster::new(config, open(schema).await, bot.clock.clone()).await.unwrap()
}

#[tokio::test]
async fn what_one_muster_does_another_knows_within_a_second() {
    let Some(server) = server() else { return };
    let schema = server.schema().await;
    let bot = Bot::set_up(Setup { store: Some(open(&schema).await), ..Setup::default() }).await;
    let other = second(&bot, &schema).await;
    let silenced = |muster: &Muster| muster.app.models.silences.read().lasting(bot.clock.now()).count();
    assert_eq!(silenced(&other), 0);
    let body = json!({"match": "asset=w.t*", "until": "2026-11-23T09:00:00Z", "reason": "backfill", "owner": "ci"});
    let (status, answer) = bot.post("/api/v1/silences", Some(API_TOKEN), &body).await;
    assert_eq!(status, 201, "{answer}");
    comes("the silence", async || silenced(&other) == 1).await;
    bot.alert("dq", json!({"title": "orders are late", "key": "k", "asset": "warehouse.orders"})).await;
    // Also where nobody hears the notification.
    let deaf = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'";
    server.connect().await.batch_execute(deaf).await.unwrap();
    comes("the bad asset", async || *other.app.models.health.read() == *bot.muster.app.models.health.read()).await;
    // Where it missed too much, it reads everything anew, whatever is told meanwhile.
    let deletes = format!("DELETE FROM {}.muster_feed", schema.name);
    bot.post(
        "/hooks/dq",
        Some(TOKEN),
        &json!({"title": "rows are missing", "key": "l", "asset": "warehouse.orders_daily"}),
    )
    .await;
    server.connect().await.batch_execute(&deletes).await.unwrap();
    bot.settle().await;
    comes("everything", async || {
        muster::delivery::upkeep::catch_up(&other.app).await;
        bot.settle().await;
        *other.app.models.health.read() == *bot.muster.app.models.health.read()
    })
    .await;
    crate::read_models::same(&other.app.models, &ReadModels::read(&bot.muster.app.store).await.unwrap());
    // And the other way round: what the second decides, the first knows.
    other.app.subscribe_to("orders-team", &ANA.into(), true).await.unwrap();
    comes("the subscription", async || !bot.muster.app.models.subscriptions.read().of(&ANA.into()).is_empty()).await;
    bot.end().await;
}
