//! An ephemeral message to whoever just did something.

use super::{Carrier, Tried, Turn};
use crate::domain::UserId;
use crate::render::Rendered;
use crate::slack::client::Verdict;

/// How long a whisper is worth being heard, in minutes.
const WHISPER_MINUTES: i64 = 5;

impl Carrier {
    pub(super) async fn whisper(&self, turn: &Turn, channel: &str, user: &UserId, message: &Rendered) -> Tried {
        let said = self.slack.whisper(channel, user, message).await;
        match said {
            // A whisper is of the moment; nobody wants it later, and nobody misses it in a list of failures. Where Muster may
            // not whisper, it says it directly: somebody pressed something, and waits.
            Err(error) if error.verdict == Verdict::Permanent => {
                tracing::warn!(%error, "a whisper is said directly instead");
                if let Err(error) = self.slack.post_message(user, message, turn.rec.id.as_str()).await {
                    tracing::warn!(%error, "a whisper was not delivered");
                }
            }
            Err(_) if self.app.now() - turn.rec.value.at > chrono::Duration::minutes(WHISPER_MINUTES) => {}
            other => other?,
        }
        self.done(turn).await
    }
}
