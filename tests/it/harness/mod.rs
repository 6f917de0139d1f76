//! The vocabulary of stories: `Bot::start()`, `bot.alert(..)`, `bot.slack().channel("inc-1-…").expect("…")`,
//! `.button("Acknowledge").click()`, `bot.advance(minutes(15))`.
//!
//! A bot is the real one: its doors on a port of their own, its worker stepped, its clock moved by hand; the other side is
//! the sandbox. A message that no story reads fails it at [`Bot::finish`], as does an exchange that the services' own
//! schemas do not allow.

pub mod engine;
mod limit;
pub mod postgres;
pub mod surfaces;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use muster::Muster;
use muster::clock::Clock;
use muster::config::{Config, Variables};
use muster::domain::Lane;
use muster::records::Dead;
use muster::sandbox::{Answer, MessageView, Sandbox, SandboxConfig};
use muster::store::{Expect, Kind, MemoryEngine, Op, Range, Step, Store, Written, sled};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use limit::within_time;

pub const TOKEN: &str = "a-token-of-a-source";
pub const API_TOKEN: &str = "a-token-of-the-api";
pub const PD_TOKEN: &str = "fedcba9876543210fedcba9876543210";
pub const ANA: &str = "U0ANA00001";
pub const BEN: &str = "U0BEN00001";
pub const CHLOE: &str = "U0CHLOE001";
pub const GUEST: &str = "U0GUEST001";
pub const STRANGER: &str = "U0STRANGE1";

/// An empty folder, which goes with the test.
pub fn folder() -> tempfile::TempDir {
    within_time();
    tempfile::tempdir().unwrap()
}

/// The program itself.
pub fn muster() -> std::process::Command {
    within_time();
    std::process::Command::new(env!("CARGO_BIN_EXE_muster"))
}

pub fn minutes(minutes: i64) -> Duration {
    Duration::minutes(minutes)
}

pub struct Bot {
    pub muster: Muster,
    pub sandbox: Sandbox,
    pub clock: Clock,
    pub base: String,
    pub http: reqwest::Client,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    read: Mutex<BTreeMap<String, usize>>,
    surfaces: surfaces::Surfaces,
}

/// How a bot is set up, where a story needs something else.
#[derive(Default)]
pub struct Setup {
    pub extra: String,
    pub variables: Vec<(&'static str, String)>,
    pub store: Option<Store>,
    pub sandbox: Option<(Sandbox, Clock)>,
}

/// What keeps a bot's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Memory,
    Sled,
    Postgres,
}

impl Engine {
    /// The one that stories run on: `MUSTER_TEST_ENGINE`, or memory.
    pub fn of_stories() -> Self {
        match std::env::var("MUSTER_TEST_ENGINE").as_deref() {
            Err(_) | Ok("memory") => Self::Memory,
            Ok("sled") => Self::Sled,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("MUSTER_TEST_ENGINE is {other}, and there are memory, sled and postgres"),
        }
    }

    /// An empty store; `None` where there is no PostgreSQL.
    pub async fn store(self) -> Option<Store> {
        match self {
            Self::Memory => Some(MemoryEngine::open().unwrap()),
            Self::Sled => Some(sled::open(&folder_of_this_run()).unwrap()),
            Self::Postgres => postgres::store().await,
        }
    }
}

/// A new folder for a store. Those of earlier runs, whose processes are gone, are removed first.
fn folder_of_this_run() -> PathBuf {
    static RUN: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    static FOLDERS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let run = RUN.get_or_init(|| {
        for folder in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
            let name = folder.file_name();
            let of = name.to_str().and_then(|name| name.strip_prefix("muster-stories-"));
            if of.is_some_and(|process| !std::path::Path::new("/proc").join(process).exists()) {
                let _ = std::fs::remove_dir_all(folder.path());
            }
        }
        std::env::temp_dir().join(format!("muster-stories-{}", std::process::id()))
    });
    run.join(FOLDERS.fetch_add(1, std::sync::atomic::Ordering::SeqCst).to_string())
}

pub fn start_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 6, 0, 0).unwrap()
}

