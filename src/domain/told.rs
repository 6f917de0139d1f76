//! Who outside an incident is told of it, and what became of the messages to them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lineage::Whom;
use super::{MessageRef, Time, Undelivered, UserId};

/// Somebody outside the incident who is to be told.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recipient {
    /// Their id in this incident: the team's name in lower case, or a Slack id.
    pub key: String,
    /// The team's or person's name.
    pub name: String,
    /// A `#channel`, `C…` or `U…`.
    pub slack: Option<String>,
    /// An e-mail address, used if there is no `slack`.
    pub email: Option<String>,
    /// A few of their assets that it is about, the most important first.
    pub assets: Vec<String>,
    pub total: usize,
}

impl Recipient {
    /// Somebody in Slack.
    pub fn person(id: &UserId, name: String) -> Self {
        Self { key: id.to_lowercase(), name, slack: Some(id.to_string()), ..Self::default() }
    }

    /// Whether a message to one of them reaches the same people as a message to the other.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| {
            one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        self.key == other.key
            || same(&self.slack, &other.slack)
            || (self.slack.is_none() && other.slack.is_none() && same(&self.email, &other.email))
    }
}

/// Somebody who is to be told, and what became of it. This is a separate record under the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub recipient: Recipient,
    /// As producer, or as consumer.
    pub whom: Whom,
    pub at: Time,
    /// Wants to hear no more of this incident.
    pub muted: bool,
    /// The first message to them. Later ones are in its thread.
    pub message: Option<MessageRef>,
    #[serde(default)]
    pub reached: Reached,
    /// Why a message to them was refused for good, by each way that was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Undelivered>,
}

impl Notification {
    pub fn new(recipient: Recipient, whom: Whom, at: Time) -> Self {
        Self { recipient, whom, at, muted: false, message: None, reached: Reached::Pending, refused: Vec::new() }
    }

    /// Whether the first message will never reach them. Then they hear nothing of how it goes on.
    pub fn is_unreached(&self) -> bool {
        self.reached == Reached::Failed
    }

    /// Whether Slack refused them for good, and an e-mail goes to them instead.
    pub fn gets_mail_instead(&self) -> bool {
        self.recipient.slack.is_none() && self.recipient.email.is_some() && !self.refused.is_empty()
    }
}

/// What became of the first message to somebody outside. "Told" is said of nobody before it is delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// An earlier Muster did not record it.
    #[default]
    NotRecorded,
    Pending,
    Delivered(Delivered),
    /// Each way to them was refused for good.
    Failed,
}

/// That a message arrived. Only the answer of Slack or of the mail server makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    at: Time,
    by_mail: bool,
}

impl Delivered {
    /// Slack named the message that it posted.
    pub(super) fn in_slack(_: &MessageRef, at: Time) -> Self {
        Self { at, by_mail: false }
    }

    /// The mail server took the letter to this address.
    pub(super) fn by_mail(_: &str, at: Time) -> Self {
        Self { at, by_mail: true }
    }
}

/// Who outside was told, as far as that is known. Every surface that names them takes them from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WhoWasTold {
    pub told: Vec<Told>,
    pub pending: Vec<String>,
    pub unreached: Vec<Unreached>,
    /// An earlier Muster did not record whether the message reached them.
    pub not_recorded: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    pub name: String,
    pub by_mail: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreached {
    pub name: String,
    /// In words.
    pub why: Vec<String>,
}

impl WhoWasTold {
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Notification>) -> Self {
        let mut who = Self::default();
        for one in all {
            let name = one.recipient.name.clone();
            match &one.reached {
                Reached::Delivered(delivered) => who.told.push(Told { name, by_mail: delivered.by_mail }),
                // Slack's answer was recorded, before there was a word for it.
                Reached::NotRecorded if one.message.is_some() => who.told.push(Told { name, by_mail: false }),
                Reached::NotRecorded => who.not_recorded.push(name),
                // They wanted to hear nothing, before anything was sent.
                Reached::Pending if one.muted => {}
                Reached::Pending => who.pending.push(name),
                Reached::Failed => {
                    let why = one.refused.iter().map(ToString::to_string).collect();
                    who.unreached.push(Unreached { name, why });
                }
            }
        }
        who
    }
}
