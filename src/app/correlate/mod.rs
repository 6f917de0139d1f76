//! Decides which incident an alert belongs to, in order of arrival, through one queue per process. `queue` holds what waits. `worker` decides it
//! in rounds. A `round` is in an `order`, and `matching` finds where one signal belongs. Beside this folder, `suppressed_alerts` looks after those that open nothing yet.

mod matching;
mod order;
mod queue;
mod round;
mod worker;

pub(super) use matching::MERGED_DEEP;
pub use queue::{Correlated, Outcome, Posted};
pub(super) use queue::{Correlator, ROUND};
