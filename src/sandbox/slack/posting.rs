//! A message is posted, and the bot hears of it.

use serde_json::json;

use super::workspace::{BOT_USER, Message};
use crate::sandbox::world::World;

impl World {
    /// Posts a message and tells the bot of it, as Slack does of every message of a channel it is in.
    pub(crate) fn say(&mut self, channel: &str, message: Message, subtype: Option<&str>) {
        let event = {
            let Some(channel) = self.slack.channel(channel) else {
                return;
            };
            let mut event = message.json();
            event["channel"] = json!(channel.id);
            event["channel_type"] = json!(if channel.private { "group" } else { "channel" });
            event["event_ts"] = json!(message.ts);
            if let Some(subtype) = subtype {
                event["subtype"] = json!(subtype);
            }
            channel.messages.push(message);
            channel.members.iter().any(|member| member == BOT_USER).then_some(event)
        };
        if let Some(event) = event {
            let config = self.config.clone();
            self.slack.emit(&config, &event);
        }
    }
}
