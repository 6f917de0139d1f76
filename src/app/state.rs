//! The app: what it holds, how people are called, and which incident is meant. The other files of this folder hold what it does.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::correlate::Correlator;
use super::graph::Catalog;
use super::request::Failure;
use super::runbooks::load_library;
use super::transient::{Bodies, Homes, Newcomers, Pace, Refusals, Turns};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::decide::People;
use crate::domain::incident::{Duty, MessageRef};
use crate::domain::permission::Standing;
use crate::domain::runbook::Library;
use crate::domain::visibility::Viewer;
use crate::domain::{ChannelId, Incident, IncidentId, Policy, Principal, Time, UserId};
use crate::read_models::ReadModels;
use crate::records::{Mine, OfChannel, OfNumber, Workspace};
use crate::render::Templates;
use crate::store::{Batch, Expect, Id, Range, Store};
use crate::telemetry::Metrics;

/// At most this many roles and tasks of one person are read.
const MINE_AT_MOST: usize = 500;

/// Muster's rules, and the data they work on.
pub struct App {
    pub store: Store,
    /// The part of the store that is held in memory.
    pub models: Arc<ReadModels>,
    pub clock: Clock,
    pub config: Config,
    pub policy: Policy,
    pub library: Library,
    pub templates: Templates,
    pub metrics: Metrics,
    /// Tells the outbox worker that there is work.
    pub wake: Notify,
    /// The assets, and their lineage.
    pub catalog: Catalog,
    /// What monitors posted, until it is kept.
    pub(super) bodies: Bodies,
    pub(super) turns: Turns,
    pub(super) correlator: Correlator,
    pub(super) pace: Pace,
    pub(super) refusals: Refusals,
    pub(super) homes: Mutex<Homes>,
    pub(super) newcomers: Newcomers,
}

