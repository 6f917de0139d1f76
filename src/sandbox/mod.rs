//! The sandbox: a pretend Slack and PagerDuty, with state, errors, limits, signatures and faults. It imports nothing
//! else from this crate, and talks to the bot only over signed HTTP, as the real services do. Tests and the demo use it.
//!
//! It knows nothing about incidents. What a bot does through the Web API shows in the channels. What a person does there
//! comes to the bot as commands, interactions, events and webhooks.

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
