//! Grafana's alerting webhook: Alertmanager's shape with Grafana's links, and alerts that a rule could not be evaluated.
//! <https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>

use std::io::Read;

use serde_json::Value;

use super::{Context, Reading, Unreadable, alertmanager, word};
use crate::domain::{Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: impl Read) -> Result<Reading, Unreadable> {
    alertmanager::read_with(body, |alert| signal(context, alert))
}

fn signal(context: &Context<'_>, alert: &Value) -> Result<Signal, String> {
    let mut signal = alertmanager::signal(context, alert)?;
    let link = ["panelURL", "dashboardURL", "generatorURL"].into_iter().find_map(|name| word(alert.get(name)));
    signal.url = link.or(signal.url);
    if signal.status == SignalStatus::Resolved {
        let reason = word(alert.pointer("/annotations/grafana_state_reason"));
        signal.unrecovered = reason.as_deref().and_then(unrecovered).map(str::to_owned);
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
    Ok(signal)
}

/// Why Grafana ended an alert, if it did not see that it is good again.
fn unrecovered(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "MissingSeries" => "its series is no longer there",
        "NoData" => "there is no data to judge",
        "Error" => "the rule cannot be evaluated",
        "Paused" => "its rule was paused",
        "RuleDeleted" => "its rule was deleted",
        "Updated" => "its rule was changed",
        _ => return None,
    })
}
