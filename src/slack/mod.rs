//! FLOOR 1. Slack: checks and reads incoming requests, and calls the Web API. Only this room knows Slack's payloads. It
//! returns commands, intents and outcomes.

pub mod client;
pub mod inbound;
pub mod manifest;
pub mod markup;
pub mod signature;
