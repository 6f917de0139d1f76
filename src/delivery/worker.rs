//! The worker of the outbox. It claims what is due, in order, has it carried out, and ends it in the commit of its outcome. So a crash at any
//! point repeats an entry, but never loses one. What must not happen twice is guarded: a page by its key, a post by its metadata, a channel by
//! its name.
//!
//! Lanes never wait for one another. Within a lane, an incident's entries go out in order. [`Worker::run_due`] is one step, so tests and the
//! demo need not wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::carrier::{Carrier, Turn};
use super::retry::{self, Fault, Next};
use super::{jobs, upkeep};
use crate::app::{App, Failure, RequestMeta};
use crate::domain::{Command, Effect, Event, Lane, Undelivered};
use crate::records::Dead;
use crate::records::outbox::{Entry, EntryId, Job};
use crate::store::{Batch, Expect, Id, Raw};

/// How long a claimed entry is ours. This is longer than any call may take.
const LEASE: Duration = Duration::from_secs(60);
/// How many entries of a lane are carried out at once.
const AT_ONCE: usize = 16;

pub struct Worker {
    carrier: Carrier,
}

impl Worker {
    pub fn new(app: Arc<App>) -> anyhow::Result<Self> {
        Ok(Self { carrier: Carrier::new(app)? })
    }

    /// What Muster must know of the workspace. It is asked for once at start.
    pub async fn start(&self) -> Result<(), Failure> {
        let app = &self.carrier.app;
        app.await_beats().await?;
        app.await_rosters().await?;
        app.enqueue(&EntryId::sync_channels(), Job::SyncChannels { cursor: None }).await?;
        app.enqueue(&EntryId::sync_people(), Job::SyncPeople { cursor: None }).await
    }

