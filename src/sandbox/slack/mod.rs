//! A pretend Slack workspace: its state, and how it reads requests. The Web API is in [`web_api`], what its people do in
//! [`people`], how blocks look in [`render`].

mod limits;
mod people;
pub(super) mod render;
pub(super) mod socket;
mod web_api;

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::{any, post};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{SandboxConfig, Shared, World, hmac_hex};

pub use people::{Button, ChannelView, FileView, MessageView, Slack, ViewState};

/// The bot's user.
pub(super) const BOT_USER: &str = "U0MUSTERBT";
const BOT_ID: &str = "B0MUSTER00";

#[derive(Debug, Clone)]
struct User {
    id: String,
    team: String,
    name: String,
    display: String,
    email: String,
    guest: bool,
    bot: bool,
}

impl User {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "team_id": self.team, "name": self.name, "deleted": false, "real_name": self.display,
            "is_bot": self.bot, "is_restricted": self.guest, "is_ultra_restricted": false,
            "profile": {"display_name": self.display, "real_name": self.display, "email": self.email},
        })
    }
}

#[derive(Debug, Clone)]
struct Message {
    ts: String,
    at: DateTime<Utc>,
    user: String,
    by_bot: bool,
    text: String,
    blocks: Value,
    metadata: Value,
    thread_ts: Option<String>,
    /// When it was changed last, as Slack writes it.
    edited: Option<String>,
    reactions: Vec<(String, String)>,
    file: Option<String>,
    unfurls: Value,
}

impl Message {
    /// A message of the bot, with what its call carried.
    fn of_bot(ts: String, at: DateTime<Utc>, call: &Value) -> Self {
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

    fn json(&self) -> Value {
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
struct Channel {
    id: String,
    name: String,
    creator: String,
    topic: String,
    members: Vec<String>,
    archived: bool,
    private: bool,
    /// With another workspace.
    shared: bool,
    /// Its id and Markdown.
    canvas: Option<(String, String)>,
    messages: Vec<Message>,
    ephemerals: Vec<(String, Message)>,
    pins: Vec<String>,
    bookmarks: Vec<(String, String)>,
    posts: Vec<DateTime<Utc>>,
}

impl Channel {
    fn has_bot(&self) -> bool {
        self.members.iter().any(|member| member == BOT_USER)
    }

    /// Private channels are groups in events' names.
    fn event_kind(&self, what: &str) -> String {
        format!("{}_{what}", if self.private { "group" } else { "channel" })
    }

    fn json(&self) -> Value {
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
struct Trigger {
    at: DateTime<Utc>,
    user: String,
    used: bool,
}

#[derive(Debug, Clone)]
struct OpenView {
    id: String,
    user: String,
    view: Value,
}

#[derive(Debug, Clone)]
struct File {
    name: String,
    title: String,
    content: String,
}

/// An event on its way to the bot.
#[derive(Debug, Clone)]
pub(super) struct Event {
    id: String,
    body: String,
}

pub(super) struct Workspace {
    users: BTreeMap<String, User>,
    groups: BTreeMap<String, Vec<String>>,
    channels: Vec<Channel>,
    triggers: BTreeMap<String, Trigger>,
    views: Vec<OpenView>,
    homes: BTreeMap<String, Value>,
    /// The workspace lets apps make no channels.
    forbids_channels: bool,
    files: BTreeMap<String, File>,
    pub(super) events: Vec<Event>,
    count: u64,
}

impl Workspace {
    pub(super) fn new(config: &SandboxConfig) -> Self {
        let bot = User {
            id: BOT_USER.to_owned(),
            team: config.team_id.clone(),
            name: "muster".to_owned(),
            display: "muster".to_owned(),
            email: String::new(),
            guest: false,
            bot: true,
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
        }
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn name(&self, id: &str) -> String {
        self.users.get(id).map_or_else(|| format!("@{id}"), |user| format!("@{}", user.display))
    }

    /// The conversation with one person; it begins with the first message.
    fn direct(&mut self, user: &str) {
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

    fn channel(&mut self, id_or_name: &str) -> Option<&mut Channel> {
        let name = id_or_name.trim_start_matches('#');
        self.channels.iter_mut().find(|channel| channel.id == name || channel.name == name)
    }

    /// A timestamp: the moment, made unique by its last digits.
    fn ts(&mut self, at: DateTime<Utc>) -> String {
        format!("{}.{:06}", at.timestamp(), self.next() % 1_000_000)
    }

    fn trigger(&mut self, user: &str, at: DateTime<Utc>) -> String {
        let id = format!("{}.{}", at.timestamp_millis(), self.next());
        self.triggers.insert(id.clone(), Trigger { at, user: user.to_owned(), used: false });
        id
    }

    fn emit(&mut self, config: &SandboxConfig, event: &Value) {
        let id = format!("Ev{:08}", self.next());
        let body = json!({
            "token": "legacy", "team_id": config.team_id, "api_app_id": config.app_id, "event": event, "type": "event_callback",
            "event_id": id, "event_time": (config.now)().timestamp(), "is_ext_shared_channel": false,
            "authorizations": [{"enterprise_id": null, "team_id": config.team_id, "user_id": BOT_USER, "is_bot": true}],
        });
        self.events.push(Event { id, body: body.to_string() });
    }
}

/// Query, form or JSON, as one object; forms carry structures as JSON texts.
pub(super) fn parameters(query: &str, body: &[u8]) -> Value {
    if let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(body) {
        return value;
    }
    let form = if body.is_empty() { query.as_bytes() } else { body };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form).unwrap_or_default();
    let read = |text: String| match text.chars().next() {
        Some('[' | '{') => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        _ => Value::String(text),
    };
    Value::Object(pairs.into_iter().map(|(key, value)| (key, read(value))).collect())
}

pub(super) fn router() -> Router<Shared> {
    Router::new().route("/api/{method}", any(web_api::call)).route("/upload/{id}", post(web_api::upload))
}

impl World {
    /// Posts a message and tells the bot of it, as Slack does of every message of a channel it is in.
    fn say(&mut self, channel: &str, message: Message, subtype: Option<&str>) {
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

/// The signature headers of a body sent now.
fn signed(shared: &Shared, body: &str) -> (String, String) {
    let world = shared.lock();
    let timestamp = (world.config.now)().timestamp().to_string();
    let signature = format!(
        "v0={}",
        hmac_hex(&world.config.signing_secret, &[b"v0:", timestamp.as_bytes(), b":", body.as_bytes()])
    );
    (timestamp, signature)
}

fn headers(shared: &Shared, body: &str, content_type: &str) -> Vec<(String, String)> {
    let (timestamp, signature) = signed(shared, body);
    [("content-type", content_type), ("x-slack-request-timestamp", &timestamp), ("x-slack-signature", &signature)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

pub(super) async fn deliver(shared: &Shared, event: &Event, twice: bool) {
    for _ in 0..if twice { 2 } else { 1 } {
        for retry in 0..4 {
            let mut headers = headers(shared, &event.body, "application/json");
            if retry > 0 {
                headers.push(("x-slack-retry-num".to_owned(), retry.to_string()));
                headers.push(("x-slack-retry-reason".to_owned(), "http_error".to_owned()));
            }
            if (200..300).contains(&shared.send("/slack/events", headers, event.body.clone()).await.status) {
                break;
            }
            let _ = &event.id;
        }
    }
}
