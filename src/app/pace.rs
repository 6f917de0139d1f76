//! How fast a source may post.

use super::{App, Failure};
use crate::config::Source;

/// How many requests a source may send at once, in seconds of its pace.
const BURST_SECONDS: i64 = 10;

impl App {
    /// Whether a source keeps its pace (`rate_per_minute`). A source without one always does.
    ///
    /// # Errors
    /// The source is too fast. It may send again later.
    pub fn pace(&self, source: &Source) -> Result<(), Failure> {
        let Some(rate) = source.rate_per_minute.filter(|rate| *rate > 0) else { return Ok(()) };
        let now = self.now();
        let mut pace = self.pace.0.lock();
        // The generic cell rate algorithm: each request moves the time on by its share of a minute.
        let due = pace.entry(source.name.clone()).or_insert(now);
        let earliest = *due - chrono::Duration::seconds(BURST_SECONDS);
        if now < earliest {
            return Err(Failure::TooFast { name: source.name.clone(), rate });
        }
        *due = (*due).max(now) + chrono::Duration::milliseconds(60_000 / i64::from(rate).max(1));
        Ok(())
    }
}
