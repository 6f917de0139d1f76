//! An ephemeral message to the person who just did something.

use super::{Carrier, Tried, Turn};
use crate::domain::{ChannelId, UserId};
use crate::render::Rendered;
use crate::slack::client::FailureKind;

/// How long an ephemeral message is worth sending.
const WORTH_SENDING: chrono::Duration = chrono::Duration::minutes(5);

impl Carrier {
    pub(super) async fn post_ephemeral(
        &self,
        turn: &Turn,
        channel: &ChannelId,
        user: &UserId,
        message: &Rendered,
    ) -> Tried {
        match self.slack.post_ephemeral(channel, user, message).await {
            // An ephemeral message matters only now. Later nobody wants it, or misses it in a list of failures. If Muster may not send one, it
            // sends a direct message: somebody pressed something, and waits.
            Err(error) if error.verdict == FailureKind::Permanent => {
                tracing::warn!(%error, "an ephemeral message is said directly instead");
                if let Err(error) = self.slack.post_message(user, None, message, turn.rec.id.as_str()).await {
                    tracing::warn!(%error, "an ephemeral message was not delivered");
                }
            }
            Err(_) if self.app.now() - turn.rec.value.at > WORTH_SENDING => {}
            other => other?,
        }
        self.done(turn).await
    }
}
