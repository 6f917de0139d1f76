//! Which incident an alert belongs to, decided in arrival order by one queue a process: what waits ([`queue`]), how it is decided in rounds
//! (`run`), and where one signal belongs (`round`). What is held back is looked after in `suppress`.

mod queue;
mod round;
mod run;

pub(super) use queue::{Correlator, ROUND};
pub use queue::{Outcome, Placed, Posted};
pub(super) use round::MERGED_DEEP;
