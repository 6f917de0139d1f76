//! The engine for several machines: plain tables in PostgreSQL, which several processes may use at once.
//!
//! `connect` reaches the database, `schema` makes and updates the tables, `writer` writes rounds, `feed` tells the follower what was written, by
//! this process and by others. `open` has the reads, and `row` how a record lies in a row.
//!
//! Every round locks the one row of `muster_head` and counts it on. So rounds have numbers without gaps, in the order in which they happened, on
//! however many machines; and what a round reads cannot change before it is written. No lock lasts longer than a transaction, so that a process
//! that hangs holds nobody up for longer than the database lets a transaction idle.

mod connect;
mod feed;
mod open;
mod row;
mod schema;
mod shared;
mod told;
mod writer;

pub use open::{check, open, read_address};
pub use shared::LeaseClock;
