//! Which incident an alert belongs to, decided in arrival order by one queue a process: what waits (`queue`), how it is decided in rounds
//! (`rounds`), and where one signal belongs (`matching`). What is held back is looked after in `suppress`.

mod matching;
mod queue;
mod rounds;

pub(super) use matching::MERGED_DEEP;
pub(super) use queue::{Correlator, ROUND};
pub use queue::{Outcome, Placed, Posted};
