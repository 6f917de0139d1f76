//! What every job works with: a claimed entry and how it ends, the clients, and the way to report an outcome.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::retry::Tried;
use crate::app::{App, Failure, RequestMeta};
use crate::domain::{ChannelId, Command, IncidentId, Time};
use crate::mail::Mailer;
use crate::pagerduty::events::PagerDutyEvents;
use crate::pagerduty::rest::Rest;
use crate::records::outbox::{Entry, EntryId, Job};
use crate::slack::client::SlackApi;
use crate::store::{Batch, Expect, QueueName, Rec};

pub(super) struct Turn {
    pub(super) rec: Rec<Entry>,
    /// The entry as it is stored. It is shown if the entry is given up.
    pub(super) raw: String,
}

impl Turn {
    pub(super) fn job(&self) -> &Job {
        &self.rec.value.job
    }

    /// Ends the entry, if it is still ours. An entry that shows the present state, and changed meanwhile, stays to be shown again.
    pub(super) fn end(&self) -> Batch {
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

    /// The same entry again, behind everything that waits in its queue now.
    pub(super) fn behind(&self, now: Time, fresh: &str) -> Batch {
        let id = match self.job() {
            Job::Of { uid, .. } => EntryId::behind(uid, fresh),
            _ => EntryId::fresh(fresh),
        };
        let mut batch = self.end();
        batch.enqueue(&id, self.job().clone(), now);
        batch
    }

    pub(super) fn queue(&self) -> Option<&QueueName> {
        self.rec.queued.as_ref().map(|queued| &queued.queue)
    }

    /// Whether an earlier try may have succeeded: it said so, or it never reported back.
    pub(super) fn maybe_done(&self) -> bool {
        self.rec.value.maybe_done || self.rec.claims > 1
    }
}

/// Carries out one entry after another.
pub(super) struct Carrier {
    pub(super) app: Arc<App>,
    pub(super) slack: SlackApi,
    pub(super) pager: PagerDutyEvents,
    pub(super) rest: Option<Rest>,
    pub(super) mailer: Option<Mailer>,
    /// The time of the last post, by queue.
    pub(super) last_post: Mutex<HashMap<String, Time>>,
    /// The last topic that was set, by channel. Slack posts a message about each.
    pub(super) topics: Mutex<HashMap<ChannelId, String>>,
}

impl Carrier {
    pub(super) fn new(app: Arc<App>) -> anyhow::Result<Self> {
        let timeout = Duration::from_secs(app.config.slack.timeout_seconds);
        let token = app.config.secrets.slack_bot_token.clone().unwrap_or_default();
        let slack = SlackApi::new(&app.config.slack.api_url, &token, &app.config.slack.team_id, timeout)?;
        let pager = PagerDutyEvents::new(&app.config.pagerduty.events_url, timeout)?;
        let token = app.config.secrets.pagerduty_api_token.clone();
        let (address, from) = (&app.config.pagerduty.api_url, &app.config.pagerduty.from);
        let rest = token.map(|token| Rest::new(address, token, from, timeout)).transpose()?;
        let mailer = Mailer::new(&app.config)?;
        Ok(Self { app, slack, pager, rest, mailer, last_post: Mutex::default(), topics: Mutex::default() })
    }

    /// Reports an outcome by the one path of changes, and ends the entry in the same commit.
    pub(super) async fn outcome(&self, turn: &Turn, uid: &IncidentId, command: &Command) -> Tried {
        self.outcome_if(turn, uid, command, Batch::new()).await
    }

    /// The same as [`Self::outcome`], if these expectations still hold.
    pub(super) async fn outcome_if(&self, turn: &Turn, uid: &IncidentId, command: &Command, mut ops: Batch) -> Tried {
        ops.extend(turn.end());
        match self.app.execute(uid, command, RequestMeta::by_muster(ops)).await {
            // The lease had run out, and another worker ended the entry.
            Ok(_) | Err(Failure::Duplicate) => Ok(()),
            Err(Failure::Refused(_)) => self.done(turn).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// Ends the entry. Nothing else follows from it.
    pub(super) async fn done(&self, turn: &Turn) -> Tried {
        Ok(self.app.commit(turn.end()).await?)
    }

    /// Puts an entry back into its queue, or into another.
    pub(super) async fn put_back(&self, turn: &Turn, mut entry: Entry, queue: Option<QueueName>, due: Time) {
        let Some(queue) = queue.or_else(|| turn.queue().cloned()) else { return };
        // Putting an entry back forgets its claims. What they told us must not be forgotten.
        entry.maybe_done |= turn.rec.claims > 1;
        let mut batch = Batch::new();
        batch.put_back(&turn.rec.id, turn.rec.ver, &entry, queue, due);
        match self.app.commit(batch).await {
            Ok(()) | Err(Failure::Duplicate) => {}
            // Its lease runs out, and then it is tried again.
            Err(error) => tracing::warn!(entry = %turn.rec.id, %error, "cannot put an entry back"),
        }
    }
}
