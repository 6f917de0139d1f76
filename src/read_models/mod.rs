//! FLOOR 2, beside `records`. The parts of the store that are also held in memory, so that decisions and forms need not ask the store.
//! Each is loaded from the records at start, and follows every commit from then on.
//!
//! The store tells [`ReadModels`] about every commit, its own and those of other processes. It does so in their order, and before
//! anybody gets the answer. Only that call changes a read model. [`Followed`] lets everybody else only read.

pub mod catalog;
pub mod external_channels;
mod followed;
pub mod health;
mod model;
pub mod people;
mod silences;
mod subscriptions;
mod table;

pub use followed::{Followed, ReadModels};
pub use model::ReadModel;
pub use table::Table;
