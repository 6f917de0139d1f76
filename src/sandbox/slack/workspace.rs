//! The data of the pretend workspace: people, channels, messages, open forms.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::settings::SandboxConfig;

pub(crate) const BOT_USER: &str = "U0MUSTERBT";

pub(crate) const BOT_ID: &str = "B0MUSTER00";

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) team: String,
    pub(crate) name: String,
    pub(crate) display: String,
    pub(crate) email: String,
    pub(crate) guest: bool,
    pub(crate) bot: bool,
    /// The name of their time zone, and how far it is ahead of UTC, in seconds.
    pub(crate) zone: Option<(String, i32)>,
}

impl User {
    pub(crate) fn json(&self) -> Value {
        let mut user = json!({
            "id": self.id, "team_id": self.team, "name": self.name, "deleted": false, "real_name": self.display,
            "is_bot": self.bot, "is_restricted": self.guest, "is_ultra_restricted": false,
            "profile": {"display_name": self.display, "real_name": self.display, "email": self.email},
        });
        if let Some((zone, offset)) = &self.zone {
            user["tz"] = json!(zone);
            user["tz_offset"] = json!(offset);
        }
        user
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) ts: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) user: String,
    pub(crate) by_bot: bool,
    pub(crate) text: String,
    pub(crate) blocks: Value,
    pub(crate) metadata: Value,
    pub(crate) thread_ts: Option<String>,
    /// When it was last changed, as Slack writes it.
    pub(crate) edited: Option<String>,
    pub(crate) reactions: Vec<(String, String)>,
    pub(crate) file: Option<String>,
    pub(crate) unfurls: Value,
}

impl Message {
    /// A message of the bot, with the contents of its call.
    pub(crate) fn of_bot(ts: String, at: DateTime<Utc>, call: &Value) -> Self {
        Self {
            ts,
            at,
            user: BOT_USER.to_owned(),
            by_bot: true,
            text: call["text"].as_str().unwrap_or_default().to_owned(),
            blocks: call["blocks"].clone(),
            metadata: call["metadata"].clone(),
            thread_ts: call["thread_ts"].as_str().map(str::to_owned),
            edited: None,
            reactions: Vec::new(),
            unfurls: Value::Null,
            file: None,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut message = json!({"type": "message", "ts": self.ts, "user": self.user, "text": self.text});
        if self.by_bot {
            message["bot_id"] = json!(BOT_ID);
        }
        if !self.blocks.is_null() {
            message["blocks"] = self.blocks.clone();
        }
        if !self.metadata.is_null() {
            message["metadata"] = self.metadata.clone();
        }
        if let Some(thread) = &self.thread_ts {
            message["thread_ts"] = json!(thread);
        }
        if let Some(edited) = &self.edited {
            message["edited"] = json!({"user": self.user, "ts": edited});
        }
        message
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) creator: String,
    pub(crate) topic: String,
    pub(crate) members: Vec<String>,
    pub(crate) archived: bool,
    pub(crate) private: bool,
    pub(crate) shared: bool,
    /// Its id and Markdown.
    pub(crate) canvas: Option<(String, String)>,
    pub(crate) messages: Vec<Message>,
    pub(crate) ephemerals: Vec<(String, Message)>,
    pub(crate) pins: Vec<String>,
    pub(crate) bookmarks: Vec<(String, String)>,
    pub(crate) posts: Vec<DateTime<Utc>>,
}

impl Channel {
    pub(crate) fn has_bot(&self) -> bool {
        self.members.iter().any(|member| member == BOT_USER)
    }

