//! One target for each kind of monitor, named after it. [`bodies`] says what must hold.

#![no_main]

#[allow(dead_code, reason = "each target uses one of them")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| bodies::monitor(env!("CARGO_BIN_NAME"), body));
