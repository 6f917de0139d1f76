//! FLOOR 3. The outbox worker: claims what is due, carries it out, and brings the outcome back as a command, in the same
//! commit that ends the entry. So a crash at any point repeats an entry and never loses one, and what must not happen
//! twice is guarded: a page by its key, a post by its metadata, a channel by its name.
//!
//! Lanes never wait for one another; within a lane an incident's entries go out in order. [`Worker::run_due`] is one
//! step, so that tests and the demo need no waiting.

mod channels;
mod notices;
mod pages;
mod posts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::BackoffBuilder as _;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::{App, Failure, RequestMeta};
use crate::domain::incident::MessageRef;
use crate::domain::{Command, Effect, Event, Incident, Lane, Time};
use crate::mail::Mailer;
use crate::pagerduty::events::{PagerDutyEvents, PagerError};
use crate::pagerduty::rest::Rest;
use crate::records::Dead;
use crate::records::outbox::{Entry, EntryId, Job, Outbox as _};
use crate::render::Rendered;
use crate::slack::client::{SlackApi, SlackError, Verdict, advice};
use crate::store::{Batch, Expect, Id, QueueName, Raw, Rec};
use crate::telemetry::{DeliveryLabels, LaneLabels, StoreLabels};

/// How long an entry is ours once claimed. Longer than any call may take.
const LEASE: Duration = Duration::from_secs(60);
/// How many entries are carried out at once in a lane.
const AT_ONCE: usize = 16;
/// Slack's pace for posting in one channel.
const PACE_MILLIS: i64 = 1000;
/// How long a whisper is worth being heard, in minutes.
const WHISPER_MINUTES: i64 = 5;
/// How long it is tried to ask people whether an alert is an incident; then it is one. In minutes.
const ASKS_WITHIN_MINUTES: i64 = 10;
/// How long something for Slack or by mail is tried before people are told that it will not come.
const SLACK_GIVES_UP_AFTER_HOURS: i64 = 24;

/// What a try came to when it did not succeed.
#[derive(Debug)]
enum Fault {
    /// Not done; again later.
    Retry { after: Option<Duration>, why: String },
    /// Perhaps done; look before doing it again.
    Unknown { why: String },
    /// Never.
    Permanent { why: String },
    /// The channel is archived, gone, or closed to Muster.
    NoChannel { code: String, why: String },
    /// Not yet its turn: Slack's pace.
    NotYet { until: Time },
}

impl From<SlackError> for Fault {
    fn from(error: SlackError) -> Self {
        let why = format!("{error}; {}", advice(&error.code));
        match error.verdict {
            Verdict::Retry { after } => Self::Retry { after, why },
            Verdict::Unknown => Self::Unknown { why },
            Verdict::Permanent
                if matches!(error.code.as_str(), "is_archived" | "channel_not_found" | "not_in_channel") =>
            {
                Self::NoChannel { code: error.code, why }
            }
            Verdict::Permanent => Self::Permanent { why },
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Retry { after: None, why: failure.to_string() }
    }
}

/// Carries the outbox out.
pub struct Worker {
    app: Arc<App>,
    slack: SlackApi,
    pager: PagerDutyEvents,
    pub(super) rest: Option<Rest>,
    mailer: Option<Mailer>,
    last_post: Mutex<HashMap<String, Time>>,
}

/// An entry in work.
struct Turn {
    rec: Rec<Entry>,
    /// The entry as it is kept, to be shown if it is given up.
    raw: String,
}

impl Turn {
    fn job(&self) -> &Job {
        &self.rec.value.job
    }

    /// Ends the entry, if it is still ours. What shows the present state and changed meanwhile is left to be shown again.
    fn end(&self) -> Batch {
        let mut batch = Batch::new();
        match self.job() {
            Job::Of { effect, .. } if effect.shows_present_state() => batch.end(&self.rec.id, self.rec.ver),
            _ => {
                batch.del(&self.rec.id, Expect::Ver(self.rec.ver));
                batch.counts_once(&self.rec.id);
            }
        }
        batch
    }

