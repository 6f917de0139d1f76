//! FLOOR 2. Load, decide, commit: the one path of every change. Also the queries behind answers, modals and the API.
//!
//! Every change is a [`Change`] and goes through [`App::make`]. It loads what it needs, decides, and says what to write; one commit writes it.
//! Only a change that reads nothing it writes may use [`App::commit`]. [`App::execute`] changes one incident by a command. [`correlate`] changes
//! many in a flood of alerts. Nothing here calls Slack or PagerDuty, but for `newcomers`: who somebody is who comes in.

mod alert_moves;
mod all_clear;
pub mod cards;
pub mod catalog;
mod change;
pub mod correlate;
pub mod decided;
mod expiry;
mod external_channels;
mod flapping;
mod graph;
mod heartbeats;
mod home;
pub mod lineage;
pub mod lookup;
mod newcomers;
mod pace;
mod postmortem;
pub mod queries;
mod reached;
pub mod received_bodies;
pub mod redact;
mod refusals;
mod request;
mod roster;
mod runbooks;
pub mod silences;
mod state;
mod subscriptions;
pub mod suppressed_alerts;
mod transient;
mod verdicts;

pub use change::Change;
pub use request::{DeliveryId, Failure, RequestMeta};
pub use runbooks::load_library;
pub use state::App;