pub async fn sandbox(clock: &Clock) -> Sandbox {
    within_time();
    muster::telemetry::install_crypto();
    let time = clock.clone();
    let sandbox = Sandbox::start(SandboxConfig::new(Arc::new(move || time.now()))).await.unwrap();
    let slack = sandbox.slack();
    slack.add_user(ANA, "ana", "Ana");
    slack.add_user(BEN, "ben", "Ben");
    slack.add_user(CHLOE, "chloe", "Chloe");
    slack.add_guest(GUEST, "guest", "A guest");
    slack.add_stranger(STRANGER, "stranger", "T0OTHER000");
    slack.add_group("S0ORDERS01", &[BEN, CHLOE]);
    slack.add_channel("data-incidents", &[ANA, BEN, CHLOE]);
    sandbox
}

/// The configuration that stories use.
pub fn config(sandbox: &Sandbox, setup: &Setup) -> (String, Variables) {
    let text = format!(
        r#"
[slack]
team_id = "T0MUSTER00"
app_id = "A0MUSTER00"
api_url = "{}"
timeout_seconds = 2
[pagerduty]
events_url = "{}"
[[sources]]
name = "prom"
kind = "alertmanager"
token_env = "SOURCE_TOKEN"
[[sources]]
name = "dq"
kind = "generic"
token_env = "SOURCE_TOKEN"
[[sources]]
name = "auto"
kind = "generic"
token_env = "SOURCE_TOKEN"
on_green = "resolve"
[[sources]]
name = "quiet"
kind = "generic"
token_env = "SOURCE_TOKEN"
on_green = "nothing"
[[sources]]
name = "pd"
kind = "pagerduty_v2"
token_env = "PD_TOKEN"
[[sources]]
name = "mapped"
kind = "generic"
token_env = "SOURCE_TOKEN"
[sources.mapping]
each = "/checks"
title = "/name"
key = "/id"
status = "/outcome"
resolved_values = ["pass"]
asset = "/table"
default_pillar = "volume"
[[teams]]
name = "orders-team"
slack = "S0ORDERS01"
[[services]]
name = "orders-pipeline"
assets = ["warehouse.orders*", "analytics.orders*"]
owner = "orders-team"
[[services]]
name = "finance"
assets = ["finance.*"]
tier = 1
{}
"#,
        sandbox.slack_api_url(),
        sandbox.pagerduty_url(),
        setup.extra,
    );
    let settings = SandboxConfig::new(Arc::new(start_time));
    let mut variables: Variables = [
        ("MUSTER_SLACK__BOT_TOKEN", settings.bot_token.as_str()),
        ("MUSTER_SLACK__SIGNING_SECRET", &settings.signing_secret),
        ("MUSTER_PAGERDUTY__ROUTING_KEY", &settings.routing_keys[0]),
        ("MUSTER_PAGERDUTY__WEBHOOK_SECRETS", &settings.pagerduty_webhook_secret),
        ("MUSTER_API__TOKEN", API_TOKEN),
        ("SOURCE_TOKEN", TOKEN),
        ("PD_TOKEN", PD_TOKEN),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    variables.extend(setup.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    (text, variables)
}

impl Bot {
    pub async fn start() -> Self {
        Self::set_up(Setup::default()).await
    }

    pub async fn set_up(setup: Setup) -> Self {
        let (sandbox, clock) = match setup.sandbox.clone() {
            Some(given) => given,
            None => {
                let clock = Clock::manual(start_time());
                (sandbox(&clock).await, clock)
            }
        };
        let (text, variables) = config(&sandbox, &setup);
        let config = Config::parse("test.toml", &text, &variables).unwrap();
        let store = match setup.store.clone() {
            Some(store) => store,
            None => Engine::of_stories().store().await.expect("the engine that was asked for is there"),
        };
        let muster = Muster::new(config.clone(), store.clone(), clock.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        sandbox.connect(&base);
        let (stop, stopped) = watch::channel(false);
        let serves = muster.clone();
        let serving = tokio::spawn(async move { serves.serve(listener, stopped).await });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let surfaces = surfaces::Surfaces { sandbox: sandbox.clone(), goes_on: false };
        let bot = Self { muster, sandbox, clock, base, http, stop, serving, read: Mutex::default(), surfaces };
        bot.muster.worker.start().await.unwrap();
        bot.settle().await;
        bot
    }

    /// Lets what is due happen until a method of Slack was called so often, and nothing after it.
    pub async fn run_until_called(&self, method: &str, count: usize) {
        let called = || self.sandbox.traffic().iter().filter(|call| call.path == method).count();
        for _ in 0..200 {
            self.sandbox.deliver().await;
            for lane in Lane::ALL {
                if called() >= count {
                    return;
                }
                self.muster.worker.run_due(lane).await;
            }
            let now = self.clock.now().timestamp_millis();
            let due = self.muster.app.store.next_due("slack").await.unwrap();
            if let Some(due) = due.filter(|due| *due > now && *due - now <= 1_500) {
                self.clock.advance(Duration::milliseconds(due - now));
            }
        }
        panic!("{method} was not called {count} times");
    }

    /// Stops this bot as a crash would: nothing is finished, and the store goes on with the next.
    pub fn crash(mut self) -> Setup {
        let _ = self.stop.send(true);
        self.surfaces.goes_on = true;
        Setup {
            store: Some(self.muster.app.store.clone()),
            sandbox: Some((self.sandbox, self.clock)),
            ..Setup::default()
        }
    }

    /// Stops this bot as an operator does: its store is closed when this comes back.
    pub async fn stop(mut self) {
        self.surfaces.goes_on = true;
        let Self { muster, sandbox, http, stop, serving, .. } = self;
        stop.send(true).unwrap();
        drop((http, sandbox));
        serving.await.unwrap().unwrap();
        drop(muster);
        // The rounds end once there is no app; so the store is let go by whoever is last.
        tokio::task::yield_now().await;
    }

    /// Lets everything that is due happen, on both sides. Slack's pace of one post a second passes in no time.
    pub async fn settle(&self) {
        for _ in 0..5000 {
            let mut count = self.sandbox.deliver().await;
            muster::delivery::upkeep::catch_up(&self.muster.app).await;
            for lane in Lane::ALL {
                count += self.muster.worker.run_due(lane).await;
            }
            if count > 0 {
                continue;
            }
            let now = self.clock.now().timestamp_millis();
            match self.muster.app.store.next_due("slack").await.unwrap() {
                Some(due) if due - now <= 1_500 => self.clock.advance(Duration::milliseconds((due - now).max(1))),
                _ => return,
            }
        }
        panic!("the outbox does not come to rest");
    }

    /// Lets time pass: from one moment at which something is due to the next, and to the end. What [`Self::settle`] lets pass comes
    /// on top.
    pub async fn advance(&self, by: Duration) {
        let mut left = by;
        while left > Duration::zero() {
            let now = self.clock.now().timestamp_millis();
            let mut due = Vec::new();
            for lane in Lane::ALL {
                due.extend(self.muster.app.store.next_due(lane.as_str()).await.unwrap());
            }
            let wait = due.into_iter().min().map_or(left, |due| Duration::milliseconds((due - now).max(1)));
            let step = wait.min(left);
            self.clock.advance(step);
            left -= step;
            self.settle().await;
        }
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body.to_string());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    pub async fn put(&self, path: &str, body: String) -> (u16, Value) {
        let answer =
            self.http.put(format!("{}{path}", self.base)).bearer_auth(API_TOKEN).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        self.settle().await;
        (status, answer.json().await.unwrap_or_default())
    }

    /// An address whatever it answers: status, content type, body.
    pub async fn look(&self, path: &str) -> (u16, String, Vec<u8>) {
        let answer = self.http.get(format!("{}{path}", self.base)).bearer_auth(API_TOKEN).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), kind, answer.bytes().await.unwrap().to_vec())
    }

    /// The shop's lineage, as dbt wrote it.
    pub async fn shop(&self) -> Value {
        let (status, answer) = self.put("/api/v1/catalog/dbt", fixture("dbt/manifest.json")).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// An alert comes in and everything it leads to happens.
    pub async fn alert(&self, source: &str, body: Value) -> Value {
        let (status, answer) = self.post(&format!("/hooks/{source}"), Some(TOKEN), &body).await;
        assert_eq!(status, 202, "{answer}");
        self.settle().await;
        answer
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.base)).bearer_auth(API_TOKEN).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    pub async fn text(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.base)).bearer_auth(API_TOKEN).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    pub async fn incident(&self, number: u64) -> Value {
        self.get(&format!("/api/v1/incidents/INC-{number}")).await
    }

    /// The channel of an incident.
    pub fn inc(&self, number: u64) -> Channel<'_> {
        let channels = self.sandbox.slack().channels();
        let found = channels.iter().find(|channel| channel.name.starts_with(&format!("inc-{number}-")));
        let names: Vec<_> = channels.iter().map(|channel| &channel.name).collect();
        Channel {
            bot: self,
            name: found.unwrap_or_else(|| panic!("there is no channel of INC-{number} among {names:?}")).name.clone(),
        }
    }

    pub fn channel(&self, name: &str) -> Channel<'_> {
        Channel { bot: self, name: name.to_owned() }
    }

    /// A slash command; what only the asker reads.
    pub async fn slash(&self, user: &str, channel: &str, text: &str) -> String {
        let answer = self.sandbox.slack().command(user, channel, text).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.settle().await;
        answer.text()
    }

    pub async fn submit(&self, user: &str, values: Value) -> Answer {
        for open in self.sandbox.slack().open_views(user) {
            super::schemas::check_modal(&open.view);
        }
        let answer = self.sandbox.slack().submit(user, &values).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.settle().await;
        answer
    }

    /// The story is over: nothing is left unsaid, and all that was exchanged is as the services' own schemas have it.
    pub async fn finish(self) {
        self.settle().await;
        let mut unread = Vec::new();
        for channel in self.sandbox.slack().channels() {
            let seen = self.read.lock().unwrap().get(&channel.name).copied().unwrap_or(0);
            unread.extend(
                self.of_bot(&channel.name)
                    .into_iter()
                    .skip(seen)
                    .map(|message| format!("#{}: {}", channel.name, message.text)),
            );
        }
        assert!(unread.is_empty(), "the story does not tell of these messages:\n{}", unread.join("\n---\n"));
        self.end().await;
    }

    /// Puts something into the store past all types.
    pub async fn put_raw(&self, kind: Kind, id: &str, body: Value) {
        let step = Step::Put(Expect::Any, Written { queued: None, shape: 1, body: body.to_string(), typed: None });
        self.muster.app.store.engine().commit(vec![Op { kind, id: id.to_owned(), step }]).await.unwrap();
    }

    /// As [`Self::finish`], where only the incidents' own channels are told of to the end.
    pub async fn finish_quietly(self) {
        self.settle().await;
        self.channel("data-incidents").skip_rest();
        self.finish().await;
    }

    /// As [`Self::finish`], for a test that is not about messages.
    pub async fn end(self) {
        self.end_with_given_up(0).await;
    }

    /// As [`Self::end`], where so many deliveries were given up.
    pub async fn end_with_given_up(self, given_up: usize) {
        super::schemas::check_exchanges(&self.sandbox.traffic());
        for channel in self.sandbox.slack().channels() {
            for message in self.of_bot(&channel.name) {
                super::schemas::check_message(&message);
            }
        }
        for channel in self.sandbox.slack().channels() {
            for user in [ANA, BEN, CHLOE, GUEST, STRANGER] {
                self.sandbox.slack().ephemerals(&channel.name, user).iter().for_each(super::schemas::check_message);
            }
        }
        for user in [ANA, BEN, CHLOE, GUEST] {
            super::schemas::check_blocks(&self.sandbox.slack().home_view(user)["blocks"]);
        }
        let dead = self.muster.app.store.values(Range::<Dead>::all()).await.unwrap();
        assert_eq!(dead.len(), given_up, "deliveries were given up: {dead:?}");
        let _ = self.stop.send(true);
    }

    fn of_bot(&self, channel: &str) -> Vec<MessageView> {
        self.sandbox.slack().messages(channel).into_iter().filter(|message| message.user == "muster").collect()
    }
}

