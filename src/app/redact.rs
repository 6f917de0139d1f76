//! What is left of a body before it is kept: fields whose names say secret, SQL or rows are left out. Free text stays as it was sent.

use std::io::Write as _;

use base64::Engine as _;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::Value;

/// Keys whose values are secrets.
#[rustfmt::skip]
const SECRETS: &[&str] = &[
    "token", "secret", "password", "routing_key", "service_key", "authorization", "api_key", "apikey", "signature",
    "credential",
];
/// Keys whose values are SQL, logs, or rows.
#[rustfmt::skip]
const ROWS: &[&str] = &[
    "partial_unexpected", "unexpected_rows", "unexpected_list", "unexpected_index", "compiled_code", "raw_code",
    "compiled_sql", "raw_sql", "sql", "query", "queries", "logs", "sample", "failed_rows", "failedrows",
    "storedrows", "blocks", "stack", "traceback", "exception_traceback",
    // The data that a program was working on when it broke.
    "vars", "request", "cookies", "headers", "breadcrumbs", "user",
];

/// The body without the parts that must not be kept.
pub fn redact(body: &mut Value) {
    match body {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                let key = key.to_lowercase();
                if SECRETS.iter().any(|part| key.contains(part)) {
                    *value = Value::from("removed");
                } else if is_of_rows(&key) {
                    *value = Value::from("left out");
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        // A JSON document inside a text, as SNS sends it.
        Value::String(text) if text.starts_with('{') => {
            if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                redact(&mut inner);
                *text = inner.to_string();
            }
        }
        _ => {}
    }
}

/// Whether a key (in lower case) is one of these, has one of them as a word, or has a long one anywhere in it.
fn is_of_rows(key: &str) -> bool {
    let has_word = |part: &str| key.split(|c: char| !c.is_alphanumeric()).any(|word| word == part);
    ROWS.iter().any(|part| key == *part || has_word(part) || (part.len() > 6 && key.contains(part)))
}

/// A shorter body is not compressed. In a flood, compressing every body took nearly a tenth of the work, and saved little.
const SHORT: usize = 1024;

/// A redacted body as text, compressed if that is worth it. `None` if it is not JSON, because then nothing in it can be redacted.
pub fn packed(body: &[u8]) -> Option<String> {
    let mut body: Value = crate::body::json(body).ok()?;
    redact(&mut body);
    let text = body.to_string();
    if text.len() < SHORT && text.starts_with(BEGINNINGS) {
        return Some(text);
    }
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).ok()?;
    Some(base64::engine::general_purpose::STANDARD.encode(packed.finish().ok()?))
}

/// The first character of text that is not compressed. It never occurs in base64.
const BEGINNINGS: [char; 2] = ['{', '['];

pub fn unpacked(packed: &str) -> Option<Value> {
    if packed.starts_with(BEGINNINGS) {
        return serde_json::from_str(packed).ok();
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).ok()?;
    serde_json::from_reader(flate2::read::DeflateDecoder::new(&bytes[..])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_sql_and_rows_are_not_kept() {
        let results = include_str!("../../tests/fixtures/dbt/fail/run_results.json");
        let scan = include_str!("../../tests/fixtures/soda/scan_results.json");
        let validation = include_str!("../../tests/fixtures/great_expectations/validation_result.json");
        let rows = r#"{"result": {"details": {"unexpected_rows": [{"card": "1000000000"}]}, "kwargs": {"unexpected_rows_query": "select 1"}},
            "test_rows_sample": [["1000000000"]], "test_results_query": "select 1", "kept": "kept so that much of it is there, and more than that, and more still, until there are five hundred letters of it, which takes a while, as one can see; it goes on and on, and on again, until it is long enough to be counted as the rest of a body, which nobody reads, as it stands in a test, and there it may be as long as it likes to be; and that is nearly all of it, were it not for these words",
            "request": {"headers": [["Cookie", "0123456789"]]}, "exception": {"frames": [{"vars": {"row": "1000000000"}}]}, "event": {"user": {"id": "1000000000"}}}"#;
        for short in [r#"{"a":[1,"x"]}"#, "[1]", "true", "\"text\""] {
            let body = unpacked(&packed(short.as_bytes()).expect("JSON")).expect("the body");
            assert_eq!(body.to_string(), short);
        }
        for body in
            [results, scan, validation, rows, r#"{"routing_key": "0123456789", "payload": {"Api_Token": "x1y2"}}"#]
        {
            let kept = unpacked(&packed(body.as_bytes()).expect("JSON")).expect("the body").to_string();
            for hidden in ["select", "SELECT", "1000000000", "0123456789", "x1y2"] {
                assert!(!kept.contains(hidden), "{hidden} in {kept}");
            }
            assert!(body.contains("routing_key") || kept.len() > 500, "the rest is kept: {kept}");
        }
    }
}
