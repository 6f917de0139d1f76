//! What was said in an incident's channel.

use serde::{Deserialize, Serialize};

use super::incident::MessageRef;
use super::{Time, UserId};

/// A message of the channel, as it was last seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Captured {
    #[serde(flatten)]
    pub message: MessageRef,
    pub author: UserId,
    pub at: Time,
    /// Its text. Empty after it was deleted.
    pub text: String,
    pub deleted: bool,
    /// Which edit of the message this is, by Slack's timestamp. Empty if it was never edited.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub edited: String,
}

/// When a message was posted, by its Slack timestamp (`seconds.micros`).
pub fn said_at(message: &MessageRef) -> Option<Time> {
    let (seconds, micros) = message.ts.split_once('.')?;
    let nanos = micros.get(..6.min(micros.len()))?.parse::<u32>().ok()?.checked_mul(1000)?;
    chrono::DateTime::from_timestamp(seconds.parse().ok()?, nanos)
}
