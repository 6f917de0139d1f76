//! FLOOR 2. Load, decide, commit: the one path of every change. And the queries behind answers, modals and the API.
//!
//! [`App::execute`] is the path for one incident; [`triage`] is the same path for the flood of alerts, many in one
//! commit. Nothing here calls Slack or PagerDuty.

pub mod catalog;
pub mod chat;
mod follows;
pub mod health;
mod home;
mod intake;
pub mod job;
pub mod lineage;
pub mod queries;
mod records;
mod roster;
pub mod shared;
pub mod triage;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::json;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::permission::Standing;
use crate::domain::runbook::{Library, Runbook};
use crate::domain::{Actor, Command, Context, Decision, Incident, Policy, Refusal, Time, decide};
use crate::messages::Templates;
use crate::slack::client::Member;
use crate::store::{CommitError, Expect, Kind, Op, ReadError, Store, after_prefix, scan_prefix};
use crate::telemetry::Metrics;
use crate::tr;

use job::Job;

/// How often a decision is made anew when somebody else was first.
const MAX_TRIES: usize = 8;

/// Why nothing was done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The decision was no; the words are for the one who asked.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// There is no such incident.
    #[error("{0}")]
    NotFound(String),
    /// It was not said which incident is meant.
    #[error(
        "This is not an incident's channel, so say which incident you mean: `/incident INC-12 ack`. `/incident list` shows what is open."
    )]
    WhichIncident,
    /// This very delivery was dealt with before.
    #[error("{}", tr!("this was done already"))]
    Duplicate,
    /// What was asked makes no sense; the words say what would.
    #[error("{0}")]
    Invalid(String),
    /// A source sends faster than it may.
    #[error("{}", tr!("the source {name} sends more than its {rate} requests a minute; send it again a little later", name = .name, rate = .rate))]
    TooFast {
        /// Which.
        name: String,
        /// What it may.
        rate: u32,
    },
    /// The store cannot write, or too many were faster.
    #[error("{}", tr!("Muster cannot save anything right now; nothing was changed. Please try again in a moment. ({reason})", reason = .0))]
    Unavailable(String),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Names a delivery, so that a redelivery changes nothing. Kept for two to three days.
#[derive(Debug, Clone)]
pub struct DeliveryId(pub String);

/// Who asks, and what else belongs into the same commit.
pub struct Asked {
    /// Who.
    pub actor: Actor,
    /// What we know of them.
    pub standing: Standing,
    /// The delivery that carried it.
    pub delivery: Option<DeliveryId>,
    /// What else must be true and written with it: the end of an outbox entry, an index.
    pub also: Vec<Op>,
}

impl Asked {
    /// Muster itself asks.
    pub fn by_muster(also: Vec<Op>) -> Self {
        Self { actor: Actor::Muster, standing: Standing::Muster, delivery: None, also }
    }
}

/// Muster's state and rules.
pub struct App {
    /// Everything that lasts.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The configuration.
    pub config: Config,
    /// What decisions read of it.
    pub policy: Policy,
    /// The runbooks.
    pub library: Library,
    /// The words.
    pub templates: Templates,
    /// What is counted.
    pub metrics: Metrics,
    /// Tells the outbox worker that there is work.
    pub wake: Notify,
    people: RwLock<HashMap<String, Member>>,
    workspace_url: RwLock<Option<String>>,
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    triage: triage::Triage,
    pace: intake::Pace,
    flaps: triage::Flaps,
    /// When this process began.
    started: Time,
    silences: RwLock<Vec<crate::domain::triage::Silence>>,
    rosters: RwLock<HashMap<String, roster::Roster>>,
    follows: RwLock<follows::Follows>,
    homes: Mutex<home::Homes>,
    channels: RwLock<shared::Channels>,
    /// The assets and what they are made of.
    pub catalog: catalog::Catalog,
    health: RwLock<health::Health>,
}

#[derive(rust_embed::RustEmbed)]
#[folder = "runbooks/"]
struct ShippedRunbooks;

