//! One alert of an incident: a signal, and what became of it.

use serde::{Deserialize, Serialize};

use super::reason::JoinReason;
use super::signal::Signal;
use super::{AlertId, Time};

/// One alert of an incident. It has its own status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    /// The last full signal of the monitor.
    #[serde(flatten)]
    pub signal: Signal,
    pub first_seen: Time,
    /// When the monitor last sent it. This is written lazily, so a crash may lose it, and nothing else.
    pub last_seen: Time,
    /// When the monitor said it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Time>,
    /// When it ended, by the monitor's clock. What fired before that is old news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    pub joined_because: JoinReason,
    /// Whether it is only here because an asset upstream is broken. It pages nobody, unless it still fires after that asset is mended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inhibited: bool,
}

impl Alert {
    /// An alert that joins an incident.
    pub fn new(id: AlertId, signal: Signal, joined_because: JoinReason, inhibited: bool, at: Time) -> Self {
        Self { id, signal, first_seen: at, last_seen: at, resolved_at: None, ended_at: None, joined_because, inhibited }
    }
}
