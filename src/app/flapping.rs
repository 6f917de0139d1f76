//! Flapping: which alerts are watched for it, and when they are calm again.

use super::{App, Change, Failure};
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

    /// Whether one more alert may be watched for flapping.
    pub(super) fn may_watch_more(&self) -> bool {
        self.models.flapping.read().count() < WATCHED
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
        let calm: Vec<Id<Flap>> = {
            let flapping = app.models.flapping.read();
            flapping.iter().filter(|(_, flap)| is_calm(flap)).take(500).map(|(id, _)| id).collect()
        };
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
