//! Soda: the scan results of Soda Core, and Soda Cloud's webhook for check evaluations. A check that was not evaluated says nothing. One that
//! broke (`error`) is an alert, because nobody knows how the data is.
//! A check that passes again resolves its alert. SQL, logs and failed rows are never read. <https://docs.soda.io/reference/webhook-api>

use serde_json::Value;

use super::{Context, Labels, Reading, Unreadable, labelled, time, word};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, Time};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let (key, checks) = ["checks", "checkResults"]
        .into_iter()
        .find_map(|key| Some((key, body[key].as_array()?)))
        .ok_or_else(|| match body["event"].as_str() {
            Some(event) => Unreadable::shape(format!(
                "the event `{event}` has no check results. Let Soda Cloud send check evaluations"
            )),
            None => Unreadable::shape("the body has no `checks` (Soda Core) and no `checkResults` (Soda Cloud)"),
        })?;
    let at = ["scanEndTimestamp", "dataTimestamp"].into_iter().find_map(|key| time(body.get(key)));
    let scan = word(body.get("definitionName"));
    Ok(Reading::of_each(&format!("/{key}"), checks, |check| signal(context, check, scan.as_deref(), at)))
}

fn signal(
    context: &Context<'_>,
    check: &Value,
    scan: Option<&str>,
    at: Option<Time>,
) -> Result<Option<Signal>, String> {
    let outcome = check["outcome"].as_str().map(str::to_lowercase).unwrap_or_default();
    // Soda 4 writes `PASSED` and `FAILED`.
    let outcome =
        outcome.strip_suffix("ed").filter(|short| matches!(*short, "pass" | "fail" | "warn")).unwrap_or(&outcome);
    let (status, level) = match outcome {
        "pass" => (SignalStatus::Resolved, Level::Error),
        "warn" => (SignalStatus::Firing, Level::Warning),
        "fail" | "error" => (SignalStatus::Firing, Level::Error),
        // Not evaluated: this says nothing.
        "" | "null" | "none" | "unevaluated" | "not_evaluated" | "not evaluated" | "excluded" => return Ok(None),
        other => return Err(format!("`outcome` is {other:?}. It must be pass, warn, fail or error")),
    };
    // The check itself broke, so nobody knows how the data is.
    let broke = outcome == "error";
    let name = word(check.get("name"))
        .or_else(|| word(check.get("definition")))
        .ok_or("the check has no `name` and no `definition`")?;
    let words = context.words();
    let attributes = ["resourceAttributes", "attributes"].into_iter().filter_map(|key| check[key].as_array()).flatten();
    let attributes = attributes.take(super::MAX_LABELS);
    let mut labels: Labels =
        attributes.filter_map(|one| Some((word(one.get("name"))?, word(one.get("value"))?))).collect();
    let asset = words.asset(&labels).or_else(|| table(context, check));
    labels.extend(labelled([("column", word(check.get("column"))), ("scan", scan.map(str::to_owned))]));
    let key = ["identity", "id"]
        .into_iter()
        .find_map(|key| word(check.get(key)))
        // Soda 4 has identities of several versions.
        .or_else(|| check["identities"].as_object()?.values().find_map(|identity| word(Some(identity))))
        .unwrap_or_else(|| format!("{}|{name}", asset.as_ref().map_or("", AssetName::as_str)));
    let metrics: Vec<&str> = check["metrics"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let metrics = metrics.join(" ");
    let value = word(check.pointer("/diagnostics/value")).filter(|_| !name.starts_with("freshness"));
    let on = asset.as_ref().map_or_else(String::new, |asset| format!("{asset}: "));
    Ok(Some(Signal {
        status,
        level,
        pillar: if broke {
            Pillar::Pipeline
        } else {
            words.pillar_of(&labels, &[&name, &metrics], Pillar::Distribution)
        },
        url: ["sodaCloudUrl", "cloudUrl"].into_iter().find_map(|key| word(check.get(key))),
        description: value
            .filter(|_| status == SignalStatus::Firing && !broke)
            .map(|value| format!("Measured {value}")),
        asset,
        ..context.labelled(
            &key,
            &format!("{on}{name}{}", if broke { " cannot be checked" } else { "" }),
            at.or_else(|| time(check.get("dataTimestamp"))),
            labels,
        )
    }))
}

/// The table under its own name if the catalog knows it, otherwise with its database and schema before it (Soda 4), or with its data source.
fn table(context: &Context<'_>, check: &Value) -> Option<AssetName> {
    let dataset = &check["datasets"][0];
    let table = word(check.get("table")).or_else(|| word(dataset.get("name"))).or_else(|| word(Some(dataset)))?;
    let prefix: Vec<_> = super::tags(&check["datasetPrefix"]).collect();
    let prefix = if prefix.is_empty() { word(check.get("dataSource")) } else { Some(prefix.join(".")) };
    let full = prefix.map(|prefix| format!("{prefix}.{table}"));
    match full {
        Some(full) if context.known.is_asset(&full) || !context.known.is_asset(&table) => AssetName::new(&full),
        _ => AssetName::new(&table),
    }
}
