//! One integration binary. `story` tells what people live through, through the bot's own doors; `store` and `crash` try
//! what they must be able to rely on; `papers` holds the documents to the code.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod bench;
mod config;
mod conflicts;
mod conformance;
mod crash;
mod damage;
mod domain;
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
