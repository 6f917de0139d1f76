//! What people see.

use serde_json::Value;

use super::door::Slack;
use super::render;
use super::shown::{ChannelView, MessageView, ViewState, message_view, view_of};

impl Slack {
    /// A channel by its name or id.
    pub fn channel(&self, name: &str) -> Option<ChannelView> {
        self.0.lock().slack.channel(name).map(|channel| view_of(channel))
    }

    pub fn channels(&self) -> Vec<ChannelView> {
        self.0.lock().slack.channels.iter().map(view_of).collect()
    }

    /// A channel's messages, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<MessageView> {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel).cloned() else {
            return Vec::new();
        };
        channel.messages.iter().map(|message| message_view(&world.slack, &channel, message)).collect()
    }

    /// The ephemeral messages of a person in a channel.
    pub fn ephemerals(&self, channel: &str, user: &str) -> Vec<MessageView> {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel).cloned() else {
            return Vec::new();
        };
        channel
            .ephemerals
            .iter()
            .filter(|(to, _)| to == user)
            .map(|(_, message)| message_view(&world.slack, &channel, message))
            .collect()
    }

    /// A person's home page of the app.
    pub fn home(&self, user: &str) -> Option<Value> {
        self.0.lock().slack.homes.get(user).cloned()
    }

    /// The words on a person's home page of the app.
    pub fn home_text(&self, user: &str) -> String {
        let world = self.0.lock();
        let blocks = world.slack.homes.get(user).map(|view| view["blocks"].clone()).unwrap_or_default();
        render::blocks(&blocks, &|id| world.slack.name(id))
    }

    /// A person's home page as it was published; null before that.
    pub fn home_view(&self, user: &str) -> Value {
        self.0.lock().slack.homes.get(user).cloned().unwrap_or_default()
    }

    /// A person's open forms.
    pub fn open_views(&self, user: &str) -> Vec<ViewState> {
        let world = self.0.lock();
        let views = world.slack.views.iter().filter(|view| view.user == user);
        views
            .map(|open| ViewState {
                id: open.id.clone(),
                callback_id: open.view["callback_id"].as_str().unwrap_or_default().to_owned(),
                title: open.view.pointer("/title/text").and_then(Value::as_str).unwrap_or_default().to_owned(),
                view: open.view.clone(),
            })
            .collect()
    }

    /// All channels as people read them.
    pub fn transcript(&self) -> String {
        let names: Vec<String> = self.channels().into_iter().map(|channel| channel.name).collect();
        let mut out = String::new();
        for name in names {
            let Some(channel) = self.channel(&name) else {
                continue;
            };
            out.push_str(&format!("━━━ #{name}"));
            if !channel.topic.is_empty() {
                out.push_str(&format!("  [{}]", channel.topic));
            }
            out.push('\n');
            for (title, link) in &channel.bookmarks {
                out.push_str(&format!("    🔖 {title}: {link}\n"));
            }
            for message in self.messages(&name) {
                let marks = format!(
                    "{}{}",
                    if message.pinned { " 📌" } else { "" },
                    if message.edited { " (edited)" } else { "" }
                );
                out.push_str(&format!("{}  {}{marks}\n", message.at.format("%H:%M"), message.user));
                for line in message.text.lines() {
                    out.push_str(&format!("       {line}\n"));
                }
                if let Some(file) = &message.file {
                    out.push_str(&format!("       📎 {} ({})\n", file.title, file.name));
                }
                if !message.buttons.is_empty() {
                    let labels: Vec<_> = message.buttons.iter().map(|button| format!("[{}]", button.label)).collect();
                    out.push_str(&format!("       {}\n", labels.join(" ")));
                }
            }
            out.push('\n');
        }
        out
    }
}
