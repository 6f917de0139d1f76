//! The embedded engine: sled 0.34.7 behind a journal.
//!
//! A commit is durable when its frame is synced in the journal (`journal`). It is read from the memtable (`memtable`) until sled has taken it in,
//! behind the answer and without a sync of its own. Sled can be made anew from the last **base** (every key and value, written while running) and
//! the journal since. So what sled is known to do wrong (measured, each) costs no record:
//! - its `flush` is no fsync, and after a torn log it may open older, or empty, without an error: a record in it, `!head`, says up to which round it
//!   has come, and the mark (`mark`) how far the journal had. What is older catches up or is made anew, and that is said; where that cannot
//!   be, the start is refused.
//! - it may panic on a torn log: that too makes it anew.
//! - after a clean stop its files have the checksum that `store.json` says, or they are made anew: a bit that flipped is seen at the next start.
//! - a crash at start leaves `snap.*.generating`, with which sled never opens again: removed before opening.
//! - records are capped (`MAX_RECORD_BYTES`) and segments large, so that nothing goes to `blobs/`, which sled never syncs.
//!
//! The journal is written by the committer's thread and sled by the thread of the layers; one tree holds all kinds. Disk space is looked after in `room`.

mod backup;
mod base;
mod database;
mod directory;
mod frame;
mod inspect;
mod journal;
mod layers;
mod mark;
mod memtable;
mod open;
mod recovery;
mod repair;
mod restore;
mod room;
mod segments;
mod shared;
mod sidecar;
mod upkeep;

pub use inspect::{Inspection, expect_store, inspect};
pub use open::{SledEngine, back_up, open, open_with};
pub use repair::{Repaired, Source, repair};
pub use restore::restore;
pub use shared::Backups;
