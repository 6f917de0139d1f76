//! FLOOR 1. Turns what monitors post into signals, with one file for each format. `app` decides to which incident a signal belongs.

mod airflow;
mod alertmanager;
mod aws_events;
mod cloudevents;
pub mod credentials;
mod dagster;
mod datadog;
pub mod dbt_artifacts;
mod dbt_cloud;
mod elementary;
pub mod explain;
mod formats;
mod gcp;
mod generic;
mod grafana;
mod great_expectations;
mod known;
mod listed;
mod monte_carlo;
mod openlineage;
pub mod pagerduty_v2;
mod prefect;
mod reading;
mod sentry;
pub mod sns;
mod soda;

mod vocabulary;

pub use formats::{arrives_as_list, bounded, read, read_arriving};
pub use known::Known;
pub use reading::{Context, LEFT_OUT, MAX_SIGNALS, Reading, Unreadable, Unusable, json};
use reading::{Labels, MAX_LABELS, clean, first_lines, hours, labelled, labels, tags, time, word};

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::Context;
    use crate::config::Source;

    /// A source of a kind, for tests. It lives as long as the process.
    pub(super) fn source(kind: &str) -> &'static Source {
        let kind = serde_json::from_value(kind.into()).expect("a kind");
        Box::leak(Box::new(Source::named("s", kind)))
    }

    pub(super) fn context<'a>(kind: &str, headers: &'a HeaderMap) -> Context<'a> {
        Context { source: source(kind), headers, known: &(), now: chrono::DateTime::UNIX_EPOCH }
    }
}
