//! Suppressed alerts: why an alert opens nothing yet. `silence` says which silence or window hides one, and `app::correlate` decides the rest.

use serde::{Deserialize, Serialize};

use super::{Signal, Time};

/// Why an alert opens nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Suppression {
    Silenced { number: u64 },
    /// A maintenance window hides it.
    Maintenance { name: String },
    /// Its route waits a while, in case it goes away by itself.
    Pending,
    /// An asset upstream was mended a moment ago, so this one may recover soon too.
    Recovering { asset: String, incident: String },
    /// An asset upstream was in an incident, which is over now. This is never stored: the alert is correlated again at once.
    Inhibited,
    Flapping,
    /// Its route asks a person first.
    AskingPerson,
}

/// An alert that opens nothing yet. When its time is over and it has not resolved, Muster decides again where it belongs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuppressedAlert {
    pub signal: Signal,
    #[serde(rename = "hold")]
    pub because: Suppression,
    pub since: Time,
    /// Until when. `None` until somebody decides.
    pub until: Option<Time>,
}
