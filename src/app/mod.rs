//! FLOOR 2. Load, decide, commit: the one path of every change. And the queries behind answers, modals and the API.
//!
//! Every change is a [`Change`] and goes through [`App::make`]: it loads what it needs, decides, and says what is to be written; one commit
//! writes it. Only what reads nothing that it writes may go by [`App::commit`]. [`App::execute`] is the change of one incident by a command, [`correlate`] that of many by a flood of alerts. Nothing here calls Slack
//! or PagerDuty.

mod alert_moves;
pub mod cards;
pub mod catalog;
mod change;
pub mod correlate;
pub mod decided;
mod expiry;
mod external_channels;
mod flapping;
mod heartbeats;
mod home;
pub mod lineage;
pub mod lookup;
pub mod queries;
pub mod received;
mod roster;
mod subscriptions;
pub mod suppress;
mod verdicts;

pub use change::Change;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::command::Opening;
use crate::domain::permission::Standing;
use crate::domain::runbook::{Library, Runbook};
use crate::domain::visibility::Viewer;
use crate::domain::{Actor, Command, Context, Decision, Incident, Policy, Refusal, Time};
use crate::read_models::ReadModels;
use crate::records::outbox::{EntryId, Job, Outbox as _};
use crate::records::{Delivered, Mine, OfChannel, OfNumber, Workspace};
use crate::render::Templates;
use crate::slack::client::Member;
use crate::store::{Batch, Expect, Id, Range, ReadError, Store};
use crate::telemetry::Metrics;

/// So many roles and tasks of somebody are looked at.
const MINE_AT_MOST: usize = 500;

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
    #[error("this was done already")]
    Duplicate,
    /// What was asked makes no sense; the words say what would.
    #[error("{0}")]
    Invalid(String),
    /// A source sends faster than it may.
    #[error("the source {name} sends more than its {rate} requests a minute; send it again a little later")]
    TooFast {
        /// Which.
        name: String,
        /// What it may.
        rate: u32,
    },
    /// It is more than a record may hold; it will be so next time, too.
    #[error("This is too large to be kept, and nothing was changed; say it in fewer words. ({0})")]
    TooLarge(String),
    /// The store cannot write, or too many were faster.
    #[error("Muster cannot save anything right now; nothing was changed. Please try again in a moment. ({0})")]
    Unavailable(String),
}

impl Failure {
    /// Nobody knows `INC-number`, or not whoever asks.
    pub fn no_such(number: u64) -> Self {
        Self::NotFound(format!("There is no INC-{number}. `/incident list` shows what is open."))
    }
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
pub struct RequestMeta {
    /// Who.
    pub actor: Actor,
    /// What we know of them.
    pub standing: Standing,
    /// The delivery that carried it.
    pub delivery: Option<DeliveryId>,
    /// What else must be true and written with it: the end of an outbox entry, an index.
    pub also: Batch,
}

impl RequestMeta {
    /// Muster itself asks.
    pub fn by_muster(also: Batch) -> Self {
        Self { actor: Actor::Muster, standing: Standing::Muster, delivery: None, also }
    }
}

/// Muster's rules, and what they are about.
pub struct App {
    /// Everything that lasts.
    pub store: Store,
    /// What of it is held in memory.
    pub models: Arc<ReadModels>,
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
    /// The assets, and what they are made of.
    pub catalog: catalog::Catalog,
    /// What monitors posted, on its way to being kept.
    pub bodies: received::Bodies,
    turns: Turns,
    correlator: correlate::Correlator,
    pace: received::Pace,
    homes: Mutex<home::Homes>,
}

/// Whose turn it is to decide on an incident: decisions on one run one after another.
#[derive(Debug, Default)]
struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    fn of(&self, uid: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks nobody holds are let go once there are many.
        if locks.len() > 1000 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        locks.entry(uid.to_owned()).or_default().clone()
    }
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
    pub async fn new(config: Config, store: Store, clock: Clock) -> anyhow::Result<Self> {
        let templates = Templates::load(config.message_templates.path.as_deref())?;
        let library = load_library(config.runbooks.path.as_deref())?;
        let models = ReadModels::load(&store).await?;
        let started = clock.now();
        Ok(Self {
            catalog: catalog::Catalog::new(&models, config.lineage.naming()?),
            policy: config.policy(),
            config,
            store,
            models,
            clock,
            library,
            templates,
            metrics: Metrics::default(),
            wake: Notify::new(),
            bodies: received::Bodies::default(),
            turns: Turns::default(),
            correlator: correlate::Correlator::new(started),
            pace: received::Pace::default(),
            homes: Mutex::default(),
        })
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// How a person is called; the id for somebody Slack has not told us of.
    pub fn name(&self, id: &str) -> String {
        self.models.people.read().get(id).map_or_else(|| id.to_owned(), |member| member.name.clone())
    }

    /// What we know of somebody in Slack. `team` is the workspace that Slack says they belong to.
    pub fn standing(&self, id: &str, team: Option<&str>) -> Standing {
        let ours = &self.config.slack.team_id;
        if team.is_some_and(|team| !team.is_empty() && team != ours) {
            return Standing::Stranger;
        }
        self.models.people.read().standing(id, ours)
    }

    /// Who is called so.
    pub fn called(&self, name: &str) -> Vec<String> {
        self.models.people.read().called(name)
    }

    /// Remembers people.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn remember_people(&self, members: Vec<Member>, mut also: Batch) -> Result<(), Failure> {
        for member in &members {
            also.put(&Id::<Member>::of(&member.id), Expect::Any, member);
        }
        self.commit(also).await
    }