/// The shipped runbooks, with those of a folder over them (same id) or beside them.
///
/// # Errors
/// The first file that is wrong, with its line.
pub fn load_library(folder: Option<&std::path::Path>) -> anyhow::Result<Library> {
    let mut books: HashMap<String, (String, Runbook)> = HashMap::new();
    for file in ShippedRunbooks::iter().filter(|file| file.ends_with(".md")) {
        if let Some(content) = ShippedRunbooks::get(&file) {
            let name = format!("runbooks/{file}");
            let book = Runbook::parse(&name, &String::from_utf8_lossy(&content.data))?;
            books.insert(book.head.id.clone(), (name, book));
        }
    }
    let mut own = Vec::new();
    if let Some(folder) = folder {
        let entries = std::fs::read_dir(folder)
            .map_err(|error| anyhow::anyhow!("{}: cannot be read: {error}", folder.display()))?;
        for path in entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| anyhow::anyhow!("{}: cannot be read: {error}", path.display()))?;
            let name = path.display().to_string();
            own.push((name.clone(), Runbook::parse(&name, &text)?));
        }
    }
    for (_, book) in &own {
        books.remove(&book.head.id);
    }
    let mut all: Vec<_> = books.into_values().chain(own).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(Library::new(all)?)
}

impl App {
    /// Puts it together. Templates and runbooks are parsed here, so that a bad file stops the start.
    ///
    /// # Errors
    /// A bad file, or a store that cannot be read.
    pub fn new(config: Config, store: Store, clock: Clock) -> anyhow::Result<Self> {
        let templates = Templates::load(config.message_templates.path.as_deref())?;
        if !templates.words().is_empty() {
            crate::words::install(templates.words().clone());
        }
        let library = load_library(config.runbooks.path.as_deref())?;
        let mut people = HashMap::new();
        for rec in scan_prefix(&*store, Kind::Person, "")? {
            if let Ok(member) = serde_json::from_value::<Member>(rec.body) {
                people.insert(member.id.clone(), member);
            }
        }
        let follows = follows::load(&*store)?;
        let rosters = scan_prefix(&*store, Kind::Roster, "")?.into_iter();
        let rosters = rosters.filter_map(|rec| Some((rec.id, serde_json::from_value(rec.body).ok()?))).collect();
        let workspace_url =
            store.get(Kind::Meta, "workspace")?.and_then(|rec| rec.body["url"].as_str().map(str::to_owned));
        let catalog = catalog::Catalog::load(&*store, config.lineage.naming()?)?;
        let health = health::Health::load(&*store)?;
        let channels = shared::Channels::load(&*store)?;
        let started = clock.now();
        let silences = triage::load_silences(&*store, clock.now())?;
        Ok(Self {
            catalog,
            health: RwLock::new(health),
            policy: config.policy(),
            config,
            store,
            clock,
            library,
            templates,
            metrics: Metrics::default(),
            wake: Notify::new(),
            people: RwLock::new(people),
            workspace_url: RwLock::new(workspace_url),
            locks: Mutex::default(),
            triage: triage::Triage::default(),
            pace: intake::Pace::default(),
            flaps: triage::Flaps::default(),
            started,
            silences: RwLock::new(silences),
            rosters: RwLock::new(rosters),
            follows: RwLock::new(follows),
            homes: Mutex::default(),
            channels: RwLock::new(channels),
        })
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// How a person is called; the id for somebody Slack has not told us of.
    pub fn name(&self, id: &str) -> String {
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        people.get(id).map_or_else(|| id.to_owned(), |member| member.name.clone())
    }

    /// What we know of somebody in Slack. `team` is the workspace that Slack says they belong to.
    pub fn standing(&self, id: &str, team: Option<&str>) -> Standing {
        let ours = &self.config.slack.team_id;
        if team.is_some_and(|team| !team.is_empty() && team != ours) {
            return Standing::Stranger;
        }
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        match people.get(id) {
            None => Standing::Unknown,
            Some(member) if !member.team.is_empty() && member.team != *ours => Standing::Stranger,
            Some(member) if member.barred => Standing::Barred,
            Some(member) if member.guest => Standing::Guest,
            Some(_) => Standing::Member,
        }
    }

    /// Who is called so, by the name, the first word of it, or the address before the `@`.
    fn called(&self, name: &str) -> Vec<String> {
        let name = name.to_lowercase();
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        let is_called = |member: &&Member| {
            let full = member.name.to_lowercase();
            let address = member.email.as_deref().and_then(|email| email.split('@').next());
            let first = full.split_whitespace().next();
            !member.barred && (full == name || first == Some(&name) || address == Some(&name))
        };
        people.values().filter(is_called).map(|member| member.id.clone()).collect()
    }

    /// Remembers people.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn remember_people(&self, members: Vec<Member>, mut also: Vec<Op>) -> Result<(), Failure> {
        for member in &members {
            also.push(Op::put(Kind::Person, &member.id, Expect::Any, serde_json::to_value(member).unwrap_or_default()));
        }
        self.commit(also).await?;
        let mut people = self.people.write().unwrap_or_else(PoisonError::into_inner);
        people.extend(members.into_iter().map(|member| (member.id.clone(), member)));
        Ok(())
    }