    /// The same entry again, behind all that waits in its queue now.
    fn behind(&self, now: Time, fresh: &str) -> Batch {
        let id = match self.job() {
            Job::Of { uid, .. } => EntryId::behind(uid, fresh),
            _ => EntryId::fresh(fresh),
        };
        let mut batch = self.end();
        batch.enqueue(&id, self.job().clone(), now);
        batch
    }

    /// The queue it waits in.
    fn queue(&self) -> Option<&QueueName> {
        self.rec.queued.as_ref().map(|queued| &queued.queue)
    }

    /// Whether an earlier try may have been done: it said so, or it never came back.
    fn maybe_done(&self) -> bool {
        self.rec.value.maybe_done || self.rec.claims > 1
    }
}

impl Worker {
    /// A worker for this app.
    ///
    /// # Errors
    /// A client cannot be made.
    pub fn new(app: Arc<App>) -> anyhow::Result<Self> {
        let timeout = Duration::from_secs(app.config.slack.timeout_seconds);
        let token = app.config.secrets.slack_bot_token.clone().unwrap_or_default();
        let slack = SlackApi::new(&app.config.slack.api_url, &token, &app.config.slack.team_id, timeout)?;
        let pager = PagerDutyEvents::new(&app.config.pagerduty.events_url, timeout)?;
        let token = app.config.secrets.pagerduty_api_token.clone();
        let (address, from) = (&app.config.pagerduty.api_url, &app.config.pagerduty.from);
        let rest = token.map(|token| Rest::new(address, token, from, timeout)).transpose()?;
        let mailer = Mailer::new(&app.config)?;
        Ok(Self { app, slack, pager, rest, mailer, last_post: Mutex::default() })
    }

    /// What must be known of the workspace, asked for once at start.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn start(&self) -> Result<(), Failure> {
        self.app.await_beats().await?;
        self.app.await_rosters().await?;
        self.app.enqueue(&EntryId::sync_channels(), Job::SyncChannels { cursor: None }).await?;
        self.app.enqueue(&EntryId::sync_people(), Job::SyncPeople { cursor: None }).await
    }

