//! What all sources have in common before their alerts are looked at: their pace, and subscriptions to confirm.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::job::Job;
use super::{App, Failure};
use crate::config::Source;
use crate::domain::Time;
use crate::store::{Expect, Kind, Op};

/// A source may send so many requests at once, in seconds of its pace.
const BURST_SECONDS: i64 = 10;

/// When the next request of a source is due, by its pace.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<String, Time>>);

impl App {
    /// Whether a source keeps its pace (`rate_per_minute`); those without one always do.
    ///
    /// # Errors
    /// It is too fast. It may send again.
    pub fn pace(&self, source: &Source) -> Result<(), Failure> {
        let Some(rate) = source.rate_per_minute.filter(|rate| *rate > 0) else {
            return Ok(());
        };
        let now = self.now();
        let mut pace = self.pace.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The generic cell rate algorithm: each request moves the time on by its share of a minute.
        let due = pace.entry(source.name.clone()).or_insert(now);
        let earliest = *due - chrono::Duration::seconds(BURST_SECONDS);
        if now < earliest {
            return Err(Failure::TooFast { name: source.name.clone(), rate });
        }
        *due = (*due).max(now) + chrono::Duration::milliseconds(60_000 / i64::from(rate).max(1));
        Ok(())
    }

    /// Forgets what monitors posted when it was kept long enough, a page at a time; how many.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn forget_old_bodies(&self) -> Result<usize, Failure> {
        let before = self.now() - chrono::Duration::days(self.config.intake.keep_days.into());
        let old = self.store.scan(Kind::Received, "", &format!("{:014}", before.timestamp_millis()), 500)?;
        let ops: Vec<_> =
            old.into_iter().map(|rec| Op::Del { kind: rec.kind, id: rec.id, expect: Expect::Any }).collect();
        let count = ops.len();
        if count > 0 {
            self.commit(ops).await?;
        }
        Ok(count)
    }

    /// Confirms a subscription, after the answer.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn confirm(&self, url: &str) -> Result<(), Failure> {
        self.enqueue(&format!("confirm-{}", self.clock.fresh_id()), Job::Confirm { url: url.to_owned() }).await
    }
}
