//! FLOOR 1. Slack: checking what comes in, reading it, and calling its Web API. Slack's payload types stay in here; what
//! goes out of this room is a command, an intent, or an outcome.

pub mod client;
pub mod inbound;
pub mod markup;
pub mod signature;
