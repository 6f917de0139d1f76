//! What Slack says about people, channels and messages, and the file that it gets. Answers are read as loose JSON, because the library's types refuse new fields.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::Value;

use crate::domain::{ChannelId, UserId};

/// A person, as Slack describes them.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Member {
    pub id: UserId,
    pub name: String,
    pub email: Option<String>,
    pub team: String,
    /// Single- or multi-channel guest.
    pub guest: bool,
    /// Deactivated, or a bot.
    pub barred: bool,
    /// The time zone of their profile, by its IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    /// How far their clocks were ahead of UTC when Slack told of them, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz_offset: Option<i32>,
}

impl Member {
    /// The time zone in which they read and type times. If its name is not known here, its whole hours count.
    pub fn zone(&self) -> Option<Tz> {
        let named = self.tz.as_deref().and_then(|name| name.parse().ok());
        named.or_else(|| {
            let hours = self.tz_offset.filter(|seconds| seconds % 3600 == 0)? / 3600;
            // The signs of these names are turned round.
            format!("Etc/GMT{:+}", -hours).parse().ok()
        })
    }
}

/// Reads a user object of `users.list`, `users.info`, `team_join`, `user_change`.
pub fn member(user: &Value) -> Option<Member> {
    let text = |pointer: &str| user.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let flag = |key: &str| user[key].as_bool().unwrap_or(false);
    Some(Member {
        id: text("/id")?.into(),
        name: ["/profile/display_name", "/profile/real_name", "/real_name", "/name"]
            .into_iter()
            .find_map(text)
            .unwrap_or("somebody")
            .to_owned(),
        email: text("/profile/email").map(str::to_owned),
        team: text("/team_id").unwrap_or_default().to_owned(),
        guest: flag("is_restricted") || flag("is_ultra_restricted"),
        barred: flag("deleted") || flag("is_bot") || flag("is_stranger"),
        tz: text("/tz").map(str::to_owned),
        tz_offset: user["tz_offset"].as_i64().and_then(|seconds| i32::try_from(seconds).ok()),
    })
}

/// A message of a channel's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryMessage {
    pub ts: String,
    /// The author, if a person wrote it.
    pub author: Option<UserId>,
    pub text: String,
    /// The outbox entry that posted it, if it was ours.
    pub outbox_id: Option<String>,
    /// The files of a bot's message, ids by name.
    pub files: BTreeMap<String, String>,
}

/// A file to be uploaded.
pub struct File {
    pub name: String,
    pub title: String,
    /// Its type, and its bytes.
    pub content: (&'static str, Vec<u8>),
    pub comment: String,
}

/// A channel, as Slack lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Listed {
    pub id: ChannelId,
    /// Its name, without `#`.
    pub name: String,
    /// Whether people of another workspace are in it, or are invited.
    pub shared: bool,
}

/// A channel, with the facts that say whether Muster may work there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name, without `#`.
    pub name: String,
    pub member: bool,
    /// Whether people of another workspace are in it, or are invited.
    pub shared: bool,
    /// Whether only its members see it.
    pub private: bool,
    pub canvas: Option<String>,
}
