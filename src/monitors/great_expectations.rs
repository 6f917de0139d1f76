//! Great Expectations 1.x: a validation result, a checkpoint's result or its description, as user code posts them. A check that
//! passes again resolves its alert. Values of rows are never read. <https://docs.greatexpectations.io/docs/reference/>

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Context, Reading, Unreadable, labelled, labels, time, word};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, Time};

/// What all checks of one validation share.
struct Validation<'a> {
    suite: Option<String>,
    /// Names of the asset, the best first.
    assets: Vec<String>,
    run: Option<String>,
    at: Option<Time>,
    results: &'a [Value],
    place: String,
}

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let list = |value: &'_ Value, key: &str| value[key].as_array().is_some();
    let mut validations = Vec::new();
    if list(body, "results") {
        validations.push(validation(body, "results", ""));
    } else if let Some(all) = body["validation_results"].as_array() {
        for (place, one) in all.iter().enumerate() {
            let key = if list(one, "expectations") { "expectations" } else { "results" };
            validations.push(validation(one, key, &format!("/validation_results/{place}")));
        }
    } else if let Some(all) = body["run_results"].as_object() {
        for (name, one) in all {
            // Some versions put the result one level deeper.
            let inner = if one["validation_result"].is_object() { &one["validation_result"] } else { one };
            let place = format!("/run_results/{}", name.replace('~', "~0").replace('/', "~1"));
            validations.push(validation(inner, "results", &place));
        }
    } else {
        return Err(Unreadable::shape(
            "the body has no `results`, `validation_results` or `run_results`. Post `result.to_json_dict()` or `checkpoint_result.describe_dict()`",
        ));
    }
    let mut reading = Reading::default();
    for validation in &validations {
        for (place, result) in validation.results.iter().enumerate() {
            reading.add(format!("{}/{place}", validation.place), signal(context, validation, result));
        }
    }
    Ok(reading)
}

fn validation<'a>(of: &'a Value, key: &str, place: &str) -> Validation<'a> {
    let meta = &of["meta"];
    let run = &meta["run_id"];
    Validation {
        suite: word(of.get("suite_name")).or_else(|| word(meta.get("expectation_suite_name"))),
        assets: names_of(meta),
        run: word(run.get("run_name")).or_else(|| word(run.get("run_time"))),
        at: time(meta.get("validation_time")).or_else(|| time(run.get("run_time"))),
        results: of[key].as_array().map(Vec::as_slice).unwrap_or_default(),
        place: format!("{place}/{key}"),
    }
}

/// The names under which the asset of a validation may be known.
fn names_of(meta: &Value) -> Vec<String> {
    let text = |pointer: &str| word(meta.pointer(pointer));
    let under = |before: Option<String>, name: Option<String>| Some(format!("{}.{}", before?, name?));
    let asset =
        ["/active_batch_definition/data_asset_name", "/batch_spec/data_asset_name", "/batch_kwargs/data_asset_name"];
    let asset = || asset.into_iter().find_map(text);
    // In the words of the warehouse, as catalogs write it.
    let table = ["/batch_spec/table_name", "/batch_kwargs/table"].into_iter().find_map(text);
    let schema = ["/batch_spec/schema_name", "/batch_kwargs/schema"].into_iter().find_map(text);
    let source = ["/active_batch_definition/datasource_name", "/batch_kwargs/datasource"].into_iter().find_map(text);
    let names = [asset(), under(schema, table.clone()), under(source, asset()), table];
    names.into_iter().flatten().collect()
}

fn signal(context: &Context<'_>, of: &Validation<'_>, result: &Value) -> Result<Signal, String> {
    let config = if result["expectation_config"].is_object() { &result["expectation_config"] } else { result };
    let kind = ["type", "expectation_type"]
        .into_iter()
        .find_map(|key| word(config.get(key)))
        .ok_or("the result does not say the type of its expectation")?;
    let success = result["success"].as_bool().ok_or("`success` is not true or false")?;
    let kwargs = &config["kwargs"];
    let column = word(kwargs.get("column"));
    // `warehouse-analytics.orders`: the data source, and its asset.
    let batch = word(kwargs.get("batch_id"))
        .map(|batch| batch.split_once('-').map_or(batch.as_str(), |(_, asset)| asset).to_owned());
    let mut labels = labels(config.get("meta"));
    let words = context.words();
    let names = || of.assets.iter().chain(&batch);
    let known = || names().find(|name| context.known.is_asset(name));
    let asset = words.asset(&labels).or_else(|| AssetName::new(known().or_else(|| names().next())?));
    labels.extend(labelled([("column", column.clone()), ("suite", of.suite.clone()), ("run", of.run.clone())]));
    let raised = |info: &Value| info["raised_exception"] == true;
    let info = &result["exception_info"];
    let raised = raised(info) || info.as_object().is_some_and(|by_metric| by_metric.values().any(raised));
    let detail = &result["result"];
    let found = word(detail.get("observed_value")).map(|value| format!("found {value}")).or_else(|| {
        let count = word(detail.get("unexpected_count"))?;
        Some(format!("{count} of {} rows", word(detail.get("element_count")).unwrap_or_else(|| "?".to_owned())))
    });
    let name = kind.trim_start_matches("expect_").replace('_', " ");
    let of_column = column.as_ref().map_or_else(String::new, |column| format!(" ({column})"));
    let on = asset.as_ref().map_or_else(String::new, |asset| format!("{asset}: "));
    let key = [
        asset.as_ref().map_or("", AssetName::as_str),
        of.suite.as_deref().unwrap_or_default(),
        &kind,
        column.as_deref().unwrap_or_default(),
        &fingerprint(kwargs),
    ]
    .join("|");
    Ok(Signal {
        status: SignalStatus::resolved_if(success),
        pillar: if raised { Pillar::Pipeline } else { words.pillar_of(&labels, &[&kind], Pillar::Distribution) },
        level: word(config.get("severity")).and_then(|word| words.level(&word)).unwrap_or(Level::Error),
        description: if raised { Some("The check itself broke.".to_owned()) } else { found.filter(|_| !success) },
        asset,
        ..context.labelled(&key, &format!("{on}{name}{of_column}"), of.at, labels)
    })
}

/// Tells two checks of the same kind on the same column apart, by their limits.
fn fingerprint(kwargs: &Value) -> String {
    let mut limits = kwargs.clone();
    if let Some(limits) = limits.as_object_mut() {
        limits.remove("batch_id");
        limits.remove("column");
    }
    // The keys of a JSON map are sorted here, so the same limits give the same text.
    hex::encode(Sha256::digest(limits.to_string())).chars().take(12).collect()
}
