//! x
pub mod app;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod intake;
pub mod messages;
pub mod pagerduty;
pub mod slack;
pub mod store;
pub mod telemetry;
