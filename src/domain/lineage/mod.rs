//! How the data hangs together: what an asset is, the graph of all of them, and the questions asked of it. Pure.
//!
//! [`Asset`] is what the catalog keeps of one; [`sighting`] makes one out of what several sources say; [`graph`] holds all of
//! them in memory; [`walk`], [`root`] and [`impact`] ask. What importers read is the business of the room `catalog`.

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
