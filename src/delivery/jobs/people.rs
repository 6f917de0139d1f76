//! Who is in the workspace: everybody, one page at a time, or one person.

use super::{Carrier, Tried, Turn};
use crate::domain::UserId;
use crate::records::outbox::{EntryId, Job};
use crate::slack::client::FailureKind;

/// Slack allows `users.list` twenty times a minute.
const A_PAGE_EVERY: chrono::Duration = chrono::Duration::seconds(3);

impl Carrier {
    pub(super) async fn sync_people(&self, turn: &Turn, cursor: Option<String>) -> Tried {
        if cursor.is_none() {
            let answer = self.slack.auth_test().await?;
            if let Some(url) = answer["url"].as_str() {
                self.app.remember_workspace(url).await?;
            }
        }
        let goes_on = cursor.is_some();
        let (members, next) = match self.slack.people(cursor).await {
            // Slack forgets a place in the list after a while. Then the list is read from its beginning.
            Err(error) if goes_on && error.code == "invalid_cursor" => (Vec::new(), Some(None)),
            read => {
                let (members, next) = read?;
                (members, next.map(Some))
            }
        };
        let mut ops = turn.end();
        match next {
            Some(cursor) => {
                let (id, now) = (EntryId::fresh(&self.app.clock.fresh_id()), self.app.now());
                ops.enqueue_for(&id, Job::SyncPeople { cursor }, now, now + A_PAGE_EVERY);
            }
            None => tracing::info!("all people of the workspace were read"),
        }
        Ok(self.app.remember_people(members, ops).await?)
    }

    /// Asks again about somebody about whom Slack did not answer.
    pub(super) async fn meet_person(&self, turn: &Turn, id: &UserId) -> Tried {
        match self.slack.person(id).await {
            Err(error) if error.verdict != FailureKind::Permanent => Err(error.into()),
            answer => Ok(self.app.keep_answer(id, answer, turn.end()).await?),
        }
    }
}
