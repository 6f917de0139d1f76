//! Slack's requests, read tolerantly: ids are strings, missing values are empty, and unknown values are ignored. The library's
//! own types for them lose data, so they are not used.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::reason::ChannelLoss;
use crate::domain::{ChannelId, UserId};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SlashCommand {
    pub team_id: String,
    pub api_app_id: String,
    pub channel_id: ChannelId,
    pub user_id: UserId,
    /// `/incident`.
    pub command: String,
    pub text: String,
    /// For opening a modal, for three seconds.
    pub trigger_id: String,
    /// Takes a later answer, for half an hour.
    pub response_url: String,
    /// Set when Slack only checks the certificate.
    pub ssl_check: Option<String>,
}

/// An object of which only the id is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Id<T> {
    pub id: T,
    /// The workspace of a user, if Slack sends it.
    pub team_id: Option<String>,
}

/// A button, a modal or a shortcut.
#[derive(Debug, Clone, Deserialize)]
pub struct Interaction {
    /// `block_actions`, `view_submission`, `shortcut`, `message_action`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The workspace; `None` for an installation on a whole organisation.
    pub team: Option<Id<String>>,
    #[serde(default)]
    pub api_app_id: String,
    #[serde(default)]
    pub user: Id<UserId>,
    /// For opening a modal. It is valid for three seconds.
    #[serde(default)]
    pub trigger_id: String,
    #[serde(default)]
    pub container: Value,
    pub channel: Option<Id<ChannelId>>,
    #[serde(default)]
    pub actions: Vec<Action>,
    pub view: Option<View>,
    #[serde(default)]
    pub callback_id: String,
    #[serde(default)]
    pub value: String,
    /// The message that a message shortcut was chosen on.
    pub message: Option<Value>,
}

/// Reads a request from the JSON that Slack sends. Null values count as missing.
pub fn read<T: serde::de::DeserializeOwned>(json: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(without_nulls(json))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let there = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(there.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Action {
    pub action_id: String,
    pub value: String,
    /// The time of the press, which makes it unique.
    pub action_ts: String,
}

/// A modal that was sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct View {
    /// Its id, which makes it unique.
    pub id: String,
    pub callback_id: String,
    pub private_metadata: String,
    pub state: ViewState,
}

/// The answers of a modal, by block and action.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ViewState {
    pub values: BTreeMap<String, BTreeMap<String, Value>>,
}

impl View {
    fn answer(&self, id: &str) -> Option<&Value> {
        self.state.values.get(id)?.values().next()
    }

