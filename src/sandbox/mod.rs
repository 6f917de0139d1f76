//! The other side: a pretend Slack and PagerDuty, with state, errors, limits, signatures and faults. It imports nothing
//! else of this crate and talks to the bot over signed HTTP only, as the real ones do. Tests and the demo use it.
//!
//! It knows nothing of incidents: whatever a bot does through the Web API shows in its channels, and whatever a person
//! does in them comes back to the bot as commands, interactions, events and webhooks.

mod coverage;
mod exchange;
mod faults;
mod pagerduty;
mod served;
mod settings;
mod signing;
mod slack;
mod switches;
mod to_bot;
mod world;

pub use coverage::COVERAGE;
pub use exchange::{Answer, Exchange};
pub use pagerduty::{PagerDuty, PdIncident, RestCall};
pub use served::Sandbox;
pub use settings::SandboxConfig;
pub use slack::{Button, ChannelView, FileView, MessageView, Slack, ViewState};
pub use switches::Faults;