/// A channel, as a story reads it.
pub struct Channel<'a> {
    bot: &'a Bot,
    pub name: String,
}

impl Channel<'_> {
    /// The next message of the bot holds these words; it is read now.
    #[track_caller]
    pub fn expect(&self, words: &str) -> Message<'_> {
        let messages = self.bot.of_bot(&self.name);
        let mut read = self.bot.read.lock().unwrap();
        let seen = read.entry(self.name.clone()).or_default();
        let next = messages
            .get(*seen)
            .unwrap_or_else(|| panic!("#{} has no further message; expected {words:?}", self.name))
            .clone();
        assert!(next.text.contains(words), "#{}: expected {words:?}, and read:\n{}", self.name, next.text);
        *seen += 1;
        Message { bot: self.bot, view: next }
    }

    /// The next messages of the bot hold these words, one each; what is due at one moment comes in any order.
    #[track_caller]
    pub fn expect_together(&self, words: &[&str]) {
        let mut read = self.bot.read.lock().unwrap();
        let seen = read.entry(self.name.clone()).or_default();
        let next: Vec<_> = self.bot.of_bot(&self.name).into_iter().skip(*seen).take(words.len()).collect();
        for words in words {
            assert!(
                next.iter().any(|message| message.text.contains(words)),
                "#{}: expected {words:?} among {next:#?}",
                self.name
            );
        }
        *seen += words.len();
    }

    /// Whatever comes is read without looking.
    pub fn skip_rest(&self) {
        let count = self.bot.of_bot(&self.name).len();
        self.bot.read.lock().unwrap().insert(self.name.clone(), count);
    }

    /// The latest message of the bot with these words, as it is now.
    #[track_caller]
    pub fn find(&self, words: &str) -> Message<'_> {
        let found = self.bot.of_bot(&self.name).into_iter().rev().find(|message| message.text.contains(words));
        let view = found.unwrap_or_else(|| {
            panic!("#{} has no message with {words:?}:\n{}", self.name, self.bot.sandbox.transcript())
        });
        Message { bot: self.bot, view }
    }

    /// The pinned card, as it is now.
    #[track_caller]
    pub fn card(&self) -> Message<'_> {
        let view = self.bot.of_bot(&self.name).into_iter().find(|message| message.pinned).expect("a pinned card");
        Message { bot: self.bot, view }
    }

    pub fn view(&self) -> muster::sandbox::ChannelView {
        self.bot.sandbox.slack().channel(&self.name).unwrap()
    }

    /// A slash command in this channel.
    pub async fn slash(&self, user: &str, text: &str) -> String {
        self.bot.slash(user, &self.name, text).await
    }

    /// Somebody goes into the channel.
    pub fn enter(&self, user: &str) {
        self.bot.sandbox.slack().enter(user, &self.name);
    }

    /// A shortcut on a message; what only the one who chose it reads.
    pub async fn shortcut(&self, user: &str, message: &MessageView, callback: &str) -> String {
        let slack = self.bot.sandbox.slack();
        let heard = slack.ephemerals(&self.name, user).len();
        let answer = slack.message_shortcut(user, message, callback).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        self.bot.settle().await;
        slack.ephemerals(&self.name, user).into_iter().skip(heard).map(|message| message.text).collect()
    }

    pub async fn say(&self, user: &str, text: &str) -> String {
        let ts = self.bot.sandbox.slack().say(user, &self.name, text);
        self.bot.settle().await;
        ts
    }
}

