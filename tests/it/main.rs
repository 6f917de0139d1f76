//! All integration tests, in one program. `story` uses the bot from outside, as people and programs do. `store` and `crash` check what a
//! store must keep. `conformance` compares the documents with the code, and `architecture` compares the code with its rooms.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod architecture;
mod bench;
mod config;
mod conflicts;
mod conformance;
mod crash;
mod damage;
mod domain;
mod field;
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
