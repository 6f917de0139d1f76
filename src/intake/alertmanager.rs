//! Prometheus Alertmanager's webhook, version 4. Every alert has a status of its own, whatever the group's is.
//! <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>

use serde_json::Value;

use super::{Reading, Unreadable, Unusable, clean, labels, time, word};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, Time};

/// The labels that may name the asset, first found first used.
const ASSET_LABELS: [&str; 5] = ["dataset", "asset", "table", "model", "job"];

/// Reads a body.
///
/// # Errors
/// It is not of Alertmanager's shape.
pub fn read(source: &str, body: &Value, now: Time) -> Result<Reading, Unreadable> {
    let Some(alerts) = body["alerts"].as_array() else {
        return Err(Unreadable::WrongShape(
            "the body has no list `alerts`, so it is not a webhook of Alertmanager; is the source's kind right?"
                .to_owned(),
        ));
    };
    let mut reading = Reading::default();
    for (index, alert) in alerts.iter().enumerate().take(super::MAX_SIGNALS) {
        match signal(source, body, alert, now) {
            Ok(signal) => reading.signals.push(signal),
            Err(why) => reading.unusable.push(Unusable { at: format!("/alerts/{index}"), why }),
        }
    }
    Ok(reading)
}

fn signal(source: &str, body: &Value, alert: &Value, now: Time) -> Result<Signal, String> {
    let status = match alert["status"].as_str() {
        Some("firing") => SignalStatus::Firing,
        Some("resolved") => SignalStatus::Resolved,
        other => {
            return Err(format!("`status` is {other:?}, neither \"firing\" nor \"resolved\""));
        }
    };
    let labels = labels(alert.get("labels"));
    let annotation = |name: &str| word(alert.pointer(&format!("/annotations/{name}")));
    let title = annotation("summary")
        .or_else(|| labels.get("alertname").cloned())
        .ok_or("there is neither an annotation `summary` nor a label `alertname`")?;
    let key = word(alert.get("fingerprint"))
        .unwrap_or_else(|| labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(","));
    let url = word(alert.get("generatorURL")).or_else(|| word(body.get("externalURL")));
    Ok(Signal {
        source: source.to_owned(),
        status,
        key: clean(&key),
        title: title.lines().next().unwrap_or_default().to_owned(),
        asset: ASSET_LABELS.iter().find_map(|label| labels.get(*label)).and_then(|name| AssetName::new(name)),
        pillar: labels.get("pillar").and_then(|word| Pillar::parse(word)).unwrap_or_default(),
        level: labels.get("severity").and_then(|word| Level::parse(word)).unwrap_or_default(),
        owner: labels.get("owner").or_else(|| labels.get("team")).cloned(),
        url,
        at: time(alert.get("startsAt")).unwrap_or(now),
        description: annotation("description"),
        labels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_of_the_alert_not_of_the_webhook() {
        let body: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/alertmanager/002.body.json")).expect("JSON");
        let reading = read("prom", &body, chrono::DateTime::UNIX_EPOCH).expect("its shape");
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
