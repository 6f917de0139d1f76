//! One target a kind of monitor, named after it: any bytes give signals within bounds, or a refusal, and never a panic.

#![no_main]

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use muster::config::{Source, SourceKind};
use muster::monitors::credentials::{Request, verify};
use muster::monitors::{self, Context, MAX_SIGNALS, pagerduty_v2};

/// The kind is the target's name.
const KIND: &str = env!("CARGO_BIN_NAME");

fuzz_target!(|body: &[u8]| {
    let kind: SourceKind = serde_json::from_value(KIND.into()).expect("a target is named after a kind");
    let source = Source::named("s", kind);
    let now = chrono::DateTime::UNIX_EPOCH;
    let headers = HeaderMap::new();
    if KIND == "pagerduty_v2" {
        if let Ok(body) = monitors::json(body) {
            let _ = pagerduty_v2::read(&source, &body, now);
            let _ = pagerduty_v2::read_v1(&source, &body, now);
            let _ = pagerduty_v2::change(&body, now);
        }
        return;
    }
    if let Ok(reading) = monitors::read(&Context { source: &source, headers: &headers, known: &(), now }, body) {
        assert!(reading.signals.len() <= MAX_SIGNALS);
        for signal in reading.signals {
            assert!(!signal.title.is_empty() && !signal.key.is_empty() && !signal.title.contains('\n'));
        }
    }
    let _ = monitors::strip::packed(body);
    let signed = [("x-mcd-signature", "00"), ("authorization", "00")].map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    let headers = HeaderMap::from_iter(signed);
    let secret = [secrecy::SecretString::from("a-secret")];
    let _ = verify(&source, &[], &secret, &Request { headers: &headers, query: None, body }, now);
});
