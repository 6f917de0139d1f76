//! What people outside are told.

use serde::{Deserialize, Serialize};

use super::Time;
use super::event::Actor;
use super::lineage::Whom;

/// What people outside are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Notice {
    /// That there is an incident, and what it means for them.
    First { whom: Whom, text: Option<String> },
    Update { text: String, next: Option<Time>, #[serde(default)] impact: Option<String> },
    /// That it is over, and what is known of the data. Whether it is an all-clear shows when it is sent.
    /// `green`: all alerts are green, and that is why it is said.
    /// `by`: who ended it.
    AllClear { text: Option<String>, #[serde(default)] green: bool, #[serde(default)] by: Option<Actor> },
    /// That it goes on in another incident.
    Merged { into: String },
    Reopened { reason: String },
}
