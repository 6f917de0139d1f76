//! What every format reads with and returns, and the small readers that all formats share.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::known::Known;
use super::vocabulary::Words;
use crate::body;
use crate::catalog::Import;
pub use crate::catalog::Unusable;
use crate::config::Source;
use crate::domain::{Signal, Time, counted};

/// What a format needs for reading a body.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub source: &'a Source,
    /// Its headers, for formats that use them.
    pub headers: &'a HeaderMap,
    pub known: &'a dyn Known,
    /// The time for bodies that do not say one.
    pub now: Time,
}

impl<'a> Context<'a> {
    /// The words of this source's monitor.
    pub(super) fn words(&self) -> Words<'a> {
        Words { own: &self.source.words, known: self.known }
    }

    /// A signal of this source with a key, a title and a time, with labels, and with the owner that they name.
    pub(super) fn labelled(&self, key: &str, title: &str, at: Option<Time>, labels: Labels) -> Signal {
        Signal { owner: self.words().owner(&labels), labels, ..self.signal(key, title, at) }
    }

    /// A signal of this source with a key, a title and a time, and nothing else.
    pub(super) fn signal(&self, key: &str, title: &str, at: Option<Time>) -> Signal {
        let title = clean(title);
        Signal::new(&self.source.name, &key_of(key), title.lines().next().unwrap_or_default(), at.unwrap_or(self.now))
    }
}

/// The most signals that one body may hold.
pub const MAX_SIGNALS: usize = 10_000;
/// The longest title, key and other single value that is kept, in characters.
const MAX_VALUE: usize = 1024;
/// The label that says that others were left out.
pub const LEFT_OUT: &str = "muster_left_out";
/// How many labels are kept.
pub(super) const MAX_LABELS: usize = 64;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The signals, in order.
    pub signals: Vec<Signal>,
    /// The parts that could not be used.
    pub unusable: Vec<Unusable>,
    /// The id of this delivery. The same id twice is the same delivery. `None` if the format has no such id; then repeating a delivery
    /// changes nothing.
    pub delivery: Option<String>,
    pub import: Option<Import>,
}

impl Reading {
    /// One signal, or why it cannot be used. A part of a body that says nothing adds nothing.
    pub(super) fn add(&mut self, at: String, signal: Result<impl Into<Option<Signal>>, String>) {
        match signal {
            Ok(signal) => self.signals.extend(signal.into()),
            Err(why) => self.unusable.push(Unusable { at, why }),
        }
    }

    /// The signals of a list. `place` is where the list is, as a JSON pointer.
    pub(super) fn of_each<S: Into<Option<Signal>>>(
        place: &str,
        items: &[Value],
        signal: impl Fn(&Value) -> Result<S, String>,
    ) -> Self {
        let mut reading = Self::default();
        for (index, item) in items.iter().enumerate() {
            reading.add(format!("{place}/{index}"), signal(item));
        }
        reading
    }
}

/// Why nothing in a body can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not of this kind.
    #[error("{0}")]
    WrongShape(String),
}

impl Unreadable {
    pub(super) fn shape(why: impl Into<String>) -> Self {
        Self::WrongShape(why.into())
    }
}

/// Reads a JSON body.
pub fn json(bytes: &[u8]) -> Result<Value, Unreadable> {
    body::json(bytes).map_err(|error| Unreadable::NotJson(error.to_string()))
}

/// A text as it may be kept: without control characters, and not too long. What was cut ends with `…`.
pub(super) fn clean(text: &str) -> String {
    let mut chars = text.trim().chars();
    let plain = std::iter::from_fn(|| {
        let mut next = chars.next()?;
        // The colours of a terminal: escape, `[`, numbers, a letter.
        while next == '\u{1b}' {
            if chars.as_str().starts_with('[') {
                chars.next();
                chars.find(char::is_ascii_alphabetic);
            }
            next = chars.next()?;
        }
        Some(next)
    });
    let mut letters = plain.filter(|c| !c.is_control() || *c == '\n');
    let mut kept: String = letters.by_ref().take(MAX_VALUE).collect();
    if letters.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// A key as it may be kept. Two long keys that begin alike stay two.
pub(super) fn key_of(text: &str) -> String {
    let key = clean(text);
    if !key.ends_with('…') {
        return key;
    }
    let start: String = key.chars().take(MAX_VALUE / 2).collect();
    format!("{start}…{}", &hex::encode(Sha256::digest(text.trim()))[..32])
}

/// The first lines of an error. They say what kind it is; later lines can hold rows.
pub(super) fn first_lines(text: &str) -> String {
    clean(&text.trim_start().lines().take(3).collect::<Vec<_>>().join("\n")).chars().take(300).collect()
}

/// How long ago something was, as titles say it.
pub(super) fn hours(seconds: f64) -> String {
    format!("{:.1} h", seconds / 3600.0)
}

/// A value that may be written as text, number or boolean.
pub(super) fn word(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => clean(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The key that a monitor gave.
pub(super) fn key(value: Option<&Value>) -> Option<String> {
    let key = value.and_then(Value::as_str).map(key_of).or_else(|| word(value));
    key.filter(|key| !key.is_empty())
}

/// What a monitor says of an alert, by name.
pub(super) type Labels = BTreeMap<String, String>;

/// Those of these labels that have a value.
pub(super) fn labelled<const N: usize>(labels: [(&str, Option<String>); N]) -> Labels {
    labels.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?))).collect()
}

/// The words of a list. They leave room for other labels.
pub(super) fn tags(value: &Value) -> impl Iterator<Item = String> {
    value.as_array().into_iter().flatten().filter_map(|tag| word(Some(tag))).take(MAX_LABELS / 2)
}

pub(super) fn labels(value: Option<&Value>) -> Labels {
    let Some(all) = value.and_then(Value::as_object) else { return Labels::new() };
    let words = all.iter().take(MAX_LABELS).filter_map(|(key, value)| Some((clean(key), word(Some(value))?)));
    let mut labels: Labels = words.collect();
    if let Some(more) = all.len().checked_sub(MAX_LABELS).filter(|more| *more > 0) {
        let words = format!("{} left out, because an alert has at most {MAX_LABELS}", were(more));
        labels.insert(LEFT_OUT.to_owned(), words);
    }
    labels
}

/// `1 label was`, `2 labels were`.
pub(super) fn were(labels: usize) -> String {
    format!("{} {}", counted(labels, "label"), if labels == 1 { "was" } else { "were" })
}

/// A time: a text (see [`body::time`]), or seconds, milliseconds, microseconds or nanoseconds since 1970, also as a text.
pub(super) fn time(value: Option<&Value>) -> Option<Time> {
    match value? {
        Value::String(text) => body::time(text).or_else(|| time(Some(&Value::Number(text.trim().parse().ok()?)))),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let seconds = match number.abs() {
                size if size > 1e17 => number / 1e9,
                size if size > 1e14 => number / 1e6,
                size if size > 1e11 => number / 1e3,
                _ => number,
            };
            #[expect(clippy::cast_possible_truncation, reason = "a moment to the millisecond")]
            chrono::DateTime::from_timestamp_millis((seconds * 1000.0) as i64).filter(|time| body::is_real(*time))
        }
        _ => None,
    }
}
