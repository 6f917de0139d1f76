//! The `muster` program; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    muster::cli::run(muster::cli::Cli::parse())
}
