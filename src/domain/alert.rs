//! One alert of an incident: a signal, and what became of it.

use serde::{Deserialize, Serialize};

use super::Time;
use super::reason::JoinReason;
use super::signal::Signal;

/// One alert of an incident, with a status of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Our id, unique.
    pub id: String,
    /// What the monitor last said in full.
    #[serde(flatten)]
    pub signal: Signal,
    pub first_seen: Time,
    /// When the monitor last told us; written lazily, the only thing a crash may forget.
    pub last_seen: Time,
    /// When the monitor said it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Time>,
    pub joined_because: JoinReason,
    /// Whether it is only here because what it is made of is broken: it pages nobody, unless it goes on when that is mended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inhibited: bool,
}
