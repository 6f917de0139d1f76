//! FLOOR 3. The outbox is carried out here, so that no handler calls Slack or PagerDuty (save for `views.open`).
//!
//! [`worker`] claims what is due, a lane at a time; `jobs` has a file for each thing that is done, `posting` how a message is
//! posted once, `carrier` what all of them use. `retry` says what becomes of a try that failed, `upkeep` what is done beside the lanes.

mod carrier;
mod jobs;
mod posting;
mod retry;
pub mod upkeep;
pub mod worker;

pub use worker::Worker;
