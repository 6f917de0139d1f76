//! What is said outside an incident: in the announcement channel, in another channel, or to one person. Also what replaces it later.

use super::{Carrier, Fault, Tried, Turn};
use crate::domain::incident::MessageRef;
use crate::domain::{Undelivered, is_person};
use crate::render::{Button, Rendered};

impl Carrier {
    /// A message that `asks` whether an alert is an incident must be read by our own people only.
    pub(super) async fn announce(
        &self,
        turn: &Turn,
        channel: Option<&str>,
        (markdown, buttons): (&str, &[Button]),
        asks: bool,
    ) -> Tried {
        let channel = channel.unwrap_or(&self.app.config.slack.announce_channel);
        let strangers = self.app.is_external(channel);
        if strangers && asks {
            return Err(Fault::Permanent { why: Undelivered::Strangers { channel: channel.to_owned() } });
        }
        if !channel.is_empty() && !strangers {
            let message = Rendered::new(markdown, buttons);
            if is_person(channel) {
                self.slack.post_message(channel, None, &message, turn.rec.id.as_str()).await?;
            } else {
                self.post_once(turn, channel, None, &message).await?;
            }
        }
        self.done(turn).await
    }

    pub(super) async fn replace(&self, turn: &Turn, at: &MessageRef, markdown: &str) -> Tried {
        self.slack.update_message(at, &Rendered::new(markdown, &[])).await?;
        self.done(turn).await
    }
}