impl App {
    /// Builds the app. Templates and runbooks are parsed here, so that a bad file stops the start.
    ///
    /// # Errors
    /// A bad file, or a store that cannot be read.
    pub async fn new(config: Config, store: Store, clock: Clock) -> anyhow::Result<Self> {
        let templates = Templates::load(config.message_templates.path.as_deref())?;
        for mistake in templates.mistakes()? {
            tracing::warn!(error = %mistake, "a message template fails on a sample; the shipped one will be used");
        }
        let library = load_library(config.runbooks.path.as_deref())?;
        let models = ReadModels::load(&store).await?;
        let started = clock.now();
        Ok(Self {
            catalog: Catalog::new(&models, config.lineage.naming()?),
            policy: config.policy(),
            config,
            store,
            models,
            clock,
            library,
            templates,
            metrics: Metrics::default(),
            wake: Notify::new(),
            bodies: Bodies::default(),
            turns: Turns::default(),
            correlator: Correlator::new(started),
            pace: Pace::default(),
            refusals: Refusals::default(),
            homes: Mutex::default(),
            newcomers: Newcomers::default(),
        })
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// How a person is called. If Slack has not told us of them, the id.
    pub fn name(&self, id: &str) -> String {
        self.models.people.read().get(id).map_or_else(|| id.to_owned(), |member| member.name.clone())
    }

    /// The people of this name.
    pub fn called(&self, name: &str) -> Vec<UserId> {
        self.models.people.read().called(name)
    }

    /// The address of the workspace on the web.
    pub(super) fn workspace_url(&self) -> String {
        let people = self.models.people.read();
        people.workspace_url().unwrap_or("https://slack.com/").trim_end_matches('/').to_owned()
    }

    /// The address of a message on the web.
    pub fn link(&self, message: &MessageRef) -> String {
        format!("{}/archives/{}/p{}", self.workspace_url(), message.channel, message.ts.replace('.', ""))
    }

    /// The address of a canvas on the web.
    pub fn canvas_link(&self, canvas: &str) -> String {
        format!("{}/docs/{}/{canvas}", self.workspace_url(), self.config.slack.team_id)
    }

    pub async fn remember_workspace(&self, url: &str) -> Result<(), Failure> {
        let mut batch = Batch::new();
        batch.put(&Id::<Workspace>::one(), Expect::Any, &Workspace { url: url.to_owned() });
        self.commit(batch).await
    }

    /// The incident of this uid.
    pub async fn incident(&self, uid: &IncidentId) -> Result<Option<Incident>, Failure> {
        Ok(self.store.readable(&Id::<Incident>::of(uid)).await?)
    }

    /// The incident of this uid, which was there a moment ago.
    ///
    /// # Errors
    /// It is not there, or the store cannot be read.
    pub async fn must(&self, uid: &IncidentId) -> Result<Incident, Failure> {
        self.incident(uid).await?.ok_or_else(Failure::gone)
    }

    /// The turn to decide on an incident.
    pub fn turn(&self, uid: &IncidentId) -> Arc<tokio::sync::Mutex<()>> {
        self.turns.of(uid)
    }

    /// The uid of `INC-number`.
    pub async fn uid_of_number(&self, number: u64) -> Result<IncidentId, Failure> {
        let found = self.store.value(&Id::<OfNumber>::of(number)).await?;
        found.map(|found| found.uid).ok_or_else(|| Failure::no_such(number))
    }

    /// Who looks. Administrators see everything. Others see what is not private, or what they are in.
    pub async fn viewer(&self, user: &UserId) -> Result<Viewer, Failure> {
        if self.is_among(user, &self.policy.permissions.admins) {
            return Ok(Viewer::Everything);
        }
        let mine = self.store.scan(&Range::<Mine>::of(user), MINE_AT_MOST).await?.records;
        let tasks_in = mine.into_iter().filter(|rec| rec.value.task.is_some()).map(|rec| rec.value.uid).collect();
        Ok(Viewer::Person { id: user.to_owned(), tasks_in })
    }

    /// Whether somebody may see an incident.
    pub async fn may_see(&self, uid: &IncidentId, user: &UserId) -> Result<bool, Failure> {
        let Some(incident) = self.incident(uid).await? else { return Ok(true) };
        Ok(!incident.private || self.viewer(user).await?.sees(&incident))
    }

    /// The incident whose channel this is now; no other may use it. A channel that was only borrowed is free again when the incident is over.
    pub async fn at_home_in(&self, channel: &ChannelId) -> Result<Option<IncidentId>, Failure> {
        let Some(uid) = self.uid_of_channel(channel).await? else { return Ok(None) };
        let lives_there = self.incident(&uid).await?.is_some_and(|incident| {
            let open = incident.status.is_open();
            incident.channel.is_some_and(|known| known.id == *channel && (open || !known.linked))
        });
        Ok(lives_there.then_some(uid))
    }

    /// The last incident of a channel.
    pub async fn uid_of_channel(&self, channel: &ChannelId) -> Result<Option<IncidentId>, Failure> {
        Ok(self.store.value(&Id::<OfChannel>::of(channel)).await?.map(|found| found.uid))
    }

    /// The last incident of a thread in a channel, or of a message in such a thread.
    pub async fn uid_of_thread(&self, channel: &ChannelId, thread: &str) -> Result<Option<IncidentId>, Failure> {
        Ok(self.store.value(&Id::<OfChannel>::of_thread(channel, thread)).await?.map(|found| found.uid))
    }
}

/// What decisions ask about people.
impl People for App {
    fn name(&self, id: &str) -> String {
        App::name(self, id)
    }

    fn belongs(&self, person: &UserId, to: &[Principal]) -> bool {
        self.is_among(person, to)
    }

    fn standing(&self, person: &UserId) -> Standing {
        App::standing(self, person, None)
    }

    fn on_duty(&self, service: Option<&str>) -> Vec<Duty> {
        self.duty_of(service)
    }
}
