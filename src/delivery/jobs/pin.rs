//! A message that somebody pinned and Muster has not heard itself. Muster reads it and puts it on the timeline.

use super::{Carrier, Tried, Turn};
use crate::chat::pin_found;
use crate::domain::UserId;
use crate::domain::incident::MessageRef;
use crate::slack::client::FailureKind;

impl Carrier {
    pub(super) async fn pin(&self, turn: &Turn, message: &MessageRef, user: &UserId, event: &str) -> Tried {
        match self.slack.message(message).await {
            Ok(found) => pin_found(&self.app, message.clone(), user, event, found).await?,
            Err(error) if error.verdict == FailureKind::Permanent => {
                tracing::warn!(%error, "a message with a pushpin cannot be read");
            }
            Err(error) => return Err(error.into()),
        }
        self.done(turn).await
    }
}
