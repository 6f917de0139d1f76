//! What the fuzz targets do with what they are given. `tests/it/fuzz.rs` includes this file, so that it always builds.

use http::HeaderMap;
use muster::config::{Source, SourceKind};
use muster::monitors::credentials::{Request, verify};
use muster::monitors::{self, Context, MAX_SIGNALS, pagerduty_v2};
use muster::slack::inbound::{Envelope, Interaction, event};

/// Any bytes give signals within bounds, or a refusal.
pub fn monitor(kind: &str, body: &[u8]) {
    let named: SourceKind = serde_json::from_value(kind.into()).expect("a target is named after a kind");
    let source = Source::named("s", named);
    let now = chrono::DateTime::UNIX_EPOCH;
    let headers = HeaderMap::new();
    if kind == "pagerduty_v2" {
        if let Ok(body) = monitors::json(body) {
            let _ = pagerduty_v2::read(&source, &body, now, &());
            let _ = pagerduty_v2::read_v1(&source, &body, now, &());
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
    let _ = muster::app::redact::packed(body);
    let signed = [("x-mcd-signature", "00"), ("authorization", "00")]
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    let headers = HeaderMap::from_iter(signed);
    let secret = [secrecy::SecretString::from("a-secret")];
    let _ = verify(&source, &[], &secret, &Request { headers: &headers, query: None, body }, now);
}

/// Any body of Slack is read, or ignored.
pub fn slack(body: &[u8]) {
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(body) {
        let _ = event(&envelope.event);
    }
    let _ = serde_json::from_slice::<Interaction>(body);
}

/// Any line means a verb, or is answered with words.
pub fn slash(line: &str) {
    if let Err(unclear) = muster::chat::verb_of(line, chrono::DateTime::UNIX_EPOCH) {
        assert!(!unclear.to_string().is_empty());
    }
}
