//! Prometheus Alertmanager's webhook, version 4. Every alert has its own status, whatever the status of the group.
//! <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>

use serde_json::Value;

use super::{Context, Reading, Unreadable, labels, time, word};
use crate::domain::{Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let missing = "the body has no list `alerts`, so it is not a webhook of Alertmanager. Is the source's kind right?";
    let alerts = body["alerts"].as_array().ok_or_else(|| Unreadable::shape(missing))?;
    Ok(Reading::of_each("/alerts", alerts, |alert| signal(context, body, alert)))
}

fn signal(context: &Context<'_>, body: &Value, alert: &Value) -> Result<Signal, String> {
    let status = match alert["status"].as_str() {
        Some("firing") => SignalStatus::Firing,
        Some("resolved") => SignalStatus::Resolved,
        other => return Err(format!("`status` is {other:?}. It must be \"firing\" or \"resolved\"")),
    };
    let labels = labels(alert.get("labels"));
    let annotation = |name: &str| word(alert.pointer(&format!("/annotations/{name}")));
    let title = annotation("summary")
        .or_else(|| labels.get("alertname").cloned())
        .ok_or("the alert has no annotation `summary` and no label `alertname`")?;
    let key = word(alert.get("fingerprint"))
        .unwrap_or_else(|| labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(","));
    let url = word(alert.get("generatorURL")).or_else(|| word(body.get("externalURL")));
    let words = context.words();
    let hints = [labels.get("alertname").map_or("", String::as_str)];
    Ok(Signal {
        status,
        asset: words.asset(&labels),
        pillar: words.pillar_of(&labels, &hints, Pillar::Other),
        level: labels.get("severity").and_then(|word| words.level(word)).unwrap_or_default(),
        url,
        description: annotation("description"),
        ..context.labelled(&key, &title, time(alert.get("startsAt")), labels)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn status_is_of_the_alert_not_of_the_webhook() {
        let body: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/alertmanager/002.body.json")).expect("JSON");
        let reading = read(&super::super::tests::context("alertmanager", &HeaderMap::new()), &body).expect("its shape");
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
