//! The engine for several machines: plain tables in PostgreSQL, which several processes may use at once.
//!
//! `connect` reaches the database, `schema` makes and updates the tables, `writer` writes rounds, `feed` tells the follower of writes by this
//! process and by others. `open` has the reads, and `row` the form of a record in a row.
//!
//! Every round locks the one row of `muster_head` and raises its number. So rounds are numbered without gaps, in the order in which they
//! happened, on any number of machines. What a round reads cannot change before the round is written. No lock outlives its transaction, so a
//! process that hangs holds up the others no longer than the database lets a transaction idle.

mod connect;
mod feed;
mod following;
mod open;
mod row;
mod schema;
mod shared;
mod writer;

pub use open::{check, open, read_address};
pub use shared::LeaseClock;
