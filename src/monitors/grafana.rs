//! Grafana's alerting webhook: Alertmanager's shape with Grafana's links, and alerts that a rule could not be evaluated.
//! <https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>

use serde_json::Value;

use super::{Context, Reading, Unreadable, alertmanager, word};
use crate::domain::Pillar;

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let mut reading = alertmanager::read(context, body)?;
    let alerts = body["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
    for signal in &mut reading.signals {
        let same = |alert: &&Value| alert["fingerprint"].as_str().is_some_and(|known| known == signal.key);
        if let Some(alert) = alerts.iter().find(same) {
            let link = ["panelURL", "dashboardURL", "generatorURL"].into_iter().find_map(|name| word(alert.get(name)));
            signal.url = link.or(signal.url.take());
        }
        let rule = signal.labels.get("rulename").cloned();
        match (signal.labels.get("alertname").map(String::as_str), rule) {
            (Some("DatasourceNoData"), Some(rule)) => signal.title = format!("No data: {rule}"),
            // The monitor itself is broken, so the state of the data is unknown.
            (Some("DatasourceError"), rule) => {
                signal.pillar = Pillar::Pipeline;
                if let Some(rule) = rule {
                    signal.title = format!("Cannot be checked: {rule}");
                }
            }
            _ => {}
        }
    }
    Ok(reading)
}
