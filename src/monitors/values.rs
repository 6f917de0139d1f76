//! Values of a body, as they may be kept: bounded, and without control characters.

use serde_json::Value;

use crate::domain::Time;

/// The longest title, key and other single value that is kept, in characters.
const MAX_VALUE: usize = 1024;
/// How many labels are kept.
pub(crate) const MAX_LABELS: usize = 64;

/// A text of a body, as it may be kept: without control characters, of bounded length.
pub(crate) fn clean(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control() || *c == '\n').take(MAX_VALUE).collect()
}

/// A value that people wrote as text, number or truth.
pub(crate) fn word(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => clean(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Labels, bounded.
pub(crate) fn labels(value: Option<&Value>) -> std::collections::BTreeMap<String, String> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .take(MAX_LABELS)
        .filter_map(|(key, value)| Some((clean(key), word(Some(value))?)))
        .collect()
}

/// A time: RFC 3339 (also `+0000`), or seconds or milliseconds since 1970.
pub(crate) fn time(value: Option<&Value>) -> Option<Time> {
    match value? {
        Value::String(text) => {
            let text = text.trim();
            text.parse::<Time>()
                .ok()
                .or_else(|| Some(chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?.to_utc()))
                // Python's isoformat with a Z behind the offset.
                // Without a zone it is UTC, as warehouses print it.
                .or_else(|| Some(chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?.and_utc()))
                .or_else(|| text.strip_suffix("+00:00Z").and_then(|text| format!("{text}Z").parse().ok()))
        }
        Value::Number(number) => {
            let number = number.as_f64()?;
            let seconds = if number.abs() > 1e11 { number / 1000.0 } else { number };
            #[expect(clippy::cast_possible_truncation, reason = "a moment to the millisecond")]
            chrono::DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
        }
        _ => None,
    }
}