    /// As [`Self::start`]. If the store cannot write now, as on a full disk, it is tried again later.
    pub async fn start_at_last(self: Arc<Self>) {
        while let Err(failure) = self.start().await {
            tracing::warn!(error = %failure, "what is asked of the workspace at a start is put off");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Claims and carries out what is due in a lane. Returns how many entries that was, also counting those whose turn had not come.
    pub async fn run_due(self: &Arc<Self>, lane: Lane) -> usize {
        let now = self.carrier.app.now().timestamp_millis();
        let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        let claimed = match self.carrier.app.store.claim(lane.as_str(), now, lease, AT_ONCE).await {
            Ok(claimed) => claimed,
            Err(error) => {
                // A store that cannot write reports that itself, once.
                if self.carrier.app.store.health().is_ok() {
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
                // The entry's lease runs out, and then it is tried again.
                tracing::error!(lane = lane.as_str(), %error, "carrying out an entry panicked");
            }
        }
        count
    }

    /// Runs until told to stop. Claimed entries are finished first.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut lanes = JoinSet::new();
        for lane in Lane::ALL {
            let worker = self.clone();
            let mut stop = stop.clone();
            lanes.spawn(async move {
                while !*stop.borrow() {
                    let woken = worker.carrier.app.wake.notified();
                    tokio::pin!(woken);
                    woken.as_mut().enable();
                    if worker.run_due(lane).await > 0 {
                        continue;
                    }
                    // The wake-up is only a hint. The tick makes sure that nothing is missed.
                    tokio::select! {
                        () = &mut woken => {}
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        _ = stop.changed() => {}
                    }
                }
            });
        }
        lanes.spawn(upkeep::keep_up(self.carrier.app.clone(), stop.clone()));
        lanes.spawn(upkeep::tidy_up(self.carrier.app.clone(), stop));
        while lanes.join_next().await.is_some() {}
    }

    async fn turn(&self, lane: Lane, raw: Raw) {
        let (id, ver, body) = (EntryId::new(&raw.id), raw.ver, raw.body.clone());
        let rec = match raw.read::<Entry>() {
            Ok(rec) => rec,
            Err(error) => {
                // It is set aside, so that it does not block its incident for ever.
                let why = Undelivered::Unreadable { error: error.to_string() };
                tracing::error!(entry = %id, error = why.to_string(), "an outbox entry is set aside");
                let mut batch = Batch::new();
                batch.del(&id, Expect::Ver(ver));
                batch.counts_once(&id);
                self.set_aside(&mut batch, &id, &body, &why);
                let _ = self.carrier.app.commit(batch).await;
                return;
            }
        };
        let turn = Turn { rec, raw: body };
        let outcome = match jobs::carry_out(&self.carrier, &turn).await {
            Ok(()) => Some("done"),
            Err(fault) => self.failed(lane, &turn, fault).await,
        };
        if let Some(outcome) = outcome {
            let labels = [("lane", lane.as_str()), ("outcome", outcome)];
            self.carrier.app.metrics.deliveries.get_or_create(&labels).inc();
        }
    }

    /// Puts the entry back or ends it, and counts that. A failure that was not a try is not counted.
    async fn failed(&self, lane: Lane, turn: &Turn, fault: Fault) -> Option<&'static str> {
        let incident = match turn.job() {
            Job::Of { uid, .. } => uid.as_str(),
            _ => "",
        };
        let id = &turn.rec.id;
        match retry::after(fault, lane, &turn.rec.value, self.carrier.app.now()) {
            Next::Wait { until } => {
                self.carrier.put_back(turn, turn.rec.value.clone(), None, until).await;
                None
            }
            Next::Again { due, maybe_done, why } => {
                let mut entry = turn.rec.value.clone();
                entry.attempts += 1;
                entry.maybe_done |= maybe_done;
                // One failure is noise. Repeated failures are worth a log line.
                if entry.attempts > 1 {
                    tracing::warn!(
                        lane = lane.as_str(),
                        incident,
                        entry = %id,
                        attempts = entry.attempts,
                        error = why.to_string(),
                        "will be tried again"
                    );
                }
                entry.last_error = Some(why);
                self.carrier.put_back(turn, entry, turn.job().aside(), due).await;
                Some("retry")
            }
            Next::DoWithout { why } => {
                tracing::warn!(lane = lane.as_str(), incident, entry = %id, error = why.to_string(), "given up, and nobody is told");
                let _ = self.carrier.app.commit(turn.end()).await;
                Some("dead")
            }
            Next::GiveUp { why } => {
                tracing::error!(lane = lane.as_str(), incident, entry = %id, error = why.to_string(), "given up");
                self.give_up(turn, &why).await;
                Some("dead")
            }
        }
    }

    /// Keeps a dead letter, so that people can look at it.
    fn set_aside(&self, batch: &mut Batch, id: &EntryId, entry: &str, why: &Undelivered) {
        let raw = serde_json::value::RawValue::from_string(entry.to_owned());
        // An entry that is not JSON is kept as text.
        if let Ok(entry) = raw.or_else(|_| serde_json::value::to_raw_value(entry)) {
            batch.put(&Id::<Dead>::of(id), Expect::Any, &Dead { why: why.clone(), at: self.carrier.app.now(), entry });
        }
    }

    async fn give_up(&self, turn: &Turn, why: &Undelivered) {
        let mut ops = turn.end();
        self.set_aside(&mut ops, &turn.rec.id, &turn.raw, why);
        let result = match turn.job() {
            Job::Of { uid, effect } => {
                // If saying things is what failed, saying so would fail too.
                let say = match effect {
                    Effect::OpenChannel => false,
                    Effect::Say { event, .. } if matches!(**event, Event::DeliveryFailed { .. }) => false,
                    _ => {
                        let incident = self.carrier.app.incident(uid).await.ok().flatten();
                        incident.is_some_and(|incident| incident.channel.is_some())
                    }
                };
                let command = match effect {
                    Effect::Page { key, .. } => Command::PageRefused { key: key.clone(), why: why.clone() },
                    Effect::Tell { recipient, notice } | Effect::Mail { recipient, notice } => Command::NoticeRefused {
                        recipient: recipient.clone(),
                        notice: notice.clone(),
                        why: why.clone(),
                        mailed: matches!(effect, Effect::Mail { .. }),
                    },
                    _ => Command::GiveUp { what: effect.name().to_owned(), why: why.clone(), say },
                };
                self.carrier.app.execute(uid, &command, RequestMeta::by_muster(ops)).await.map(|_| ())
            }
            Job::Announce { asks: Some(alert), .. } => self.carrier.app.nobody_can_be_asked(alert, ops).await,
            _ => self.carrier.app.commit(ops).await,
        };
        if let Err(failure) = result {
            tracing::error!(entry = %turn.rec.id, error = %failure, "cannot set an entry aside");
        }
    }
}