    /// The address of the workspace on the web.
    fn workspace_url(&self) -> String {
        let people = self.models.people.read();
        people.workspace_url().unwrap_or("https://slack.com/").trim_end_matches('/').to_owned()
    }

    /// The address of a message on the web.
    pub fn link(&self, message: &crate::domain::incident::MessageRef) -> String {
        format!("{}/archives/{}/p{}", self.workspace_url(), message.channel, message.ts.replace('.', ""))
    }

    /// The address of a canvas on the web.
    pub fn canvas_link(&self, canvas: &str) -> String {
        format!("{}/docs/{}/{canvas}", self.workspace_url(), self.config.slack.team_id)
    }

    /// Remembers the workspace's address.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn remember_workspace(&self, url: &str) -> Result<(), Failure> {
        let mut batch = Batch::new();
        batch.put(&Id::<Workspace>::one(), Expect::Any, &Workspace { url: url.to_owned() });
        self.commit(batch).await
    }

    /// What makes a delivery count once, to be written with what it changes.
    pub fn once(&self, delivery: Option<&DeliveryId>) -> Batch {
        delivery.map(|delivery| decided::once(delivery, self.now())).unwrap_or_default()
    }

    /// Forgets deliveries that nobody redelivers any more, a page at a time; how many.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn forget_old_deliveries(&self) -> Result<usize, Failure> {
        let old = Range::<Delivered>::before_day(self.now() - chrono::Duration::days(2));
        let old = self.store.ids(&old, 500).await?;
        let mut batch = Batch::new();
        old.iter().for_each(|id| batch.del(id, Expect::Any));
        self.commit(batch).await?;
        Ok(old.len())
    }

    /// Puts a job of Muster's own into the outbox, once: one of the same name that waits already is enough.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn enqueue(&self, id: &EntryId, job: Job) -> Result<(), Failure> {
        let mut batch = Batch::new();
        batch.enqueue(id, job, self.now());
        match self.commit(batch).await {
            Err(Failure::Duplicate) => Ok(()),
            other => other,
        }
    }

    /// An id for an errand that nobody looks for.
    pub fn errand(&self) -> EntryId {
        EntryId::fresh(&self.clock.fresh_id())
    }

    /// Decides on one incident.
    ///
    /// # Errors
    /// A refusal in words, or why nothing could be done.
    pub async fn execute(&self, uid: &str, command: &Command, asked: RequestMeta) -> Result<Decision, Failure> {
        let turn = self.turns.of(uid);
        let _turn = turn.lock().await;
        self.make(&decided::Decided { uid, command, asked: &asked }).await
    }

    /// Whether a command would be refused. Nothing changes.
    ///
    /// # Errors
    /// The refusal, in words.
    pub async fn would(&self, uid: &str, command: &Command, asked: RequestMeta) -> Result<(), Failure> {
        decided::Decided { uid, command, asked: &asked }.decide(self).await.map(|_| ())
    }

    /// Whose turn it is to decide on an incident.
    pub fn turn(&self, uid: &str) -> Arc<tokio::sync::Mutex<()>> {
        self.turns.of(uid)
    }

    /// Opens an incident.
    ///
    /// # Errors
    /// A refusal in words, or why nothing could be done.
    pub async fn open(&self, opening: &Opening, asked: RequestMeta) -> Result<Decision, Failure> {
        // New incidents take turns, since each takes the next number.
        let turn = self.turns.of("");
        let _turn = turn.lock().await;
        let decision = self.make(&decided::Opened { opening, asked: &asked }).await?;
        if !decision.case.incident.drill {
            self.metrics.incidents.inc();
        }
        Ok(decision)
    }

    fn context<'a>(&'a self, asked: &RequestMeta, fresh: String, next_number: u64) -> Context<'a> {
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

    /// The incident of this uid.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn incident(&self, uid: &str) -> Result<Option<Incident>, Failure> {
        Ok(self.store.readable(&Id::<Incident>::of(uid)).await?)
    }

    /// The incident of this uid, which was there a moment ago.
    ///
    /// # Errors
    /// It is not there, or the store cannot be read.
    pub async fn must(&self, uid: &str) -> Result<Incident, Failure> {
        self.incident(uid).await?.ok_or_else(|| Failure::NotFound("There is no such incident any more.".to_owned()))
    }

    /// What is known of somebody in Slack; somebody unknown is asked for.
    pub async fn met(&self, user: &str, team: Option<&str>) -> Standing {
        let standing = self.standing(user, team);
        if standing == Standing::Unknown
            && !user.is_empty()
            && let Err(failure) = self.enqueue(&EntryId::meet(user), Job::MeetPerson { id: user.to_owned() }).await
        {
            tracing::warn!(user, error = %failure, "cannot ask Slack who somebody is");
        }
        standing
    }

    /// The uid of `INC-number`.
    ///
    /// # Errors
    /// There is no such incident.
    pub async fn uid_of_number(&self, number: u64) -> Result<String, Failure> {
        let found = self.store.value(&Id::<OfNumber>::of(number)).await?;
        found.map(|found| found.uid).ok_or_else(|| Failure::no_such(number))
    }

    /// Who looks: administrators see everything, others what is not private or what they are in.
    pub async fn viewer(&self, user: &str) -> Result<Viewer, Failure> {
        if self.is_among(user, &self.policy.permissions.admins) {
            return Ok(Viewer::Everything);
        }
        let mine = self.store.scan(&Range::<Mine>::of(user), MINE_AT_MOST).await?.records;
        let tasks_in = mine.into_iter().filter(|rec| rec.value.task.is_some()).map(|rec| rec.value.uid).collect();
        Ok(Viewer::Person { id: user.to_owned(), tasks_in })
    }

    /// Whether somebody may see an incident.
    pub async fn may_see(&self, uid: &str, user: &str) -> Result<bool, Failure> {
        let Some(incident) = self.incident(uid).await? else {
            return Ok(true);
        };
        Ok(!incident.private || self.viewer(user).await?.sees(&incident))
    }

    /// The incident whose channel this is now: nobody else's may be. One that was only worked in is free again when it is over.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn at_home_in(&self, channel: &str) -> Result<Option<String>, Failure> {
        let Some(uid) = self.uid_of_channel(channel).await? else {
            return Ok(None);
        };
        let lives_there = self.incident(&uid).await?.is_some_and(|incident| {
            let open = incident.status.is_open();
            incident.channel.is_some_and(|known| known.id == channel && (open || !known.linked))
        });
        Ok(lives_there.then_some(uid))
    }

    /// The incident that a channel was of last.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn uid_of_channel(&self, channel: &str) -> Result<Option<String>, Failure> {
        Ok(self.store.value(&Id::<OfChannel>::of(channel)).await?.map(|found| found.uid))
    }

    /// The incident that a thread in a channel was of last, or a message in such a thread.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn uid_of_thread(&self, channel: &str, thread: &str) -> Result<Option<String>, Failure> {
        Ok(self.store.value(&Id::<OfChannel>::of_thread(channel, thread)).await?.map(|found| found.uid))
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
