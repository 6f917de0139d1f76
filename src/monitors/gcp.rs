//! Google Cloud Monitoring's webhook, version 1.2. <https://cloud.google.com/monitoring/support/notification-options#webhooks>

use serde_json::Value;

use super::{Context, Reading, Unreadable, labels, time, word};
use crate::domain::{AssetName, Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let incident = &body["incident"];
    let (Some(id), Some(state)) = (word(incident.get("incident_id")), word(incident.get("state"))) else {
        return Err(Unreadable::shape(
            "the body has no `incident.incident_id` and `incident.state`, so it is not a notification of Cloud Monitoring",
        ));
    };
    let status = match state.to_lowercase().as_str() {
        "open" => SignalStatus::Firing,
        "closed" => SignalStatus::Resolved,
        other => return Err(Unreadable::shape(format!("`incident.state` is {other:?}. It must be open or closed"))),
    };
    let words = context.words();
    let mut known = labels(incident.get("policy_user_labels"));
    for part in ["/metadata/user_labels", "/resource/labels", "/metric/labels"] {
        for (key, value) in labels(incident.pointer(part)) {
            if known.len() < super::MAX_LABELS {
                known.entry(key).or_insert(value);
            }
        }
    }
    let policy = word(incident.get("policy_name"));
    let title = policy
        .clone()
        .or_else(|| word(incident.get("summary")))
        .or_else(|| word(incident.get("condition_name")))
        .unwrap_or_else(|| format!("incident {id}"));
    let big_query = known.get("dataset_id").map(|dataset| match known.get("table_id") {
        Some(table) => format!("{dataset}.{table}"),
        None => dataset.clone(),
    });
    let at = if status == SignalStatus::Firing { "started_at" } else { "ended_at" };
    let signal = Signal {
        status,
        asset: words.asset(&known).or_else(|| big_query.and_then(|name| AssetName::new(&name))),
        pillar: words.pillar_of(&known, &[&title], Pillar::Other),
        level: word(incident.get("severity")).and_then(|word| words.level(&word)).unwrap_or_default(),
        url: word(incident.get("url")),
        description: word(incident.get("summary")).or_else(|| word(incident.pointer("/documentation/content"))),
        ..context.labelled(&id, &title, time(incident.get(at)), known)
    };
    let delivery = Some(format!("{id}/{}", state.to_lowercase()));
    Ok(Reading { signals: vec![signal], delivery, ..Reading::default() })
}
