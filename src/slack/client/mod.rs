//! Slack's Web API, through slack-morphism's client, with our own time-out.

mod answers;
mod calls;
mod failure;
mod methods;

pub use answers::{ChannelInfo, File, HistoryMessage, Listed, Member, member};
pub use calls::SlackApi;
pub use failure::{FailureKind, SlackError};
pub use methods::Method;
