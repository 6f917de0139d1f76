//! Chooses the reader for a kind of source, and limits how much of a body is used.

use super::reading::{Context, LEFT_OUT, MAX_SIGNALS, Reading, Unreadable, Unusable, json};
use super::{
    airflow, alertmanager, cloudevents, dagster, datadog, dbt_artifacts, dbt_cloud, elementary, gcp, generic, grafana,
    great_expectations, monte_carlo, openlineage, prefect, sentry, sns, soda,
};
use crate::config::SourceKind;
use crate::domain::{Signal, counted};

/// Reads a body by the source's kind, never by its Content-Type.
pub fn read(context: &Context<'_>, body: &[u8]) -> Result<Reading, Unreadable> {
    let parsed = || json(body);
    let reading = match context.source.kind {
        SourceKind::Airflow => airflow::read(context, &parsed()?),
        SourceKind::Alertmanager => alertmanager::read(context, body),
        SourceKind::Cloudevents => cloudevents::read(context, body),
        SourceKind::Dagster => dagster::read(context, &parsed()?),
        SourceKind::Datadog => datadog::read(context, body),
        SourceKind::DbtArtifacts => dbt_artifacts::read(context, dbt_artifacts::stream(body)?),
        SourceKind::DbtCloud => dbt_cloud::read(context, &parsed()?),
        SourceKind::Elementary => elementary::read(context, &parsed()?),
        SourceKind::Gcp => gcp::read(context, &parsed()?),
        SourceKind::Generic => generic::read(context, &parsed()?),
        SourceKind::Grafana => grafana::read(context, body),
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

/// Whether bodies of this kind are one list of alerts that can be read while it arrives.
pub fn arrives_as_list(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::Alertmanager | SourceKind::Grafana)
}

/// Reads a body of such a kind while it arrives.
pub fn read_arriving(context: &Context<'_>, body: impl std::io::Read) -> Result<Reading, Unreadable> {
    let reading = match context.source.kind {
        SourceKind::Grafana => grafana::read(context, body),
        _ => alertmanager::read(context, body),
    }?;
    Ok(bounded(reading))
}

/// Keeps only as many signals as a body may hold, and only those with a title and a key.
pub fn bounded(mut reading: Reading) -> Reading {
    if reading.signals.len() > MAX_SIGNALS {
        let more = reading.signals.len() - MAX_SIGNALS;
        reading.signals.truncate(MAX_SIGNALS);
        reading.unusable.push(Unusable {
            at: String::new(),
            why: format!("{} than the {MAX_SIGNALS} a body may hold", counted(more, "more signal")),
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

/// Leaves out labels that would make the alert too large, and adds a label that says so.
fn cut(signal: &mut Signal) {
    let mut size = 0;
    let before = signal.labels.len();
    signal.labels.retain(|key, value| {
        size += key.len() + value.len();
        size <= MAX_LABEL_BYTES
    });
    let left_out = before - signal.labels.len();
    if left_out > 0 {
        let words = format!("{} left out, because all together are too long", super::reading::were(left_out));
        signal.labels.insert(LEFT_OUT.to_owned(), words);
    }
}

/// The largest size of all labels of an alert together, so that it fits into its record. In bytes.
const MAX_LABEL_BYTES: usize = 12 * 1024;
