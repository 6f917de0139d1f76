//! Decides which incident an alert belongs to, in order of arrival, through one queue per process. `queue` holds what waits, `rounds` decides it
//! in rounds, and `matching` finds the place of one signal. `suppress` looks after suppressed alerts.

mod matching;
mod queue;
mod rounds;

pub(super) use matching::MERGED_DEEP;
pub(super) use queue::{Correlator, ROUND};
pub use queue::{Outcome, Placed, Posted};
