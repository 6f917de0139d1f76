//! The roles of an incident, and how many people may hold each.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

/// What a person does in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Decides and delegates; the single source of truth about the incident.
    Commander,
    /// Stands in for the commander and keeps the time.
    Deputy,
    Responder,
    /// Writes down what is decided and done.
    Scribe,
    /// Speaks to upstream owners and downstream consumers.
    Liaison,
}

impl Role {
    /// Every role, in the order people read them.
    pub const ALL: [Self; 5] = [Self::Commander, Self::Deputy, Self::Responder, Self::Scribe, Self::Liaison];

    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Finds the role by its word. `command`, `ic` and `lead` mean commander, `comms` means liaison.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "commander" | "command" | "ic" | "lead" => Some(Self::Commander),
            "deputy" => Some(Self::Deputy),
            "responder" | "responders" => Some(Self::Responder),
            "scribe" => Some(Self::Scribe),
            "liaison" | "comms" => Some(Self::Liaison),
            _ => None,
        }
    }

    /// Whether several people may hold it. Only responders and liaisons may be several.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Responder | Self::Liaison)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
