//! Who is in the workspace: everybody, one page at a time, or one person.

use super::{Carrier, Tried, Turn};
use crate::records::outbox::{EntryId, Job};
use crate::slack::client::FailureKind;

impl Carrier {
    pub(super) async fn sync_people(&self, turn: &Turn, cursor: Option<String>) -> Tried {
        if cursor.is_none() {
            let answer = self.slack.auth_test().await?;
            if let Some(url) = answer["url"].as_str() {
                self.app.remember_workspace(url).await?;
            }
        }
        let (members, next) = self.slack.people(cursor).await?;
        let mut ops = turn.end();
        if let Some(cursor) = next {
            let id = EntryId::fresh(&self.app.clock.fresh_id());
            ops.enqueue(&id, Job::SyncPeople { cursor: Some(cursor) }, self.app.now());
        }
        Ok(self.app.remember_people(members, ops).await?)
    }

    pub(super) async fn meet_person(&self, turn: &Turn, id: &str) -> Tried {
        let members: Vec<_> = match self.slack.person(id).await {
            Ok(member) => member.into_iter().collect(),
            // We could let this person do nothing anyway.
            Err(error) if error.verdict == FailureKind::Permanent => {
                tracing::warn!(person = id, %error, "somebody stays unknown");
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        Ok(self.app.remember_people(members, turn.end()).await?)
    }
}
