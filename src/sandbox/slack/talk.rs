//! What people type: commands, messages, reactions.

use serde_json::{Value, json};

use super::door::Slack;
use super::workspace::{BOT_USER, Message};
use crate::sandbox::exchange::Answer;

impl Slack {
    /// The body of a slash command, as Slack sends it.
    pub fn command_body(&self, user: &str, channel: &str, text: &str) -> String {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let trigger = world.slack.trigger(user, now);
        let (id, name) = world.slack.channel(channel).map_or_else(
            || (channel.to_owned(), channel.to_owned()),
            |channel| (channel.id.clone(), channel.name.clone()),
        );
        let user_name = world.slack.users.get(user).map(|user| user.name.clone()).unwrap_or_default();
        let team = world.slack.users.get(user).map_or_else(|| world.config.team_id.clone(), |user| user.team.clone());
        let fields = [
            ("token", "legacy"),
            ("team_id", &team),
            ("team_domain", "sandbox"),
            ("channel_id", &id),
            ("channel_name", &name),
            ("user_id", user),
            ("user_name", &user_name),
            ("command", "/incident"),
            ("text", text),
            ("api_app_id", &world.config.app_id),
            ("is_enterprise_install", "false"),
            ("response_url", &format!("{}/slack/response/{id}/{user}", world.base)),
            ("trigger_id", &trigger),
        ];
        serde_urlencoded::to_string(fields).unwrap_or_default()
    }

    /// `/incident text`. People write `@name`; Slack sends the id.
    pub async fn command(&self, user: &str, channel: &str, text: &str) -> Answer {
        let text = encoded(&self.with_ids(text));
        let body = self.command_body(user, channel, &text);
        let answer = self.post("/slack/commands", body).await;
        self.show_ephemeral(user, channel, &answer);
        answer
    }

    fn with_ids(&self, text: &str) -> String {
        let world = self.0.lock();
        text.split(' ')
            .map(|word| {
                let user =
                    word.strip_prefix('@').and_then(|name| world.slack.users.values().find(|user| user.name == name));
                user.map_or_else(|| word.to_owned(), |user| format!("<@{}|{}>", user.id, user.name))
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn show_ephemeral(&self, user: &str, channel: &str, answer: &Answer) {
        if answer.json["response_type"] != "ephemeral" {
            return;
        }
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let ts = world.slack.ts(now);
        let message = Message::of_bot(ts, now, &answer.json);
        if let Some(channel) = world.slack.channel(channel) {
            channel.ephemerals.push((user.to_owned(), message));
        }
    }

    /// Says something in a channel. Returns the message's timestamp.
    pub fn say(&self, user: &str, channel: &str, text: &str) -> String {
        let text = self.with_ids(text);
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let ts = world.slack.ts(now);
        let message = Message {
            user: user.to_owned(),
            by_bot: false,
            ..Message::of_bot(ts.clone(), now, &json!({"text": encoded(&text)}))
        };
        world.say(channel, message, None);
        if text.contains(&format!("<@{BOT_USER}")) {
            let id = world.slack.channel(channel).map(|channel| channel.id.clone()).unwrap_or_default();
            let config = world.config.clone();
            let event =
                json!({"type": "app_mention", "channel": id, "user": user, "text": text, "ts": ts, "event_ts": ts});
            world.slack.emit(&config, &event);
        }
        // Slack sends an event for links whose domain the app has registered.
        let links: Vec<Value> = text
            .split_whitespace()
            .filter(|word| word.starts_with("http"))
            .map(|url| json!({"url": url, "domain": url.split('/').nth(2).unwrap_or_default()}))
            .collect();
        if !links.is_empty() {
            let id = world.slack.channel(channel).map(|channel| channel.id.clone()).unwrap_or_default();
            let config = world.config.clone();
            let event = json!({"type": "link_shared", "channel": id, "user": user, "message_ts": ts, "links": links});
            world.slack.emit(&config, &event);
        }
        ts
    }

    /// Answers in a thread. Returns the message's timestamp.
    pub fn reply(&self, user: &str, channel: &str, thread: &str, text: &str) -> String {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let ts = world.slack.ts(now);
        let message = Message {
            user: user.to_owned(),
            by_bot: false,
            ..Message::of_bot(ts.clone(), now, &json!({"text": text, "thread_ts": thread}))
        };
        world.say(channel, message, None);
        ts
    }

    pub fn edit(&self, channel: &str, ts: &str, text: &str) {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let edited = world.slack.ts(now);
        let event = world.slack.channel(channel).and_then(|channel| {
            let id = channel.id.clone();
            let message = channel.messages.iter_mut().find(|message| message.ts == ts)?;
            text.clone_into(&mut message.text);
            message.edited = Some(edited);
            Some(json!({"type": "message", "subtype": "message_changed", "channel": id, "message": message.json(), "ts": ts}))
        });
        let config = world.config.clone();
        if let Some(event) = event {
            world.slack.emit(&config, &event);
        }
    }

    /// Deletes a message.
    pub fn delete(&self, channel: &str, ts: &str) {
        let mut world = self.0.lock();
        let found = world.slack.channel(channel).and_then(|channel| {
            let place = channel.messages.iter().position(|message| message.ts == ts)?;
            Some((channel.id.clone(), channel.messages.remove(place).json()))
        });
        let Some((id, message)) = found else { return };
        let config = world.config.clone();
        let event = json!({
            "type": "message", "subtype": "message_deleted", "channel": id, "deleted_ts": ts, "ts": ts, "previous_message": message,
        });
        world.slack.emit(&config, &event);
    }

    pub fn react(&self, user: &str, channel: &str, ts: &str, emoji: &str) {
        self.reaction(user, channel, ts, emoji, true);
    }

    /// Removes a reaction.
    pub fn unreact(&self, user: &str, channel: &str, ts: &str, emoji: &str) {
        self.reaction(user, channel, ts, emoji, false);
    }

    fn reaction(&self, user: &str, channel: &str, ts: &str, emoji: &str, added: bool) {
        let mut world = self.0.lock();
        let found = world.slack.channel(channel).and_then(|channel| {
            let id = channel.id.clone();
            let message = channel.messages.iter_mut().find(|message| message.ts == ts)?;
            message.reactions.retain(|(who, what)| (who.as_str(), what.as_str()) != (user, emoji));
            if added {
                message.reactions.push((user.to_owned(), emoji.to_owned()));
            }
            Some((id, message.user.clone()))
        });
        let Some((id, author)) = found else { return };
        let kind = if added { "reaction_added" } else { "reaction_removed" };
        let config = world.config.clone();
        let event = json!({
            "type": kind, "user": user, "reaction": emoji, "item_user": author,
            "item": {"type": "message", "channel": id, "ts": ts}, "event_ts": ts,
        });
        world.slack.emit(&config, &event);
    }
}

/// A text as Slack sends it: `&`, `<` and `>` as entities, and addresses in brackets. Mentions are marked already.
fn encoded(text: &str) -> String {
    let is_mark = |word: &str| word.starts_with("<@") || word.starts_with("<#") || word.starts_with("<!");
    text.split(' ')
        .map(|word| {
            if is_mark(word) {
                return word.to_owned();
            }
            let word = word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            if word.starts_with("https://") || word.starts_with("http://") { format!("<{word}>") } else { word }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
