//! The `muster` program; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;

/// An alert is some 300 small allocations, handed from thread to thread.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    muster::cli::run(muster::cli::Cli::parse())
}
