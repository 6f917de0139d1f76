//! How the data is connected: assets, the graph of all of them, and the questions asked of the graph. Pure.
//!
//! [`Asset`] is what the catalog keeps about one asset. [`sighting`] puts it together from what several sources say. [`graph`] holds
//! all of them in memory. [`walk`], [`root`] and [`impact`] ask the questions. The room `catalog` knows what importers read.

mod asset;
pub mod clue;
pub mod graph;
pub mod impact;
pub mod names;
pub mod root;
pub mod sighting;
pub mod walk;

pub use asset::{Asset, AssetKind, Change, ChangeKind, Check, Day, Facts, Owner, Parent, day};
pub use clue::{Clue, RootReason};
pub use graph::{Graph, NodeId};
pub use impact::{Impact, TeamImpact, Whom};
pub use root::Candidate;
pub use walk::View;
