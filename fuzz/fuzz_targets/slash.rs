//! What people type after `/incident`: any words give an intent, or say what is unclear.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    if let Err(unclear) = muster::chat::verb_of(line, chrono::DateTime::UNIX_EPOCH) {
        assert!(!unclear.to_string().is_empty());
    }
});
