//! What Slack says of people, channels and messages. Answers are read as loose JSON: the library's typed answers refuse what Slack adds.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::UserId;

/// A person as Slack describes one.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Member {
    pub id: UserId,
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
    pub team: String,
    /// Single- or multi-channel guest.
    pub guest: bool,
    /// Deactivated, or a bot.
    pub barred: bool,
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
    })
}

/// A message of a channel's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryMessage {
    pub ts: String,
    /// Who wrote it, if a person did.
    pub author: Option<UserId>,
    pub text: String,
    /// The outbox entry that posted it, if it was ours.
    pub outbox_id: Option<String>,
    /// The files of a bot's message, ids by name.
    pub files: BTreeMap<String, String>,
}

/// A channel as a list of Slack's has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Listed {
    pub id: String,
    /// Its name, without `#`.
    pub name: String,
    /// Whether people of another workspace are in it, or are asked to be.
    pub shared: bool,
}

/// A channel, as far as it matters whether Muster may work there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name, without `#`.
    pub name: String,
    pub member: bool,
    /// Whether people of another workspace are, or are asked to be.
    pub shared: bool,
    /// Whether only those who are in it see it.
    pub private: bool,
    pub canvas: Option<String>,
}