    /// A trimmed text; `None` if it was left empty.
    pub fn text(&self, id: &str) -> Option<String> {
        self.answer(id)?["value"].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub fn choice(&self, id: &str) -> Option<String> {
        self.answer(id)?.pointer("/selected_option/value")?.as_str().map(str::to_owned)
    }

    pub fn choices(&self, id: &str) -> Vec<String> {
        let chosen = self.answer(id).and_then(|answer| answer["selected_options"].as_array());
        chosen.into_iter().flatten().filter_map(|one| one["value"].as_str()).map(str::to_owned).collect()
    }

    pub fn people(&self, id: &str) -> Vec<UserId> {
        let Some(answer) = self.answer(id) else { return Vec::new() };
        let one = answer["selected_user"].as_str().into_iter();
        let several = answer["selected_users"].as_array().into_iter().flatten().filter_map(Value::as_str);
        one.chain(several).map(UserId::from).collect()
    }
}

/// The envelope of the Events API.
#[derive(Debug, Clone, Deserialize)]
pub struct Envelope {
    /// `event_callback` or `url_verification`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For `url_verification`.
    pub challenge: Option<String>,
    pub team_id: Option<String>,
    pub api_app_id: Option<String>,
    #[serde(default)]
    pub event_id: String,
    #[serde(default)]
    pub event: Value,
    /// Whether the channel is shared with another workspace.
    #[serde(default)]
    pub is_ext_shared_channel: bool,
    /// For whom Slack sends it. This names our own bot user.
    #[serde(default)]
    pub authorizations: Vec<Value>,
}

/// An event that Muster uses.
#[derive(Debug, Clone, PartialEq)]
#[rustfmt::skip]
pub enum SlackEvent {
    /// A person said something.
    /// `thread`: in which thread, if in one.
    Said { channel: ChannelId, thread: Option<String>, ts: String, user: UserId, text: String },
    /// A person changed a message.
    /// `thread`: in which thread, if in one.
    /// `edited`: Slack's timestamp of the change.
    Edited { channel: ChannelId, thread: Option<String>, ts: String, user: UserId, text: String, edited: String },
    /// A message was deleted.
    /// `thread`: in which thread, if in one.
    Deleted { channel: ChannelId, thread: Option<String>, ts: String },
    /// A reaction was added or removed.
    /// `name`: its name, without colons.
    /// `added`: added, or removed.
    Reaction { channel: ChannelId, ts: String, user: UserId, author: UserId, name: String, added: bool },
    /// A person is new, or has changed.
    Person(Value),
    /// A person posted links to pages of ours.
    Linked { channel: ChannelId, ts: String, user: UserId, links: Vec<String> },
    /// A person spoke to the bot.
    Mentioned { channel: ChannelId, user: UserId, text: String },
    /// A channel is gone, or Muster cannot write there any more.
    Gone { channel: ChannelId, why: ChannelLoss },
    /// Somebody opened the app's home.
    Home { user: UserId },
    /// A channel is now shared with other workspaces, or no longer is.
    Shared { channel: ChannelId, shared: bool },
    /// A channel got another name.
    Renamed { channel: ChannelId, name: String },
    Other,
}

/// A message's text, with the addresses of its pictures and files.
pub fn with_files(text: &str, message: &Value) -> String {
    let mut words = super::markup::plain(text);
    for file in message["files"].as_array().into_iter().flatten().take(10) {
        let name = file["title"].as_str().or_else(|| file["name"].as_str()).unwrap_or("file");
        let link = file["permalink"].as_str().unwrap_or_default();
        words.push_str(&format!("\n[{name}] {link}"));
    }
    words.trim().to_owned()
}

/// Reads an event. Messages of bots (including our own) and channel notices are ignored, so that Muster never answers itself.
pub fn event(event: &Value) -> SlackEvent {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let channel = || ChannelId::from(text("/channel"));
    let optional = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let by_bot = |message: &Value| message["bot_id"].as_str().is_some_and(|id| !id.is_empty());
    let of_person = |message: &Value| {
        let subtype = message["subtype"].as_str();
        !by_bot(message) && matches!(subtype, None | Some("thread_broadcast" | "file_share" | "me_message"))
    };
    match (event["type"].as_str().unwrap_or_default(), event["subtype"].as_str()) {
        ("message", _) if of_person(event) => SlackEvent::Said {
            channel: channel(),
            thread: optional("/thread_ts"),
            ts: text("/ts"),
            user: text("/user").into(),
            text: with_files(&text("/text"), event),
        },
        ("app_mention", _) if !by_bot(event) => {
            SlackEvent::Mentioned { channel: channel(), user: text("/user").into(), text: text("/text") }
        }
        ("message", Some("message_changed")) if of_person(&event["message"]) => SlackEvent::Edited {
            channel: channel(),
            thread: optional("/message/thread_ts"),
            ts: text("/message/ts"),
            user: text("/message/user").into(),
            text: with_files(&text("/message/text"), &event["message"]),
            edited: optional("/message/edited/ts").filter(|ts| !ts.is_empty()).unwrap_or_else(|| text("/ts")),
        },
        ("message", Some("message_deleted")) => SlackEvent::Deleted {
            channel: channel(),
            thread: optional("/previous_message/thread_ts"),
            ts: text("/deleted_ts"),
        },
        ("link_shared", _) => SlackEvent::Linked {
            channel: channel(),
            ts: text("/message_ts"),
            user: text("/user").into(),
            links: event["links"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|link| link["url"].as_str().map(str::to_owned))
                .collect(),
        },
        (kind @ ("reaction_added" | "reaction_removed"), _) => SlackEvent::Reaction {
            channel: text("/item/channel").into(),
            ts: text("/item/ts"),
            user: text("/user").into(),
            author: text("/item_user").into(),
            name: text("/reaction"),
            added: kind == "reaction_added",
        },
        ("team_join" | "user_change", _) => SlackEvent::Person(event["user"].clone()),
        ("channel_archive" | "group_archive", _) => SlackEvent::Gone { channel: channel(), why: ChannelLoss::Archived },
        (kind @ ("channel_shared" | "channel_unshared"), _) => {
            // One of several workspaces may have left.
            let still = event["is_ext_shared"].as_bool().unwrap_or(false);
            SlackEvent::Shared { channel: channel(), shared: kind == "channel_shared" || still }
        }
        ("channel_deleted" | "group_deleted", _) => SlackEvent::Gone { channel: channel(), why: ChannelLoss::Deleted },
        ("channel_left" | "group_left", _) => SlackEvent::Gone { channel: channel(), why: ChannelLoss::Removed },
        ("app_home_opened", _) if event["tab"].as_str().is_none_or(|tab| tab == "home") => {
            SlackEvent::Home { user: text("/user").into() }
        }
        ("channel_rename" | "group_rename", _) => {
            SlackEvent::Renamed { channel: text("/channel/id").into(), name: text("/channel/name") }
        }
        _ => SlackEvent::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_files_are_kept_with_the_words() {
        let said = serde_json::json!({
            "type": "message", "subtype": "file_share", "channel": "C1", "ts": "1.0", "user": "U1", "text": "the log",
            "files": [{"name": "load.log", "permalink": "https://example.slack.com/files/U1/F1/load.log"}, {"id": "F2"}],
        });
        let SlackEvent::Said { text, thread, .. } = event(&said) else { panic!("somebody said something") };
        assert_eq!(text, "the log\n[load.log] https://example.slack.com/files/U1/F1/load.log\n[file]");
        assert_eq!(thread, None);
    }
}
