//! Which channels people of other workspaces read.

use super::{Carrier, Tried, Turn};
use crate::records::outbox::{EntryId, Job};

impl Carrier {
    /// What Muster tells in a channel depends on who reads it.
    pub(super) async fn sync_channels(&self, turn: &Turn, cursor: Option<String>) -> Tried {
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
}
