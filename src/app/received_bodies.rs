//! What is kept of the bodies that monitors post, so that people can look at it later. It is redacted, and kept in blocks of many bodies.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::redact::{packed, unpacked};
use super::transient::Waiting;
use super::{App, Failure};
use crate::domain::Time;
use crate::records::{Bodies, Body};
use crate::store::{Batch, Expect, Id, MAX_RECORD_BYTES, Range};

/// A larger body is read, but not kept for a later look.
pub const KEPT_AT_MOST: usize = 4 * 1024 * 1024;
/// At most this many bytes of bodies wait to be kept.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// The room in a block besides its bodies.
const BLOCK_ROOM: usize = 1024;
/// The room of a body besides its text and its source's name.
const BODY_ROOM: usize = 100;

/// One body that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedLine {
    id: String,
    source: String,
    #[schema(value_type = DateTime)]
    at: Time,
}

/// A page of bodies.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedPage {
    received: Vec<ReceivedLine>,
    /// Give this as `after` for the next page.
    next_after: Option<String>,
}

/// A body as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedBody {
    source: String,
    #[schema(value_type = DateTime)]
    at: Time,
    /// As the monitor sent it, so its form is the monitor's. Fields whose names say secret, SQL or rows are left out; free text is not changed.
    body: Value,
}

/// The block, and the place in it, that a body's id names. The oldest blocks held one body, and their ids name no place.
fn place(id: &str) -> (Id<Bodies>, usize) {
    match id.rsplit_once('.') {
        Some((block, number)) => (Id::new(block), number.parse().unwrap_or_default()),
        None => (Id::new(id), 0),
    }
}

impl App {
    /// Keeps what a monitor posted, for a later look. It is written soon, not now: after a crash, only the alerts of the last moment are sure to
    /// be there. If too much waits, the body is dropped, and that is counted.
    pub fn keep_body(&self, source: &str, body: &[u8]) {
        if self.config.intake.keep_days == 0 || body.is_empty() || body.len() > KEPT_AT_MOST {
            return;
        }
        let mut waiting = self.bodies.lock();
        if waiting.bytes + body.len() > WAITING_BYTES {
            self.metrics.bodies_dropped.inc();
            return;
        }
        waiting.bytes += body.len();
        waiting.bodies.push(Waiting { source: source.to_owned(), at: self.now(), body: body.to_vec() });
    }

    /// Writes down what monitors posted since the last time, many bodies per block.
    ///
    /// # Errors
    /// The store cannot write. Bodies that are not written are lost.
    pub async fn keep_bodies(&self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut *self.bodies.lock()).bodies;
        let mut block = Bodies::default();
        let mut size = 0;
        for Waiting { source, at, body } in waiting {
            let Some(body) = packed(&body).filter(|body| body.len() < MAX_RECORD_BYTES - BLOCK_ROOM) else { continue };
            if size + body.len() + BODY_ROOM > MAX_RECORD_BYTES - BLOCK_ROOM {
                self.keep_block(std::mem::take(&mut block)).await?;
                size = 0;
            }
            size += body.len() + source.len() + BODY_ROOM;
            block.bodies.push(Body { source, at, body });
        }
        self.keep_block(block).await
    }

    async fn keep_block(&self, block: Bodies) -> Result<(), Failure> {
        let Some(Body { at, .. }) = block.bodies.first() else { return Ok(()) };
        let mut batch = Batch::new();
        batch.put(&Id::<Bodies>::begun(*at, &self.clock.fresh_id()), Expect::Any, &block);
        self.commit(batch).await
    }

    /// The bodies that are kept, the oldest first; those after one of them, if it is named. Those that wait are written down first.
    pub async fn received_bodies(&self, after: Option<&str>, limit: usize) -> Result<ReceivedPage, Failure> {
        self.keep_bodies().await?;
        let after = after.map(place);
        // The rest of its block, and the blocks after it.
        let range = after.as_ref().map_or_else(Range::all, |(block, _)| Range::all().starting(block));
        let blocks = self.store.scan::<Bodies>(&range, limit).await?;
        let mut received = Vec::new();
        for block in &blocks.records {
            for (number, body) in block.value.bodies.iter().enumerate() {
                if after.as_ref().is_none_or(|after| (&block.id, number) > (&after.0, after.1)) {
                    let id = format!("{}.{number}", block.id);
                    received.push(ReceivedLine { id, source: body.source.clone(), at: body.at });
                }
            }
        }
        let more = received.len() > limit || blocks.next.is_some();
        received.truncate(limit);
        let next_after = received.last().filter(|_| more).map(|line| line.id.clone());
        Ok(ReceivedPage { received, next_after })
    }

    /// One body.
    ///
    /// # Errors
    /// It is not there, or the store cannot be read.
    pub async fn received_body(&self, id: &str) -> Result<ReceivedBody, Failure> {
        self.keep_bodies().await?;
        let (block, number) = place(id);
        let block = self.store.value(&block).await?;
        let kept = block.and_then(|block| block.bodies.into_iter().nth(number));
        let shown =
            kept.and_then(|Body { source, at, body }| Some(ReceivedBody { source, at, body: unpacked(&body)? }));
        shown.ok_or_else(|| Failure::NotFound("There is no such body, or it was deleted because of its age".to_owned()))
    }

    /// Forgets what monitors posted after it was kept long enough, one page at a time. Returns how many blocks.
    pub async fn forget_old_bodies(&self) -> Result<usize, Failure> {
        let before = self.now() - chrono::Duration::days(self.config.intake.keep_days.into());
        self.forget(&Range::<Bodies>::before_time(before)).await
    }
}
