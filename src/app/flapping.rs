//! Flapping: how often alerts come and go, which of them are watched, and when they are calm again.

use super::{App, Change, Failure};
use crate::domain::{Decision, Event, Time};
use crate::records::Flap;
use crate::store::{Batch, Id};

/// How many alerts are watched for flapping.
const WATCHED: usize = 10_000;

impl App {
    fn flapping_window(&self) -> chrono::Duration {
        chrono::Duration::minutes(self.config.triage.flapping_minutes.into())
    }

    /// Whether an alert came and went too often lately.
    pub(super) fn is_flapping(&self, id: &Id<Flap>) -> bool {
        let limit = self.config.triage.flapping_changes;
        let earliest = self.now() - self.flapping_window();
        let flapping = self.models.flapping.read();
        limit > 0
            && flapping
                .get(id.as_str())
                .is_some_and(|flap| flap.times.iter().filter(|at| **at >= earliest).count() >= limit)
    }

    /// When an alert came or went by a decision, and when it came first if it was known before.
    pub(super) fn came_or_went(&self, decision: &Decision) -> Option<(Option<Time>, Time)> {
        let came = decision.entries.iter().find_map(|entry| match &entry.event {
            Event::AlertsJoined { .. } => Some((None, entry.at)),
            Event::AlertFiredAgain { alert, .. } | Event::AlertResolved { alert, .. } => {
                Some((decision.case.alerts.get(alert).map(|alert| alert.first_seen), entry.at))
            }
            _ => None,
        });
        came.filter(|_| self.config.triage.flapping_changes > 0)
    }

    /// The comings and goings of an alert with one more. `None` if it is not watched.
    pub(super) fn counted(&self, known: Option<Flap>, first: Option<Time>, now: Time) -> Option<Flap> {
        let may_watch = || self.models.flapping.read().count() < WATCHED;
        let mut flap = match known {
            Some(known) => known,
            None => Flap { times: vec![first.filter(|_| may_watch())?] },
        };
        flap.times.push(now);
        let more = flap.times.len().saturating_sub(self.config.triage.flapping_changes);
        flap.times.drain(..more);
        Some(flap)
    }

    /// Forgets the flapping of alerts that are calm again, one page at a time. Returns how many.
    pub async fn forget_what_is_calm(&self) -> Result<usize, Failure> {
        self.make(&ForgettingCalm).await
    }

    /// How long a flapping alert must be quiet or steady.
    pub(super) fn calm_after(&self) -> chrono::Duration {
        self.flapping_window() / 2
    }
}

/// Stops watching alerts that are calm, one page at a time. Returns how many.
struct ForgettingCalm;

impl Change for ForgettingCalm {
    type Outcome = usize;

    async fn decide(&self, app: &App) -> Result<(Batch, usize), Failure> {
        let since = app.now() - app.flapping_window();
        let is_calm = |flap: &Flap| flap.times.last().is_none_or(|last| *last < since);
        let calm = app.models.flapping.read().ids(500, is_calm);
        let mut batch = Batch::new();
        for id in calm {
            // It may have come again a moment ago.
            let (flap, expect) = app.to_change(&id).await?;
            if flap.as_ref().is_some_and(is_calm) {
                batch.del(&id, expect);
            }
        }
        let count = batch.len();
        Ok((batch, count))
    }
}
