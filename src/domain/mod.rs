//! FLOOR 0. What a data incident is and what may happen to it: pure values and pure functions.
//!
//! Read in this order: [`signal`], [`alert`] and [`incident`] (the nouns), [`command`] (what is asked), [`event`] (what happened),
//! [`mod@decide`] (command to events and effects, or a [`refusal`]), [`mod@evolve`] (events to state), [`effect`] (what must be
//! done outside). Nothing here reads a clock, makes an id, waits, or knows how a message looks.

pub mod alert;
pub mod all_clear;
mod base;
pub mod captured;
pub mod command;
pub mod decide;
pub mod effect;
pub mod event;
pub mod evolve;
pub mod incident;
pub mod lineage;
pub mod matcher;
pub mod needs;
pub mod notice;
pub mod permission;
pub mod pillar_words;
pub mod policy;
pub mod postmortem;
pub mod rca;
pub mod reason;
pub mod refusal;
pub mod role;
pub mod rotation;
pub mod route;
pub mod runbook;
pub mod severity;
pub mod signal;
pub mod silence;
pub mod sla;
pub mod suppression;
pub mod timeline;
pub mod times;
pub mod told;
pub mod undelivered;
pub mod visibility;
mod worded;

pub use alert::Alert;
pub use base::{AlertId, ChannelId, IncidentId, MessageRef, Principal, Time, UserId, counted, is_channel, is_person};
pub use command::Command;
pub use decide::{Context, Decision, decide};
pub use effect::{Effect, Lane};
pub use event::{Actor, Entry, Event};
pub use evolve::evolve;
pub use incident::{Case, Incident, Status, Task};
pub use policy::Policy;
pub use refusal::Refusal;
pub use role::Role;
pub use severity::Severity;
pub use signal::{AssetName, Level, Pillar, Signal, SignalStatus};
pub use undelivered::Undelivered;
pub(crate) use worded::worded;
