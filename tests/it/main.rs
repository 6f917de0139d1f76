//! One integration binary. `story` tells what people live through, through the bot's own doors; `store` and `crash` try
//! what they must be able to rely on; `conformance` holds the documents to the code and `architecture` the code to its rooms.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod architecture;
mod bench;
mod config;
mod conflicts;
mod conformance;
mod crash;
mod damage;
mod domain;
mod fuzz;
mod harness;
mod lineage;
mod monitors;
mod postgres;
mod program;
mod read_models;
mod sandbox;
mod schemas;
mod store;
mod stores;
mod story;
mod words;
