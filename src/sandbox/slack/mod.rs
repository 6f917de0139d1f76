//! A pretend Slack workspace.

mod admin;
pub(crate) mod deliveries;
mod door;
mod limits;
pub(crate) mod parameters;
mod posting;
mod press;
pub(crate) mod render;
mod seen;
mod shown;
pub(crate) mod socket;
mod talk;
pub(crate) mod tickets;
pub(crate) mod web_api;
pub(crate) mod workspace;

pub use door::Slack;
pub use shown::{Button, ChannelView, FileView, MessageView, ViewState};
