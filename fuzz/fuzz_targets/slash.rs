//! What people type after `/incident`. [`bodies`] says what must hold.

#![no_main]

#[allow(dead_code, reason = "each target uses one of them")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| bodies::slash(line));
