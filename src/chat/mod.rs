//! FLOOR 3. What people do in Slack: lines they type (`verbs`, one file per verb), buttons they press (`presses`), forms they send
//! (`forms`), and what happens in the workspace (`events`). Each becomes a command for the app, or an answer that only they see.
//! Nothing here calls Slack. A form to open is returned as a value, because its trigger lives only three seconds.

mod asker;
mod capture;
mod choices;
mod dispatch;
mod events;
mod forms;
mod line;
mod more;
mod named;
mod presses;
mod questions;
mod registry;
mod reply;
mod triage;
mod unfurl;
mod verbs;
mod when;

pub use capture::{capture_history, pin_found};
pub use dispatch::slash;
pub use events::slack_event;
pub use forms::{form_is_late, unopened};
pub use line::{Unclear, Verb};
pub use presses::{interact, post_ephemeral, suggested};
pub use registry::verb_of;
pub use reply::Reply;
pub use verbs::{GROUPS, VERBS};