/// A message of the bot.
pub struct Message<'a> {
    bot: &'a Bot,
    pub view: MessageView,
}

impl<'a> Message<'a> {
    pub fn text(&self) -> &str {
        &self.view.text
    }

    pub fn button(&self, label: &str) -> Press<'a> {
        Press { bot: self.bot, view: self.view.clone(), label: label.to_owned() }
    }

    pub fn labels(&self) -> Vec<&str> {
        self.view.buttons.iter().map(|button| button.label.as_str()).collect()
    }
}

/// A button about to be pressed.
pub struct Press<'a> {
    bot: &'a Bot,
    view: MessageView,
    label: String,
}

impl Press<'_> {
    /// Presses it; what only the one who pressed reads, or nothing.
    pub async fn click(self, user: &str) -> String {
        let slack = self.bot.sandbox.slack();
        let heard = slack.ephemerals(&self.view.channel, user).len();
        let answer = slack.click(user, &self.view, &self.label).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "Slack shows nothing of the answer to a press");
        self.bot.settle().await;
        slack.ephemerals(&self.view.channel, user).into_iter().skip(heard).map(|message| message.text).collect()
    }
}

/// A stale table, as most stories begin.
pub fn stale_orders() -> Value {
    json!({"title": "orders are stale for 9 h", "key": "orders.freshness", "asset": "warehouse.orders", "pillar": "freshness", "severity": "critical", "url": "https://monitors.example.com/orders"})
}

pub fn resolved(mut alert: Value) -> Value {
    alert["status"] = json!("resolved");
    alert
}

/// A file that goes with the tests.
pub fn fixture(name: &str) -> String {
    within_time();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
