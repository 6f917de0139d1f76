//! The roles of an incident, and how many people may hold each.

use crate::domain::worded;

worded! {
    /// What a person does in an incident.
    pub enum Role {
        /// Decides and delegates; the single source of truth about the incident.
        Commander = "commander" | "command" | "ic" | "lead",
        /// Stands in for the commander and keeps the time.
        Deputy = "deputy",
        Responder = "responder" | "responders",
        /// Writes down what is decided and done.
        Scribe = "scribe",
        /// Speaks to upstream owners and downstream consumers.
        Liaison = "liaison" | "comms",
    }
}

impl Role {
    /// Whether several people may hold it. Only responders and liaisons may be several.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Responder | Self::Liaison)
    }
}