    /// Claims and carries out what is due in a lane; how many entries that were. One that was not our turn counts too.
    pub async fn run_due(self: &Arc<Self>, lane: Lane) -> usize {
        let now = self.app.now().timestamp_millis();
        let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        let claimed = match self.app.store.claim(lane.as_str(), now, lease, AT_ONCE).await {
            Ok(claimed) => claimed,
            Err(error) => {
                // A store that takes nothing says so itself, once.
                if self.app.store.health().is_ok() {
                    tracing::warn!(lane = lane.as_str(), %error, "cannot claim from the outbox");
                }
                return 0;
            }
        };
        let count = claimed.len();
        let mut tasks = JoinSet::new();
        for rec in claimed {
            let worker = self.clone();
            tasks.spawn(async move { worker.turn(lane, rec).await });
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                // The entry's lease runs out and it is tried again.
                tracing::error!(lane = lane.as_str(), %error, "carrying out an entry panicked");
            }
        }
        count
    }

    /// Runs until told to stop; what is in work is finished first.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut lanes = JoinSet::new();
        for lane in Lane::ALL {
            let worker = self.clone();
            let mut stop = stop.clone();
            lanes.spawn(async move {
                while !*stop.borrow() {
                    let woken = worker.app.wake.notified();
                    tokio::pin!(woken);
                    woken.as_mut().enable();
                    if worker.run_due(lane).await > 0 {
                        continue;
                    }
                    // The tick is the truth, the wake-up only a hint.
                    tokio::select! {
                        () = &mut woken => {}
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        _ = stop.changed() => {}
                    }
                }
            });
        }
        let (worker, mut stopped) = (self.clone(), stop.clone());
        lanes.spawn(async move { worker.keep_up(&mut stopped).await });
        let worker = self.clone();
        let mut stop = stop.clone();
        let mut forget_from = String::new();
        lanes.spawn(async move {
            while !*stop.borrow() {
                worker.measure().await;
                if let Err(failure) = worker.forget().await {
                    tracing::warn!(error = %failure, "cannot forget what is old");
                }
                forget_from = worker.forget_lineage(forget_from).await;
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(15)) => {}
                    _ = stop.changed() => {}
                }
            }
        });
        while lanes.join_next().await.is_some() {}
    }

    /// Reads what commits alone do not tell, and writes down what monitors posted, until told to stop.
    async fn keep_up(&self, stop: &mut watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = self.app.models.behind() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = stop.changed() => {}
            }
            self.catch_up().await;
        }
    }

    /// Reads what commits alone do not tell, and writes down what monitors posted, once.
    pub async fn catch_up(&self) {
        if let Err(error) = self.app.models.catch_up(&self.app.store).await {
            tracing::warn!(%error, "what is held in memory is behind");
        }
        if let Err(failure) = self.app.keep_bodies().await {
            tracing::warn!(error = %failure, "what monitors posted is not kept");
        }
    }

    /// Forgets what is old, until nothing old is left.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn forget(&self) -> Result<(), Failure> {
        while self.app.forget_old_deliveries().await? > 0 {}
        while self.app.forget_old_bodies().await? > 0 {}
        while self.app.forget_what_is_calm().await? > 0 {}
        self.app.forget_old_silences().await
    }

    /// Confirms a subscription of SNS; its address was checked with the message's signature.
    async fn confirm(&self, turn: &Turn, url: &str) -> Result<(), Fault> {
        let retry = |error: reqwest::Error| Fault::Retry { after: None, why: error.without_url().to_string() };
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none());
        let answer = client.build().map_err(retry)?.get(url).send().await.map_err(retry)?;
        match answer.status() {
            status if status.is_success() => Ok(self.app.commit(turn.end()).await?),
            status if status.is_server_error() => {
                Err(Fault::Retry { after: None, why: format!("SNS answered with {status}") })
            }
            status => Err(Fault::Permanent {
                why: format!("SNS did not take the confirmation: {status}; let it send another"),
            }),
        }
    }

    /// Forgets old lineage, a page at a time; where the next page begins.
    async fn forget_lineage(&self, from: String) -> String {
        match self.app.forget_old_lineage(&from).await {
            Ok((_, next)) => next.unwrap_or_default(),
            Err(failure) => {
                tracing::warn!(error = %failure, "cannot forget old lineage");
                from
            }
        }
    }

    /// Brings the gauges of the outbox and the store up to date.
    pub async fn measure(&self) {
        for (figure, value) in self.app.store.figures() {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            self.app.metrics.store.get_or_create(&StoreLabels { figure }).set(value);
        }
        let now = self.app.now().timestamp_millis();
        for lane in Lane::ALL {
            let Ok(backlog) = self.app.store.backlog(lane.as_str()).await else { continue };
            let labels = LaneLabels { lane: lane.as_str() };
            let overdue = backlog.oldest.map_or(0, |due| (now - due).max(0));
            self.app
                .metrics
                .outbox_pending
                .get_or_create(&labels)
                .set(i64::try_from(backlog.count).unwrap_or(i64::MAX));
            #[expect(clippy::cast_precision_loss, reason = "seconds of a gauge")]
            self.app.metrics.outbox_oldest_seconds.get_or_create(&labels).set(overdue as f64 / 1000.0);
        }
    }

    async fn turn(&self, lane: Lane, raw: Raw) {
        let (id, ver, body) = (EntryId::new(&raw.id), raw.ver, raw.body.clone());
        let rec = match raw.read::<Entry>() {
            Ok(rec) => rec,
            Err(error) => {
                // Set aside, so that it does not block its incident for ever.
                let why = format!("the entry cannot be read: {error}");
                tracing::error!(entry = %id, error = why, "an outbox entry is set aside");
                let mut batch = Batch::new();
                batch.del(&id, Expect::Ver(ver));
                batch.counts_once(&id);
                self.set_aside(&mut batch, &id, &body, &why);
                let _ = self.app.commit(batch).await;
                return;
            }
        };
        let turn = Turn { rec, raw: body };
        let outcome = match self.carry_out(&turn).await {
            Ok(()) => "done",
            Err(Fault::NotYet { until }) => {
                self.put_back(&turn, turn.rec.value.clone(), None, until).await;
                return;
            }
            Err(fault) => self.failed(lane, &turn, fault).await,
        };
        self.app.metrics.deliveries.get_or_create(&DeliveryLabels { lane: lane.as_str(), outcome }).inc();
    }

    async fn carry_out(&self, turn: &Turn) -> Result<(), Fault> {
        match turn.job() {
            Job::SyncPeople { cursor } => self.sync_people(turn, cursor.clone()).await,
            Job::SyncChannels { cursor } => self.sync_channels(turn, cursor.clone()).await,
            Job::MeetPerson { id } => {
                let members: Vec<_> = match self.slack.person(id).await {
                    Ok(member) => member.into_iter().collect(),
                    // Nobody we could let do anything.
                    Err(error) if error.verdict == Verdict::Permanent => {
                        tracing::warn!(person = id, %error, "somebody stays unknown");
                        Vec::new()
                    }
                    Err(error) => return Err(error.into()),
                };
                Ok(self.app.remember_people(members, turn.end()).await?)
            }
            Job::Confirm { url } => self.confirm(turn, url).await,
            Job::Release { held, .. } => Ok(self.app.release(held, turn.end()).await?),
            Job::Expire { source, key, since, .. } => Ok(self.app.expire(source, key, *since, turn.end()).await?),
            Job::PublishHome { user, session, .. } => {
                let (view, again) = self.app.home_due(user, session).await?;
                if let Some(view) = view {
                    let shown = self.slack.publish_home(user, &view).await;
                    if let Err(error) = shown {
                        // The next look shows it; nobody waits for a page they have left.
                        tracing::warn!(%error, "a home cannot be shown");
                    }
                }
                let mut batch = turn.end();
                batch.extend(again);
                Ok(self.app.commit(batch).await?)
            }
            Job::ReadRoster { id, turn: one, .. } => self.read_roster(turn, id, *one).await,
            Job::CheckBeat { source, name, watch, .. } => {
                Ok(self.app.check_beat(source, name, watch, turn.end()).await?)
            }
            Job::Announce { channel, markdown, buttons, asks } => {
                let channel = channel.as_deref().unwrap_or(&self.app.config.slack.announce_channel);
                let strangers = self.app.strangers_read(channel);
                if strangers && asks.is_some() {
                    return Err(Fault::Permanent { why: format!("people of another workspace read {channel}") });
                }
                if !channel.is_empty() && !strangers {
                    let message = Rendered::new(markdown, buttons);
                    if channel.starts_with(['U', 'W']) {
                        self.slack.post_message(channel, &message, turn.rec.id.as_str()).await?;
                    } else {
                        self.post_once(turn, channel, None, &message).await?;
                    }
                }
                Ok(self.app.commit(turn.end()).await?)
            }
            Job::Replace { channel, ts, markdown } => {
                let at = MessageRef { channel: channel.clone(), ts: ts.clone() };
                self.slack.update_message(&at, &Rendered::new(markdown, &[])).await?;
                Ok(self.app.commit(turn.end()).await?)
            }
            Job::Pin { message, user, event } => {
                match self.slack.message(message).await {
                    Ok(found) => crate::chat::pin_found(&self.app, message.clone(), user, event, found).await?,
                    Err(error) if error.verdict == Verdict::Permanent => {
                        tracing::warn!(%error, "a message with a pushpin cannot be read");
                    }
                    Err(error) => return Err(error.into()),
                }
                Ok(self.app.commit(turn.end()).await?)
            }
            Job::Unfurl { channel, ts, assets } => {
                let mut unfurls = serde_json::Map::new();
                for (link, asset) in assets {
                    unfurls.insert(link.clone(), json!({"blocks": self.app.asset_card(asset).await?.blocks_json()}));
                }
                match self.slack.unfurl(channel, ts, unfurls.into()).await {
                    // A link that cannot be shown is still a link.
                    Err(error) if error.verdict == Verdict::Permanent => {
                        tracing::warn!(%error, "links to assets cannot be shown");
                    }
                    other => other?,
                }
                Ok(self.app.commit(turn.end()).await?)
            }
            Job::Ephemeral { channel, user, markdown, buttons } => {
                let said = self.slack.whisper(channel, user, &Rendered::new(markdown, buttons)).await;
                match said {
                    // A whisper is of the moment; nobody wants it later, and nobody misses it in a list of failures. Where Muster may
                    // not whisper, it says it directly: somebody pressed something, and waits.
                    Err(error) if error.verdict == Verdict::Permanent => {
                        tracing::warn!(%error, "a whisper is said directly instead");
                        let message = Rendered::new(markdown, buttons);
                        if let Err(error) = self.slack.post_message(user, &message, turn.rec.id.as_str()).await {
                            tracing::warn!(%error, "a whisper was not delivered");
                        }
                    }
                    Err(_) if self.app.now() - turn.rec.value.at > chrono::Duration::minutes(WHISPER_MINUTES) => {}
                    other => other?,
                }
                Ok(self.app.commit(turn.end()).await?)
            }
            Job::Of { uid, effect } => {
                let Some(incident) = self.app.incident(uid).await? else {
                    return Ok(self.app.commit(turn.end()).await?);
                };
                // One of its kind waits aside: this one waits behind it, so that they come in order.
                if let Some(aside) = turn.job().aside().filter(|aside| Some(aside) != turn.queue())
                    && self.app.store.waiting(&aside).await.map_err(Failure::from)? > 0
                {
                    self.put_back(turn, turn.rec.value.clone(), Some(aside), self.app.now()).await;
                    return Ok(());
                }
                match effect {
                    Effect::Page { .. } | Effect::AcknowledgePage { .. } | Effect::ResolvePage { .. } => {
                        self.page(turn, &incident, effect).await
                    }
                    Effect::Assess => {
                        let command = self.app.assessment(&incident).await?;
                        self.outcome(turn, uid, &command).await
                    }
                    Effect::Mail { recipient, notice } => self.mail(turn, &incident, recipient, notice).await,
                    Effect::MoveAlerts { into } => Ok(self.app.move_alerts(&incident, into, turn.end()).await?),
                    Effect::PlaceAlert { signal, into, because } => {
                        Ok(self.app.place_alert((**signal).clone(), into.as_deref(), because, turn.end()).await?)
                    }
                    Effect::CountVerdict { verdict, before } => {
                        Ok(self.app.count_verdict(&incident, *verdict, *before, turn.end()).await?)
                    }
                    Effect::LookAgain { .. } => Ok(self.app.look_again(&incident, turn.end()).await?),
                    Effect::Remind { command, .. } => self.outcome(turn, uid, command).await,
                    _ => self.post(turn, &incident, effect).await,
                }
            }
        }
    }

    /// Reads who is in a user group or on a schedule. What cannot be read stays as it was, with its age.
    async fn read_roster(&self, turn: &Turn, id: &str, one: bool) -> Result<(), Fault> {
        let read = if id.starts_with('S') {
            self.slack.group(id).await.map(|people| (people, Vec::new())).map_err(|error| error.to_string())
        } else {
            self.on_schedule(id).await
        };
        let read = read.inspect_err(|error| tracing::warn!(roster = id, error, "who is on duty cannot be read")).ok();
        Ok(self.app.remember_roster(id, one, read, turn.end()).await?)
    }

    /// Who is on a schedule: those whom Slack knows, and the names of others.
    async fn on_schedule(&self, id: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let rest = self.rest.as_ref().ok_or("MUSTER_PAGERDUTY__API_TOKEN is not set")?;
        let on_call = rest.on_call(id).await.map_err(|error| match error {
            PagerError::Retry { why, .. } | PagerError::Permanent { why } => why,
        })?;
        let (mut people, mut strangers) = (Vec::new(), Vec::new());
        for one in on_call {
            match one.email.as_deref().and_then(|email| self.app.person_of(email)) {
                Some(person) => people.push(person),
                None => strangers.push(one.name),
            }
        }
        Ok((people, strangers))
    }

    async fn sync_people(&self, turn: &Turn, cursor: Option<String>) -> Result<(), Fault> {
        if cursor.is_none() {
            let answer = self.slack.auth_test().await?;
            if let Some(url) = answer["url"].as_str() {
                self.app.remember_workspace(url).await?;
            }
        }
        let (members, next) = self.slack.people(cursor).await?;
        let mut ops = turn.end();
        if let Some(cursor) = next {
            let id = EntryId::fresh(&self.app.clock.fresh_id());
            ops.enqueue(&id, Job::SyncPeople { cursor: Some(cursor) }, self.app.now());
        }
        Ok(self.app.remember_people(members, ops).await?)
    }

    /// Whoever reads a channel decides what is told there.
    async fn sync_channels(&self, turn: &Turn, cursor: Option<String>) -> Result<(), Fault> {
        let (listed, next) = self.slack.channels(cursor).await?;
        let mut ops = turn.end();
        match next {
            Some(cursor) => {
                let id = EntryId::fresh(&self.app.clock.fresh_id());
                ops.enqueue(&id, Job::SyncChannels { cursor: Some(cursor) }, self.app.now());
            }
            None if self.app.announces_to_strangers() => {
                tracing::warn!(
                    "people of another workspace read the announcement channel; announcements name no details"
                );
            }
            None => {}
        }
        Ok(self.app.remember_channels(listed, ops).await?)
    }

    /// Brings an outcome back by the one path, and ends the entry in the same commit.
    async fn outcome(&self, turn: &Turn, uid: &str, command: &Command) -> Result<(), Fault> {
        self.outcome_if(turn, uid, command, Batch::new()).await
    }

    /// As [`Self::outcome`], if these hold still.
    async fn outcome_if(&self, turn: &Turn, uid: &str, command: &Command, mut ops: Batch) -> Result<(), Fault> {
        ops.extend(turn.end());
        match self.app.execute(uid, command, RequestMeta::by_muster(ops)).await {
            // Somebody else ended it: the lease had run out.
            Ok(_) | Err(Failure::Duplicate) => Ok(()),
            Err(Failure::Refused(_)) => Ok(self.app.commit(turn.end()).await?),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn failed(&self, lane: Lane, turn: &Turn, fault: Fault) -> &'static str {
        let now = self.app.now();
        let (after, why, maybe_done, permanent) = match fault {
            Fault::Retry { after, why } => (after, why, false, false),
            Fault::Unknown { why } => (None, why, true, false),
            Fault::Permanent { why } | Fault::NoChannel { why, .. } => (None, why, false, true),
            Fault::NotYet { .. } => return "later",
        };
        let incident = match turn.job() {
            Job::Of { uid, .. } => uid.as_str(),
            _ => "",
        };
        let patience = match turn.job() {
            Job::Announce { asks: Some(_), .. } => chrono::Duration::minutes(ASKS_WITHIN_MINUTES),
            _ => chrono::Duration::hours(SLACK_GIVES_UP_AFTER_HOURS),
        };
        let too_old = matches!(lane, Lane::Slack | Lane::Mail) && now - turn.rec.value.at > patience;
        let is_best_effort = matches!(turn.job(), Job::Of { effect, .. } if effect.is_best_effort());
        if too_old && is_best_effort {
            tracing::warn!(lane = lane.as_str(), incident, entry = %turn.rec.id, error = why, "done without");
            let _ = self.app.commit(turn.end()).await;
            return "dead";
        }
        if permanent || too_old {
            tracing::error!(lane = lane.as_str(), incident, entry = %turn.rec.id, error = why, "given up");
            self.give_up(turn, &why).await;
            return "dead";
        }
        let mut entry = turn.rec.value.clone();
        let delay = after.unwrap_or_else(|| backoff(entry.attempts));
        entry.attempts += 1;
        entry.maybe_done |= maybe_done;
        // Once is noise; what goes on failing is worth a line.
        if entry.attempts > 1 {
            tracing::warn!(
                lane = lane.as_str(),
                incident,
                entry = %turn.rec.id,
                attempts = entry.attempts,
                error = why,
                "will be tried again"
            );
        }
        entry.last_error = Some(why);
        let aside = turn.job().aside();
        let due = now + chrono::Duration::from_std(delay).unwrap_or_else(|_| chrono::Duration::minutes(5));
        self.put_back(turn, entry, aside, due).await;
        "retry"
    }

    /// Puts an entry back into its queue, or into another.
    async fn put_back(&self, turn: &Turn, mut entry: Entry, queue: Option<QueueName>, due: Time) {
        let Some(queue) = queue.or_else(|| turn.queue().cloned()) else {
            return;
        };
        // Putting it back forgets the claims; what they told must not be forgotten.
        entry.maybe_done |= turn.rec.claims > 1;
        let mut batch = Batch::new();
        batch.put_back(&turn.rec.id, turn.rec.ver, &entry, queue, due);
        match self.app.commit(batch).await {
            Ok(()) | Err(Failure::Duplicate) => {}
            // Its lease runs out, and it is tried again then.
            Err(error) => tracing::warn!(entry = %turn.rec.id, %error, "cannot put an entry back"),
        }
    }

    /// Keeps what is given up, to be looked at.
    fn set_aside(&self, batch: &mut Batch, id: &EntryId, entry: &str, why: &str) {
        let raw = serde_json::value::RawValue::from_string(entry.to_owned());
        // What is no JSON is kept as text.
        if let Ok(entry) = raw.or_else(|_| serde_json::value::to_raw_value(entry)) {
            batch.put(&Id::<Dead>::of(id), Expect::Any, &Dead { why: why.to_owned(), at: self.app.now(), entry });
        }
    }

    async fn give_up(&self, turn: &Turn, why: &str) {
        let mut ops = turn.end();
        self.set_aside(&mut ops, &turn.rec.id, &turn.raw, why);
        let result = match turn.job() {
            Job::Of { uid, effect } => {
                // Where saying things is what failed, saying so fails too.
                let say = match effect {
                    Effect::OpenChannel => false,
                    Effect::Say { event, .. } if matches!(**event, Event::DeliveryFailed { .. }) => false,
                    _ => {
                        let incident = self.app.incident(uid).await.ok().flatten();
                        incident.is_some_and(|incident| incident.channel.is_some())
                    }
                };
                let command = match effect {
                    Effect::Page { key, .. } => Command::PageRefused { key: key.clone(), why: why.to_owned() },
                    _ => Command::GiveUp { what: effect.name().to_owned(), why: why.to_owned(), say },
                };
                self.app.execute(uid, &command, RequestMeta::by_muster(ops)).await.map(|_| ())
            }
            Job::Announce { asks: Some(held), .. } => self.app.nobody_can_be_asked(held, ops).await,
            _ => self.app.commit(ops).await,
        };
        if let Err(failure) = result {
            tracing::error!(entry = %turn.rec.id, error = %failure, "cannot set an entry aside");
        }
    }

    /// Whether a post may go out now in this queue; if so, it is noted.
    fn pace(&self, turn: &Turn) -> Result<(), Fault> {
        let queue = turn.queue().map(|queue| queue.as_str().to_owned()).unwrap_or_default();
        let now = self.app.now();
        let mut last = self.last_post.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() > 1000 {
            last.retain(|_, at| now - *at < chrono::Duration::milliseconds(PACE_MILLIS));
        }
        if let Some(until) =
            last.get(&queue).map(|at| *at + chrono::Duration::milliseconds(PACE_MILLIS)).filter(|until| *until > now)
        {
            return Err(Fault::NotYet { until });
        }
        last.insert(queue, now);
        Ok(())
    }

    /// The people of an invitation, user groups spelled out.
    async fn spelled_out(&self, people: &[String], of: &Incident) -> Result<Vec<String>, Fault> {
        let mut all = Vec::new();
        for id in people {
            if id.starts_with('S') {
                match self.slack.group(id).await {
                    Ok(members) => all.extend(members),
                    Err(error) if error.verdict == Verdict::Permanent => {
                        tracing::warn!(incident = of.name(), group = id, %error, "a team's user group cannot be read");
                    }
                    Err(error) => return Err(error.into()),
                }
            } else {
                all.push(id.clone());
            }
        }
        all.sort();
        all.dedup();
        Ok(all)
    }
}

/// 2 s, 4 s, … 150 s, each with as much again of jitter at most: never longer than five minutes.
fn backoff(attempts: u32) -> Duration {
    backon::ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(2))
        .with_max_delay(Duration::from_secs(150))
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
        .nth(attempts.min(20) as usize)
        .unwrap_or(Duration::from_secs(150))
}
