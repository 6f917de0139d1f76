//! How Slack reads a request.

use serde_json::Value;

/// A query, form or JSON as one object. Forms contain structures as JSON texts.
pub(crate) fn parameters(query: &str, body: &[u8]) -> Value {
    if let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(body) {
        return value;
    }
    let form = if body.is_empty() { query.as_bytes() } else { body };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form).unwrap_or_default();
    let read = |text: String| match text.chars().next() {
        Some('[' | '{') => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        _ => Value::String(text),
    };
    Value::Object(pairs.into_iter().map(|(key, value)| (key, read(value))).collect())
}
