//! Posts a message, and tells the bot about it.

use serde_json::json;

use super::workspace::{BOT_USER, Message};
use crate::sandbox::world::World;

impl World {
    /// Posts a message and tells the bot about it, as Slack does for every message in the bot's channels.
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
