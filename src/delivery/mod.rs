//! FLOOR 3. Carries out the outbox, so that no handler calls Slack or PagerDuty (except for `views.open`).
//!
//! [`worker`] claims what is due, one lane at a time. `jobs` has one file for each kind of job. `posting` makes sure that a message is posted
//! once. `carrier` holds what all of them use. `retry` decides what follows a failed try. `upkeep` is the work beside the lanes.

mod carrier;
mod jobs;
mod posting;
mod retry;
pub mod upkeep;
pub mod worker;

pub use worker::Worker;
