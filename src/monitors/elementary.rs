//! Elementary's alerts, with the fields that its own integrations send (`alert_class_id`, `model_unique_id`, `table_name`, …): one,
//! a list, or `{"alerts": […]}`. <https://docs.elementary-data.com/>

use serde_json::Value;

use super::{Context, Reading, Unreadable, clean, labelled, time, word};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let alone = std::slice::from_ref(body);
    let alerts = body.as_array().or_else(|| body["alerts"].as_array()).map_or(alone, Vec::as_slice);
    if alerts.iter().all(|alert| alert.get("alert_class_id").is_none() && alert.get("model_unique_id").is_none())
        && !alerts.is_empty()
    {
        return Err(Unreadable::shape(
            "no alert has an `alert_class_id` or a `model_unique_id`, so these are not alerts of Elementary",
        ));
    }
    Ok(Reading::of_each("", alerts, |alert| signal(context, alert)))
}

/// A list, or the text of one.
fn words_of(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items.iter().filter_map(|item| word(Some(item))).collect(),
        Some(Value::String(text)) => serde_json::from_str::<Vec<String>>(text)
            .unwrap_or_else(|_| text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(clean).collect()),
        _ => Vec::new(),
    }
}

fn signal(context: &Context<'_>, alert: &Value) -> Result<Signal, String> {
    let get = |key: &str| word(alert.get(key));
    let status = get("status").ok_or("`status` is missing")?.to_lowercase();
    let (status, level) = match status.as_str() {
        "pass" | "success" | "resolved" => (SignalStatus::Resolved, Level::Error),
        "warn" | "warning" => (SignalStatus::Firing, Level::Warning),
        "fail" | "error" | "runtime error" | "failed" => (SignalStatus::Firing, Level::Error),
        other => return Err(format!("`status` is {other:?}. It must be fail, error, warn or pass")),
    };
    let words = context.words();
    let model = get("model_unique_id").or_else(|| get("source_unique_id"));
    let table = get("table_name").or_else(|| get("full_table_name"));
    let asset = match (&model, &table) {
        (Some(model), Some(table)) if !context.known.is_asset(model) => AssetName::new(&table.to_lowercase()),
        (Some(name), _) | (None, Some(name)) => AssetName::new(name),
        (None, None) => None,
    };
    let kind = get("test_sub_type").or_else(|| get("test_type"));
    let name = get("test_short_name").or_else(|| get("test_name")).or_else(|| kind.clone());
    let title = match name {
        Some(name) => {
            format!("{name} failed{}", asset.as_ref().map_or_else(String::new, |asset| format!(" on {asset}")))
        }
        None => format!("{} failed", asset.as_ref().map_or("a model", AssetName::as_str)),
    };
    let mut labels = labelled([("column", get("column_name")), ("test", get("test_name")), ("type", get("test_type"))]);
    let tags = words_of(alert.get("tags")).into_iter().take(super::MAX_LABELS / 2);
    labels.extend(tags.map(|tag| (tag, "true".to_owned())));
    let is_model = kind.is_none();
    let texts = [kind.unwrap_or_default(), get("test_name").unwrap_or_default()];
    let key = get("alert_class_id").or(model).ok_or("the alert has no `alert_class_id` and no `model_unique_id`")?;
    Ok(Signal {
        status,
        asset,
        pillar: words.pillar_of(
            &labels,
            &[&texts[0], &texts[1]],
            if is_model { Pillar::Pipeline } else { Pillar::Distribution },
        ),
        level: get("severity").and_then(|word| words.level(&word)).filter(|_| level != Level::Warning).unwrap_or(level),
        owner: words_of(alert.get("owners")).into_iter().next(),
        url: get("job_run_url").or_else(|| get("link")),
        labels,
        ..context.signal(&key, &title, time(alert.get("detected_at")))
    })
}
