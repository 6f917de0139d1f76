//! Prometheus Alertmanager's webhook, version 4. Every alert has its own status, whatever the status of the group.
//! <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>

use std::io::Read;

use serde_json::Value;

use super::reading::key;
use super::{Context, Reading, Unreadable, Unusable, labels, listed, time, word};
use crate::domain::{Pillar, Signal, SignalStatus, counted};

pub(super) fn read(context: &Context<'_>, body: impl Read) -> Result<Reading, Unreadable> {
    read_with(body, |alert| signal(context, alert))
}

/// Reads a body of this shape, with a reader of one alert.
pub(super) fn read_with(
    body: impl Read,
    signal: impl Fn(&Value) -> Result<Signal, String>,
) -> Result<Reading, Unreadable> {
    let missing = "the body has no list `alerts`, so it is not a webhook of Alertmanager. Is the source's kind right?";
    let (mut reading, beside) = listed::read(body, "alerts", &["externalURL", "truncatedAlerts"], signal)?;
    if !beside.found {
        return Err(Unreadable::shape(missing));
    }
    let url = word(beside.fields.get("externalURL"));
    // Alertmanager and Grafana say how many alerts they left out.
    let left_out = beside.fields.get("truncatedAlerts").and_then(Value::as_u64).filter(|count| *count > 0);
    let left_out = left_out.map(|count| {
        format!(
            "the monitor left out {} of this group",
            counted(usize::try_from(count).unwrap_or(usize::MAX), "more alert")
        )
    });
    for signal in &mut reading.signals {
        signal.url = signal.url.take().or_else(|| url.clone());
        signal.left_out.clone_from(&left_out);
    }
    if let Some(left_out) = left_out {
        let why = format!("{left_out}. Its receiver's `max_alerts` says how many it sends");
        reading.unusable.push(Unusable { at: "/truncatedAlerts".to_owned(), why });
    }
    Ok(reading)
}

pub(super) fn signal(context: &Context<'_>, alert: &Value) -> Result<Signal, String> {
    let status = match alert["status"].as_str() {
        Some("firing") => SignalStatus::Firing,
        Some("resolved") => SignalStatus::Resolved,
        other => return Err(format!("`status` is {other:?}. It must be \"firing\" or \"resolved\"")),
    };
    let labels = labels(alert.get("labels"));
    let annotation = |name: &str| word(alert.pointer(&format!("/annotations/{name}")));
    let said = || labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
    // Receivers and test buttons may leave out all names. An end without a name is an end too.
    let title = annotation("summary")
        .or_else(|| labels.get("alertname").cloned())
        .or_else(|| annotation("description"))
        .or_else(|| Some(said()).filter(|said| !said.is_empty()))
        .unwrap_or_else(|| "An alert without a name".to_owned());
    let key = key(alert.get("fingerprint")).unwrap_or_else(said);
    // An end says when it ended.
    let ended = time(alert.get("endsAt")).filter(|_| status == SignalStatus::Resolved);
    let at = ended.or_else(|| time(alert.get("startsAt")));
    let words = context.words();
    let hints = [labels.get("alertname").map_or("", String::as_str)];
    Ok(Signal {
        status,
        asset: words.asset(&labels),
        pillar: words.pillar_of(&labels, &hints, Pillar::Other),
        level: labels.get("severity").and_then(|word| words.level(word)).unwrap_or_default(),
        url: word(alert.get("generatorURL")),
        description: annotation("description"),
        ..context.labelled(&key, &title, at, labels)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn status_is_of_the_alert_not_of_the_webhook() {
        let text = include_str!("../../tests/fixtures/alertmanager/002.body.json");
        let body: Value = serde_json::from_str(text).expect("JSON");
        let headers = HeaderMap::new();
        let context = super::super::tests::context("alertmanager", &headers);
        let reading = read(&context, text.as_bytes()).expect("its shape");
        let told: Vec<_> =
            reading.signals.iter().map(|signal| (signal.status, signal.key.as_str(), signal.title.as_str())).collect();
        assert_eq!(body["status"], "firing");
        assert_eq!(
            told,
            [
                (SignalStatus::Resolved, "4ee2e96008ef6709", "analytics.orders has not been updated for 9h (SLA 6h)"),
                (SignalStatus::Firing, "b424c6bdf98e07bf", "partition eu stale"),
            ]
        );
        insta::assert_json_snapshot!(reading.signals[0]);
    }
}
