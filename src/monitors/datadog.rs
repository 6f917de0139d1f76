//! Datadog monitors. Datadog has no fixed body: people write a template, which comes as JSON or as a form. This reads the template
//! in `docs/monitors.md`. <https://docs.datadoghq.com/integrations/webhooks/>

use serde_json::Value;

use super::{Context, Reading, Unreadable, time, word};
use crate::domain::{Level, Pillar, Signal, SignalStatus};

/// Reads a body, JSON or a form.
///
/// # Errors
/// It does not have the fields of our template.
pub(super) fn read(context: &Context<'_>, body: &[u8]) -> Result<Reading, Unreadable> {
    let body = if body.trim_ascii_start().first() == Some(&b'{') {
        super::json(body)?
    } else {
        let form: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
            .map_err(|error| Unreadable::shape(format!("the body is not JSON or a form: {error}")))?;
        Value::Object(form.into_iter().map(|(key, value)| (key, Value::String(value))).collect())
    };
    // Datadog leaves a variable without a value as it is written.
    let get = |name: &str| word(body.get(name)).filter(|text| !text.starts_with('$'));
    let (Some(title), Some(transition)) = (get("title"), get("transition")) else {
        return Err(Unreadable::shape(
            "the body has no `title` and `transition`. Does the webhook use the template of docs/monitors.md?",
        ));
    };
    let lower = transition.to_lowercase();
    let mut labels = std::collections::BTreeMap::new();
    for tag in get("tags").unwrap_or_default().split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let (key, value) = tag.split_once(':').unwrap_or((tag, "true"));
        if labels.len() < super::MAX_LABELS {
            labels.insert(super::clean(key), super::clean(value));
        }
    }
    let words = context.words();
    let kind = get("type").unwrap_or_default();
    let level = get("priority").and_then(|word| words.level(&word)).or_else(|| match &*lower {
        "warn" => Some(Level::Warning),
        _ => words.level(&kind),
    });
    let no_data = lower.starts_with("no data");
    let key = match (get("aggreg_key"), get("cycle_key"), get("alert_id")) {
        (Some(group), Some(cycle), _) => format!("{group}-{cycle}"),
        (group, _, id) => group.or(id).unwrap_or_else(|| title.clone()),
    };
    let at = time(body.get("date"));
    let signal = Signal {
        status: SignalStatus::resolved_if(lower.contains("recovered")),
        asset: words.asset(&labels).or_else(|| get("asset").and_then(|name| crate::domain::AssetName::new(&name))),
        pillar: words.pillar_of(&labels, &[&title], if no_data { Pillar::Freshness } else { Pillar::Other }),
        level: level.unwrap_or_default(),
        url: get("link"),
        description: get("body"),
        ..context.labelled(&key, &title, at, labels)
    };
    let delivery = get("id").map(|id| format!("{id}/{lower}"));
    Ok(Reading { signals: vec![signal], delivery, ..Reading::default() })
}