    /// The names of events call private channels groups.
    pub(crate) fn event_kind(&self, what: &str) -> String {
        format!("{}_{what}", if self.private { "group" } else { "channel" })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "is_channel": true, "is_archived": self.archived, "creator": self.creator,
            "is_member": self.members.iter().any(|member| member == BOT_USER), "is_private": self.private, "is_ext_shared": self.shared,
            "topic": {"value": self.topic, "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": self.members.len(),
            "properties": self.canvas.as_ref().map(|(id, _)| json!({"canvas": {"file_id": id, "is_empty": false}})),
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Trigger {
    pub(crate) at: DateTime<Utc>,
    pub(crate) user: String,
    pub(crate) used: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct OpenView {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) view: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) content: String,
}

/// An event on its way to the bot.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) body: String,
}

pub(crate) struct Workspace {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) triggers: BTreeMap<String, Trigger>,
    pub(crate) views: Vec<OpenView>,
    pub(crate) homes: BTreeMap<String, Value>,
    /// The workspace does not let apps make channels.
    pub(crate) forbids_channels: bool,
    pub(crate) files: BTreeMap<String, File>,
    pub(crate) events: Vec<Event>,
    pub(crate) count: u64,
    /// When pages of the list of people were asked for, in the last minute.
    pub(crate) listings: Vec<DateTime<Utc>>,
}

impl Workspace {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let bot = User {
            id: BOT_USER.to_owned(),
            team: config.team_id.clone(),
            name: "muster".to_owned(),
            display: "muster".to_owned(),
            email: String::new(),
            guest: false,
            bot: true,
            zone: None,
        };
        Self {
            users: [(BOT_USER.to_owned(), bot)].into(),
            groups: BTreeMap::new(),
            channels: Vec::new(),
            triggers: BTreeMap::new(),
            views: Vec::new(),
            homes: BTreeMap::new(),
            forbids_channels: false,
            files: BTreeMap::new(),
            events: Vec::new(),
            count: 0,
            listings: Vec::new(),
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(crate) fn name(&self, id: &str) -> String {
        self.users.get(id).map_or_else(|| format!("@{id}"), |user| format!("@{}", user.display))
    }

    /// The conversation with one person. It begins with the first message.
    pub(crate) fn direct(&mut self, user: &str) {
        if self.channels.iter().any(|channel| channel.id == user) {
            return;
        }
        let name = format!("dm-{}", self.users.get(user).map_or(user, |user| user.name.as_str()));
        self.channels.push(Channel {
            id: user.to_owned(),
            name,
            creator: BOT_USER.to_owned(),
            topic: String::new(),
            members: vec![user.to_owned(), BOT_USER.to_owned()],
            archived: false,
            private: true,
            shared: false,
            canvas: None,
            messages: Vec::new(),
            ephemerals: Vec::new(),
            pins: Vec::new(),
            bookmarks: Vec::new(),
            posts: Vec::new(),
        });
    }

    pub(crate) fn channel(&mut self, id_or_name: &str) -> Option<&mut Channel> {
        let name = id_or_name.trim_start_matches('#');
        self.channels.iter_mut().find(|channel| channel.id == name || channel.name == name)
    }

    /// A timestamp: the time, with last digits that make it unique.
    pub(crate) fn ts(&mut self, at: DateTime<Utc>) -> String {
        format!("{}.{:06}", at.timestamp(), self.next() % 1_000_000)
    }

    pub(crate) fn trigger(&mut self, user: &str, at: DateTime<Utc>) -> String {
        let id = format!("{}.{}", at.timestamp_millis(), self.next());
        self.triggers.insert(id.clone(), Trigger { at, user: user.to_owned(), used: false });
        id
    }

    pub(crate) fn emit(&mut self, config: &SandboxConfig, event: &Value) {
        let id = format!("Ev{:08}", self.next());
        let body = json!({
            "token": "legacy", "team_id": config.team_id, "api_app_id": config.app_id, "event": event, "type": "event_callback",
            "event_id": id, "event_time": (config.now)().timestamp(), "is_ext_shared_channel": false,
            "authorizations": [{"enterprise_id": null, "team_id": config.team_id, "user_id": BOT_USER, "is_bot": true}],
        });
        self.events.push(Event { id, body: body.to_string() });
    }
}
