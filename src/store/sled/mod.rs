//! The embedded engine: sled 0.34.7 behind a journal.
//!
//! A commit is durable when its frame is synced in the journal (`journal`). It is read from the memtable (`memtable`) until sled has taken it in,
//! after the answer and without a sync of its own. Sled can be made anew from the last **base** (every key and value, written while running) and
//! the journal since then. So the known faults of sled (each was measured) cost no record:
//! - Its `flush` is not an fsync, and after a torn log it may open with older data, or empty, without an error. A record in it, `!head`, says up to
//!   which round it has come, and the mark (`mark`) says how far the journal had come. An older database catches up or is made anew, and the log
//!   says so. If neither is possible, Muster does not start.
//! - It may panic on a torn log. Then it is made anew too.
//! - After a clean stop, its files must have the checksum in `store.json`, or they are made anew. So a flipped bit is found at the next start.
//! - A crash at start leaves `snap.*.generating`, with which sled never opens again. Muster removes it before it opens sled.
//! - Records are capped (`MAX_RECORD_BYTES`) and segments are large, so that nothing goes to `blobs/`, which sled never syncs.
//!
//! The committer's thread writes the journal, and the thread of `layers` writes sled. One tree holds all kinds. `room` watches the disk space.

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
