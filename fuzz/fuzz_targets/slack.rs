//! What Slack sends: any bytes are read, or ignored.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster::slack::inbound::{Envelope, Interaction, event};

fuzz_target!(|body: &[u8]| {
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(body) {
        let _ = event(&envelope.event);
    }
    let _ = serde_json::from_slice::<Interaction>(body);
});
