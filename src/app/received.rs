//! What all sources share before their alerts are looked at: their pace, the posted bodies that are kept, and subscriptions to confirm.

use super::transient::Waiting;
use super::{App, Failure};
use crate::config::Source;
use crate::records::outbox::{EntryId, Job};
use crate::records::{self, Body};
use crate::store::{Batch, Expect, Id, MAX_RECORD_BYTES, Range};

/// How many requests a source may send at once, in seconds of its pace.
const BURST_SECONDS: i64 = 10;

/// A larger body is read, but not kept for a later look.
pub const KEPT_AT_MOST: usize = 4 * 1024 * 1024;
/// At most this many bytes of bodies wait to be kept.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// The room in a block besides its bodies.
const BLOCK_ROOM: usize = 1024;
/// The room of a body besides its text and its source's name.
const BODY_ROOM: usize = 100;

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

    /// Keeps what a monitor posted, for a later look. It is written soon, not now: after a crash, only the alerts of the last moment are sure to
    /// be there. If too much waits, the body is dropped, and that is counted.
    pub fn keep_body(&self, source: &str, body: &[u8], pack: fn(&[u8]) -> Option<String>) {
        if self.config.intake.keep_days == 0 || body.is_empty() || body.len() > KEPT_AT_MOST {
            return;
        }
        let mut waiting = self.bodies.lock();
        if waiting.bytes + body.len() > WAITING_BYTES {
            self.metrics.bodies_dropped.inc();
            return;
        }
        waiting.bytes += body.len();
        waiting.bodies.push(Waiting { source: source.to_owned(), at: self.now(), body: body.to_vec(), pack });
    }

    /// Writes down what monitors posted since the last time, many bodies per block.
    ///
    /// # Errors
    /// The store cannot write. Bodies that are not written are lost.
    pub async fn keep_bodies(&self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut *self.bodies.lock()).bodies;
        let mut block = records::Bodies::default();
        let mut size = 0;
        for Waiting { source, at, body, pack } in waiting {
            let Some(body) = pack(&body).filter(|body| body.len() < MAX_RECORD_BYTES - BLOCK_ROOM) else { continue };
            if size + body.len() + BODY_ROOM > MAX_RECORD_BYTES - BLOCK_ROOM {
                self.keep_block(std::mem::take(&mut block)).await?;
                size = 0;
            }
            size += body.len() + source.len() + BODY_ROOM;
            block.bodies.push(Body { source, at, body });
        }
        if block.bodies.is_empty() { Ok(()) } else { self.keep_block(block).await }
    }

    async fn keep_block(&self, block: records::Bodies) -> Result<(), Failure> {
        let at = block.bodies.first().map_or_else(|| self.now(), |body| body.at);
        let mut batch = Batch::new();
        batch.put(&Id::<records::Bodies>::begun(at, &self.clock.fresh_id()), Expect::Any, &block);
        self.commit(batch).await
    }

    /// Forgets what monitors posted after it was kept long enough, one page at a time. Returns how many blocks.
    pub async fn forget_old_bodies(&self) -> Result<usize, Failure> {
        let before = self.now() - chrono::Duration::days(self.config.intake.keep_days.into());
        self.forget(&Range::<records::Bodies>::before_time(before)).await
    }

    /// Confirms a subscription, after the request was answered.
    pub async fn confirm(&self, url: &str) -> Result<(), Failure> {
        self.enqueue(&EntryId::fresh(&self.clock.fresh_id()), Job::Confirm { url: url.to_owned() }).await
    }
}