    /// The address of a message on the web.
    pub fn link(&self, message: &crate::domain::incident::MessageRef) -> String {
        let url = self.workspace_url.read().unwrap_or_else(PoisonError::into_inner);
        let base = url.as_deref().unwrap_or("https://slack.com/").trim_end_matches('/');
        format!("{base}/archives/{}/p{}", message.channel, message.ts.replace('.', ""))
    }

    /// The address of a canvas on the web.
    pub fn canvas_link(&self, canvas: &str) -> String {
        let url = self.workspace_url.read().unwrap_or_else(PoisonError::into_inner);
        let base = url.as_deref().unwrap_or("https://slack.com/").trim_end_matches('/');
        format!("{base}/docs/{}/{canvas}", self.config.slack.team_id)
    }

    /// Remembers the workspace's address.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn remember_workspace(&self, url: &str) -> Result<(), Failure> {
        self.commit(vec![Op::put(Kind::Meta, "workspace", Expect::Any, json!({"v": 1, "url": url}))]).await?;
        *self.workspace_url.write().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
        Ok(())
    }

    /// Commits ops that need no decision.
    ///
    /// # Errors
    /// A conflict is a duplicate; else the store cannot write.
    pub async fn commit(&self, ops: Vec<Op>) -> Result<(), Failure> {
        match self.store.commit(ops).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => Err(Failure::Duplicate),
            Err(error) => Err(Failure::Unavailable(error.to_string())),
        }
    }

    /// What makes a delivery count once, to be written with what it changes.
    fn once(&self, delivery: Option<&DeliveryId>) -> Vec<Op> {
        delivery.map(|delivery| records::delivery_ops(delivery, self.now())).unwrap_or_default()
    }

    /// Forgets deliveries that nobody redelivers any more, a page at a time; how many.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn forget_old_deliveries(&self) -> Result<usize, Failure> {
        let old = self.store.scan(Kind::Delivery, "", &records::deliveries_before(self.now()), 500)?;
        let ops: Vec<_> =
            old.iter().map(|rec| Op::Del { kind: Kind::Delivery, id: rec.id.clone(), expect: Expect::Any }).collect();
        if !ops.is_empty() {
            self.commit(ops).await?;
        }
        Ok(old.len())
    }

    /// Puts a job of Muster's own into the outbox, once: one of the same name that waits already is enough.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn enqueue(&self, name: &str, job: Job) -> Result<(), Failure> {
        match self.commit(vec![job.enqueue(name, self.now())]).await {
            Ok(()) | Err(Failure::Duplicate) => {
                self.wake.notify_waiters();
                Ok(())
            }
            other => other,
        }
    }

    /// The one path: load, decide, commit, wake. Decides anew when somebody else was first.
    ///
    /// # Errors
    /// A refusal in words, or why nothing could be done.
    pub async fn execute(&self, uid: Option<&str>, command: &Command, asked: Asked) -> Result<Decision, Failure> {
        // New incidents take turns too, since each takes the next number.
        let lock = self.lock(uid.unwrap_or_default());
        let _turn = lock.lock().await;
        let guard = self.once(asked.delivery.as_ref());
        let mut last = String::new();
        for _ in 0..MAX_TRIES {
            let loaded = uid.map(|uid| self.load(uid, command)).transpose()?;
            let next_number = self.next_number()?;
            let context = self.context(&asked, self.clock.fresh_id(), next_number.0);
            let decision = decide(loaded.as_ref().map(|loaded| &loaded.case), command, &context)?;
            // What must hold beforehand is looked at first.
            let mut ops: Vec<Op> = guard.iter().chain(&asked.also).cloned().collect();
            ops.extend(records::ops(loaded.as_ref(), &decision, next_number, self.now()));
            if ops.is_empty() {
                return Ok(decision);
            }
            match self.store.commit(ops).await {
                Ok(_) => {
                    self.follow(std::slice::from_ref(&decision));
                    if loaded.is_none() && !decision.case.incident.drill {
                        self.metrics.incidents.inc();
                    }
                    self.wake.notify_waiters();
                    return Ok(decision);
                }
                Err(CommitError::Conflict { kind: Kind::Delivery | Kind::Pin | Kind::Outbox | Kind::Held, .. }) => {
                    return Err(Failure::Duplicate);
                }
                Err(CommitError::Conflict { kind, id }) => {
                    last = format!("{kind:?} {id} kept changing");
                }
                Err(error) => return Err(Failure::Unavailable(error.to_string())),
            }
        }
        Err(Failure::Unavailable(last))
    }

    fn context<'a>(&'a self, asked: &Asked, fresh: String, next_number: u64) -> Context<'a> {
        Context {
            now: self.now(),
            fresh,
            next_number,
            actor: asked.actor.clone(),
            standing: asked.standing,
            policy: &self.policy,
            library: &self.library,
            tier: None,
            people: self,
        }
    }

    /// The number that a new incident gets, and the counter's version.
    fn next_number(&self) -> Result<(u64, Option<u64>), Failure> {
        let counter = self.store.get(Kind::Meta, records::COUNTER)?;
        let last = counter.as_ref().and_then(|rec| rec.body["last"].as_u64()).unwrap_or(0);
        Ok((last + 1, counter.map(|rec| rec.ver)))
    }

    fn load(&self, uid: &str, command: &Command) -> Result<records::Loaded, Failure> {
        records::load(&*self.store, uid, command)?
            .ok_or_else(|| Failure::NotFound(tr!("There is no such incident any more.")))
    }

    fn lock(&self, uid: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks nobody holds are let go once there are many.
        if locks.len() > 1000 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        locks.entry(uid.to_owned()).or_default().clone()
    }

    /// The incident of this uid.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn incident(&self, uid: &str) -> Result<Option<Incident>, Failure> {
        Ok(self.store.get(Kind::Incident, uid)?.and_then(|rec| serde_json::from_value(rec.body).ok()))
    }

    fn uid_in(&self, kind: Kind, id: &str) -> Result<Option<String>, Failure> {
        Ok(self.store.get(kind, id)?.and_then(|rec| rec.body["uid"].as_str().map(str::to_owned)))
    }

    /// The uid of `INC-number`.
    ///
    /// # Errors
    /// There is no such incident.
    pub fn uid_of_number(&self, number: u64) -> Result<String, Failure> {
        self.uid_in(Kind::Number, &records::newest_first(number))?.ok_or_else(|| Self::no_such(number))
    }

    fn no_such(number: u64) -> Failure {
        Failure::NotFound(tr!("There is no INC-{number}. `/incident list` shows what is open.", number = number))
    }

    /// Whose eyes a list is for: admins see everything.
    fn viewer(&self, user: &str) -> Option<String> {
        (!self.is_among(user, &self.policy.permissions.admins)).then(|| user.to_owned())
    }

    /// Whether somebody may see an incident.
    fn may_see(&self, uid: &str, user: &str) -> Result<bool, Failure> {
        let Some((incident, viewer)) = self.incident(uid)?.zip(self.viewer(user)) else {
            return Ok(true);
        };
        if incident.may_be_seen_by(&viewer) {
            return Ok(true);
        }
        // Whoever has a task there is in it, too.
        let tasks = format!("{user}/{}/", records::newest_first(incident.number));
        Ok(!self.store.scan(Kind::Mine, &tasks, &after_prefix(&tasks), 1)?.is_empty())
    }

    /// The incident whose channel this is now: nobody else's may be. One that was only worked in is free again when it is over.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn at_home_in(&self, channel: &str) -> Result<Option<String>, Failure> {
        let Some(uid) = self.uid_of_channel(channel)? else {
            return Ok(None);
        };
        let lives_there = self.incident(&uid)?.is_some_and(|incident| {
            let open = incident.status.is_open();
            incident.channel.is_some_and(|known| known.id == channel && (open || !known.linked))
        });
        Ok(lives_there.then_some(uid))
    }

    /// The incident that a channel was of last, or a thread (`channel/thread`).
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn uid_of_channel(&self, channel: &str) -> Result<Option<String>, Failure> {
        self.uid_in(Kind::Channel, channel)
    }
}

/// What decisions ask about people.
impl crate::domain::decide::People for App {
    fn name(&self, id: &str) -> String {
        App::name(self, id)
    }

    fn belongs(&self, person: &str, to: &[String]) -> bool {
        self.is_among(person, to)
    }

    fn standing(&self, person: &str) -> Standing {
        App::standing(self, person, None)
    }

    fn on_duty(&self, service: Option<&str>) -> Vec<crate::domain::incident::Duty> {
        self.duty_of(service)
    }
}
