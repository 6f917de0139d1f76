//! The home of one person in Slack.

use super::{Carrier, Tried, Turn};
use crate::domain::UserId;

impl Carrier {
    pub(super) async fn publish_home(&self, turn: &Turn, user: &UserId, session: &str) -> Tried {
        let (view, again) = self.app.home_due(user, session).await?;
        if let Some(view) = view
            && let Err(error) = self.slack.publish_home(user, &view).await
        {
            // The next check shows it. Nobody waits for a page they have left.
            tracing::warn!(%error, "a home cannot be shown");
        }
        let mut batch = turn.end();
        batch.extend(again);
        Ok(self.app.commit(batch).await?)
    }
}
