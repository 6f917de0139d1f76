//! Elementary's alerts, with the fields that its own integrations send (`alert_class_id`, `model_unique_id`, `table_name`, …): one,
//! a list, or `{"alerts": […]}`. <https://docs.elementary-data.com/>

use serde_json::Value;

use super::{Context, Reading, Unreadable, clean, first_lines, hours, labelled, time, word};
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

/// Numbers may be written as texts.
fn number(value: Option<&Value>) -> Option<f64> {
    word(value)?.parse().ok()
}

/// The table's whole name, because the same name may be in several schemas: `analytics.prod.orders`.
fn table(get: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let whole = ["table_full_name", "full_table_name"].into_iter().find_map(get);
    let whole = whole.or_else(|| {
        let table = ["table_name", "identifier", "alias"].into_iter().find_map(get)?;
        // Some versions write the whole name here already.
        let before = if table.contains('.') { [None, None] } else { ["database_name", "schema_name"].map(get) };
        Some(before.into_iter().flatten().chain([table]).collect::<Vec<_>>().join("."))
    });
    whole.map(|whole| whole.to_lowercase())
}

fn signal(context: &Context<'_>, alert: &Value) -> Result<Option<Signal>, String> {
    let get = |key: &str| word(alert.get(key));
    let status = get("status").ok_or("`status` is missing")?.to_lowercase().replace('_', " ");
    let (status, level) = match status.as_str() {
        "pass" | "success" | "resolved" => (SignalStatus::Resolved, Level::Error),
        "warn" | "warning" => (SignalStatus::Firing, Level::Warning),
        "fail" | "error" | "runtime error" | "failed" => (SignalStatus::Firing, Level::Error),
        // Nothing was tested, or there is too little data to test: this says nothing.
        "skipped" | "no data" | "no op" => return Ok(None),
        other => return Err(format!("`status` is {other:?}. It must be fail, error, warn or pass")),
    };
    let words = context.words();
    let model = ["model_unique_id", "source_unique_id"].into_iter().find_map(get);
    let table = table(&get);
    let asset = match (&model, &table) {
        (Some(model), _) if context.known.is_asset(model) => AssetName::new(model),
        // A bare name may be that of several tables.
        (Some(model), Some(table)) if !table.contains('.') => AssetName::new(model),
        (_, Some(name)) | (Some(name), None) => AssetName::new(name),
        (None, None) => None,
    };
    let kind = get("test_sub_type").filter(|kind| kind != "generic" && kind != "singular");
    let kind = kind.or_else(|| get("test_type"));
    let name = ["test_short_name", "test_name"].into_iter().find_map(get).or_else(|| kind.clone());
    let loaded = number(alert.get("max_loaded_at_time_ago_in_s"));
    let of_source = ["source_name", "error_after", "warn_after", "freshness_error_after"]
        .into_iter()
        .any(|key| alert.get(key).is_some_and(|value| !value.is_null()));
    let of_source = of_source || get("resource_type").as_deref() == Some("source_freshness");
    let is_freshness = name.is_none() && (loaded.is_some() || of_source);
    // The check itself broke, so nobody knows how the data is.
    let broke = matches!(get("status").as_deref().map(str::to_lowercase).as_deref(), Some("error" | "runtime error"));
    let on = asset.as_ref().map_or("a model", AssetName::as_str);
    let title = match (&name, loaded) {
        (None, Some(loaded)) => {
            let short = get("identifier").unwrap_or_else(|| on.rsplit('.').next().unwrap_or(on).to_owned());
            format!("{short} is stale: last loaded {} ago", hours(loaded))
        }
        (None, None) if is_freshness => format!("Freshness of {on} cannot be checked"),
        (None, None) => format!("{on} failed"),
        (Some(name), _) if asset.is_some() => format!("{name} failed on {on}"),
        (Some(name), _) => format!("{name} failed"),
    };
    let description = ["test_results_description", "message", "error", "error_message", "freshness_description"]
        .into_iter()
        .find_map(|key| alert.get(key)?.as_str().map(first_lines).filter(|text| !text.is_empty()));
    let mut labels = labelled([("column", get("column_name")), ("test", get("test_name")), ("type", get("test_type"))]);
    let tags = words_of(alert.get("tags")).into_iter().take(super::MAX_LABELS / 2);
    labels.extend(tags.map(|tag| (tag, "true".to_owned())));
    let pillar = match &name {
        None if is_freshness => Pillar::Freshness,
        None => Pillar::Pipeline,
        Some(_) if broke => Pillar::Pipeline,
        Some(name) => words.pillar_of(
            &labels,
            &[&kind.unwrap_or_default(), &get("test_name").unwrap_or_default(), name],
            Pillar::Distribution,
        ),
    };
    let key = get("alert_class_id").or(model).ok_or("the alert has no `alert_class_id` and no `model_unique_id`")?;
    Ok(Some(Signal {
        status,
        asset,
        pillar,
        level: get("severity").and_then(|word| words.level(&word)).filter(|_| level != Level::Warning).unwrap_or(level),
        owner: words_of(alert.get("owners")).into_iter().next(),
        url: get("job_run_url").or_else(|| get("link")),
        description: description.filter(|_| status == SignalStatus::Firing),
        labels,
        ..context.signal(&key, &title, time(alert.get("detected_at")))
    }))
}
