//! Decides which incident an alert belongs to, in order of arrival, through one queue per process. `queue` holds what waits, `rounds` decides it
//! in rounds, and `matching` finds the place of one signal. Beside this folder, `suppressed_alerts` looks after those that open nothing yet.

mod matching;
mod queue;
mod rounds;

pub(super) use matching::MERGED_DEEP;
pub(super) use queue::{Correlator, ROUND};
pub use queue::{Outcome, Placed, Posted};
