//! FLOOR 1. What monitors post, turned into signals: one file a format. Which incident a signal belongs to is not known here.

mod airflow;
mod alertmanager;
mod cloudevents;
pub mod credentials;
mod dagster;
mod datadog;
pub mod dbt_artifacts;
mod dbt_cloud;
mod elementary;
mod gcp;
mod generic;
mod grafana;
mod great_expectations;
mod monte_carlo;
mod openlineage;
pub mod pagerduty_v2;
mod prefect;
pub mod redact;
mod sentry;
pub mod sns;
mod soda;

mod vocabulary;

use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::catalog::Import;
use crate::config::{Source, SourceKind};
use crate::domain::lineage::Check;
use crate::domain::{Signal, Time};
use vocabulary::Words;

/// What the catalog knows, asked while a body is read.
pub trait Known: Sync {
    /// What a check (a dbt test, by its id) is about.
    fn check(&self, id: &str) -> Option<Check>;
    /// Whether there is an asset of this name or alias.
    fn is_asset(&self, name: &str) -> bool;
}

/// Nothing is known.
impl Known for () {
    fn check(&self, _: &str) -> Option<Check> {
        None
    }

    fn is_asset(&self, _: &str) -> bool {
        false
    }
}

/// What a body is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Whose it is.
    pub source: &'a Source,
    /// Its headers, where a format puts something there.
    pub headers: &'a HeaderMap,
    /// What the catalog knows.
    pub known: &'a dyn Known,
    /// Now, for bodies that say no time.
    pub now: Time,
}

impl<'a> Context<'a> {
    /// What this source's monitor calls things.
    fn words(&self) -> Words<'a> {
        Words(&self.source.words)
    }

    /// A signal of this source of which only this is known.
    fn signal(&self, key: &str, title: &str, at: Option<Time>) -> Signal {
        let title = clean(title);
        Signal::new(&self.source.name, &clean(key), title.lines().next().unwrap_or_default(), at.unwrap_or(self.now))
    }
}

/// Reads a body by the source's kind, never by its Content-Type.
///
/// # Errors
/// Nothing of it can be used.
pub fn read(context: &Context<'_>, body: &[u8]) -> Result<Reading, Unreadable> {
    let parsed = || json(body);
    let reading = match context.source.kind {
        SourceKind::Airflow => airflow::read(context, &parsed()?),
        SourceKind::Alertmanager => alertmanager::read(context, &parsed()?),
        SourceKind::Cloudevents => cloudevents::read(context, body),
        SourceKind::Dagster => dagster::read(context, &parsed()?),
        SourceKind::Datadog => datadog::read(context, body),
        SourceKind::DbtArtifacts => dbt_artifacts::read(context, dbt_artifacts::stream(body)?),
        SourceKind::DbtCloud => dbt_cloud::read(context, &parsed()?),
        SourceKind::Elementary => elementary::read(context, &parsed()?),
        SourceKind::Gcp => gcp::read(context, &parsed()?),
        SourceKind::Generic => generic::read(context, &parsed()?),
        SourceKind::Grafana => grafana::read(context, &parsed()?),
        SourceKind::GreatExpectations => great_expectations::read(context, &parsed()?),
        SourceKind::MonteCarlo => monte_carlo::read(context, &parsed()?),
        SourceKind::Openlineage => openlineage::read(context, &parsed()?),
        SourceKind::Prefect => prefect::read(context, &parsed()?),
        SourceKind::Sentry => sentry::read(context, &parsed()?),
        SourceKind::Sns => sns::read(context, &parsed()?),
        SourceKind::Soda => soda::read(context, &parsed()?),
        SourceKind::PagerdutyV2 => {
            Err(Unreadable::WrongShape("this source posts to /v2/enqueue, with its token as routing key".to_owned()))
        }
    }?;
    Ok(bounded(reading))
}

/// At most so many signals as a body may hold, and none without a title and a key.
pub fn bounded(mut reading: Reading) -> Reading {
    if reading.signals.len() > MAX_SIGNALS {
        let more = reading.signals.len() - MAX_SIGNALS;
        reading.signals.truncate(MAX_SIGNALS);
        reading.unusable.push(Unusable {
            at: String::new(),
            why: format!("{more} more signals than the {MAX_SIGNALS} a body may hold"),
        });
    }
    reading.signals.iter_mut().for_each(cut);
    reading.signals.retain(|signal| {
        let usable = !signal.title.is_empty() && !signal.key.is_empty();
        if !usable {
            reading.unusable.push(Unusable { at: String::new(), why: "a signal without a title or a key".to_owned() });
        }
        usable
    });
    reading
}

/// Leaves out labels that would make the alert larger than it may be, and says so in one of its own.
fn cut(signal: &mut Signal) {
    let mut size = 0;
    let before = signal.labels.len();
    signal.labels.retain(|key, value| {
        size += key.len() + value.len();
        size <= MAX_LABEL_BYTES
    });
    let left_out = before - signal.labels.len();
    if left_out > 0 {
        signal.labels.insert(LEFT_OUT.to_owned(), format!("{left_out} labels are too long, and were left out"));
    }
}

/// The label that says that others were left out.
pub const LEFT_OUT: &str = "muster_left_out";
/// So many bytes all labels of an alert have together, so that it fits its record.
const MAX_LABEL_BYTES: usize = 12 * 1024;
/// The most signals that one body may hold.
pub const MAX_SIGNALS: usize = 10_000;
/// The longest title, key and other single value that is kept, in characters.
const MAX_VALUE: usize = 1024;
/// How many labels are kept.
const MAX_LABELS: usize = 64;

/// One part of a body that could not be used; the others were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unusable {
    /// Which, as a JSON pointer.
    pub at: String,
    /// Why.
    pub why: String,
}

/// What a body said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What could be used, in order.
    pub signals: Vec<Signal>,
    /// What could not.
    pub unusable: Vec<Unusable>,
    /// What tells this delivery from all others; said twice, it is one. `None` where the format has nothing of the kind: then
    /// saying the same again changes nothing.
    pub delivery: Option<String>,
    /// Lineage that the body brings too.
    pub import: Option<Import>,
}

/// A body of which nothing can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not of this kind.
    #[error("{0}")]
    WrongShape(String),
}

/// Reads a JSON body.
///
/// # Errors
/// It is not JSON, with the place.
pub fn json(body: &[u8]) -> Result<Value, Unreadable> {
    // serde_json stops at 128 levels, so a deep body cannot exhaust the stack.
    serde_json::from_slice(body).map_err(|error| Unreadable::NotJson(error.to_string()))
}

/// A text of a body, as it may be kept: without control characters, of bounded length.
fn clean(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control() || *c == '\n').take(MAX_VALUE).collect()
}

/// A value that people wrote as text, number or truth.
fn word(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => clean(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Labels, bounded.
fn labels(value: Option<&Value>) -> std::collections::BTreeMap<String, String> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .take(MAX_LABELS)
        .filter_map(|(key, value)| Some((clean(key), word(Some(value))?)))
        .collect()
}

/// A time: RFC 3339 (also `+0000`), or seconds or milliseconds since 1970.
fn time(value: Option<&Value>) -> Option<Time> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A source of a kind, for as long as the tests run.
    pub(super) fn source(kind: &str) -> &'static Source {
        let kind = serde_json::from_value(kind.into()).expect("a kind");
        Box::leak(Box::new(Source::named("s", kind)))
    }

    pub(super) fn context<'a>(kind: &str, headers: &'a HeaderMap) -> Context<'a> {
        Context { source: source(kind), headers, known: &(), now: chrono::DateTime::UNIX_EPOCH }
    }
}
