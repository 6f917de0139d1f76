//! The commands. Each is short: it reads the configuration, puts the parts together and says plainly what went wrong.
//! Exit codes: 0 for success, 1 for a failure, 2 for wrong arguments.

mod bench;
mod check;
mod check_slack;
mod commands;
mod demo;
mod export;
mod lineage;
mod new_file;
mod opening;
mod replay;
mod serve;
mod signals;
mod store;
mod throwaway;

pub use commands::{Cli, run};
