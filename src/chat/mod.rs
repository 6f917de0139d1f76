//! FLOOR 3. What people do in Slack: lines they type (`verbs`, one file a verb), buttons they press (`presses`), forms they send
//! (`forms`), and what happens in the workspace (`events`). Each becomes a command for the app, or an answer that only they see. Nothing
//! here calls Slack: a form to be opened comes back as a value, since its trigger lives three seconds.

mod asker;
mod choices;
mod dispatch;
mod events;
mod forms;
mod line;
mod presses;
mod questions;
mod registry;
mod reply;
mod triage;
mod verbs;
mod when;

pub use dispatch::slash;
pub use events::{capture_history, pin_found, slack_event};
pub use line::Verb;
pub use presses::{interact, suggested, whisper};
pub use registry::VERBS;
pub use reply::Reply;
