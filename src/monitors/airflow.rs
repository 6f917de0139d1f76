//! Airflow: the body of the callback in `docs/monitors.md` (`on_failure_callback`, `on_success_callback`), and the bare
//! `{"name", "message", "status"}` that others use. A task that will be retried is not an alert yet.

use serde_json::Value;

use super::{Context, Reading, Unreadable, labelled, tags, time, word};
use crate::domain::lineage::names;
use crate::domain::{AssetName, Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let get = |key: &str| word(body.get(key)).filter(|text| text != "None");
    let Some(dag) = get("dag_id") else { return bare(context, body) };
    let task = get("task_id");
    let state = get("state").map(|state| state.to_lowercase());
    let last_try = match (body["try_number"].as_i64(), body["max_tries"].as_i64()) {
        (Some(now), Some(retries)) => now > retries,
        _ => true,
    };
    let status = match state.as_deref() {
        Some("success") => SignalStatus::Resolved,
        Some("failed" | "upstream_failed") => SignalStatus::Firing,
        None if last_try => SignalStatus::Firing,
        // It will be retried, is running, or was skipped.
        _ => return Ok(Reading::default()),
    };
    let what = task.as_ref().map_or_else(|| dag.clone(), |task| format!("{dag}.{task}"));
    // Each mapped instance of a task fails and succeeds by itself.
    let instance = body["map_index"].as_i64().filter(|index| *index >= 0);
    let key = instance.map_or_else(|| what.clone(), |index| format!("{what}[{index}]"));
    // All DAGs of a schedule have the same run id.
    let run = get("run_id").map(|run| format!("{dag}/{run}"));
    let operator = get("operator");
    let mut labels = labelled([
        ("job", Some(what.clone())),
        ("dag", Some(dag)),
        ("run", run),
        ("task", task),
        ("operator", operator),
    ]);
    labels.extend(tags(&body["tags"]).map(|tag| (tag, "true".to_owned())));
    let outlet = body["outlets"].as_array().into_iter().flatten().find_map(outlet);
    let signal = Signal {
        status,
        asset: outlet.or_else(|| AssetName::new(&what)),
        pillar: Pillar::Pipeline,
        url: get("log_url"),
        description: get("exception").or_else(|| get("reason")),
        ..context.labelled(&key, &format!("Airflow task failed: {what}"), time(body.get("end_date")), labels)
    };
    let owner = get("owner").filter(|owner| owner != "airflow").or(signal.owner);
    let signal = Signal { owner, ..signal };
    Ok(Reading { signals: vec![signal], ..Reading::default() })
}

/// `snowflake://acme/ANALYTICS/MART/ORDERS`, or a dataset's own fields.
fn outlet(value: &Value) -> Option<AssetName> {
    let uri = value.as_str().or_else(|| value["uri"].as_str()).or_else(|| value["name"].as_str())?;
    let Some((scheme, rest)) = uri.split_once("://") else { return AssetName::new(uri) };
    let (host, path) = rest.split_once('/').unwrap_or(("", rest));
    let name = path.trim_matches('/').replace('/', ".");
    let (names, _) = names::dataset(&format!("{scheme}://{host}"), &name);
    // If it is not a warehouse, it keeps its path.
    if names.len() > 1 { AssetName::new(&names[0]) } else { AssetName::new(uri) }
}

fn bare(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let get = |key: &str| word(body.get(key));
    let missing = "the body has no `dag_id` and no `name`. docs/monitors.md has a callback to copy";
    let name = get("name").ok_or_else(|| Unreadable::shape(missing))?;
    let words = context.words();
    let status = get("status").unwrap_or_default().to_lowercase();
    let signal = Signal {
        status: SignalStatus::resolved_if(matches!(&*status, "resolved" | "success" | "ok")),
        asset: get("service").filter(|name| context.known.is_asset(name)).and_then(|name| AssetName::new(&name)),
        pillar: Pillar::Pipeline,
        level: get("severity").and_then(|word| words.level(&word)).unwrap_or_default(),
        description: get("message"),
        ..context.signal(&name, &name, None)
    };
    Ok(Reading { signals: vec![signal], ..Reading::default() })
}
