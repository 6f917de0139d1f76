//! A pretend PagerDuty.

pub(crate) mod account;
pub(crate) mod events;
mod pager;
mod rest;
pub(crate) mod webhooks;

pub use account::{PdIncident, RestCall};
pub use pager::PagerDuty;
