//! FLOOR 2, beside `records`. What is held in memory of the store, so that decisions and forms need not ask for it: one file a read model, each
//! loaded from the records at start and following every commit from then on.
//!
//! The store tells [`ReadModels`] of every commit, its own and those of other processes, in their order and before anybody has the answer. That
//! call is the only one that changes a read model: [`Followed`] lets everybody else only read.

mod all;
pub mod catalog;
pub mod external_channels;
pub mod flapping;
pub mod health;
mod model;
pub mod people;
pub mod rosters;
pub mod silences;
pub mod subscriptions;

pub use all::{Followed, ReadModels};
pub use model::ReadModel;
