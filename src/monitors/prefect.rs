//! Prefect: the end of a flow run, as the hook or the automation of `docs/monitors.md` posts it.

use serde_json::Value;

use super::{Context, Reading, Unreadable, labelled, tags, time, word};
use crate::domain::{AssetName, Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let get = |pointer: &str| word(body.pointer(pointer)).filter(|text| text != "None");
    let (Some(flow), Some(state)) = (get("/flow_name").or_else(|| get("/flow/name")), get("/state/type")) else {
        return Err(Unreadable::shape(
            "the body has no `flow_name` and `state.type`; docs/monitors.md has a hook to copy",
        ));
    };
    let status = match state.to_uppercase().trim_start_matches("STATETYPE.") {
        "FAILED" | "CRASHED" | "TIMEDOUT" => SignalStatus::Firing,
        "COMPLETED" => SignalStatus::Resolved,
        _ => return Ok(Reading::default()),
    };
    let words = context.words();
    let mut labels = labelled([
        ("job", Some(flow.clone())),
        ("run", get("/flow_run/id")),
        ("run_name", get("/flow_run/name")),
        ("deployment", get("/flow_run/deployment_id")),
    ]);
    for tag in tags(&body["tags"]) {
        let (key, value) = tag.split_once(':').unwrap_or((&tag, "true"));
        labels.insert(key.to_owned(), value.to_owned());
    }
    let key = labels.get("deployment").map_or_else(|| flow.clone(), |deployment| format!("{flow}/{deployment}"));
    let signal = Signal {
        status,
        asset: words.asset(&labels).or_else(|| AssetName::new(&flow)),
        pillar: Pillar::Pipeline,
        url: get("/url").or_else(|| get("/flow_run/url")),
        description: get("/state/message"),
        ..context.labelled(
            &key,
            &format!("Prefect flow failed: {flow}"),
            time(body.pointer("/state/timestamp")),
            labels,
        )
    };
    // A run that is retried keeps its id.
    let when = get("/state/timestamp").unwrap_or_default();
    let delivery = get("/flow_run/id").map(|run| format!("{run}/{state}/{when}"));
    Ok(Reading { signals: vec![signal], delivery, ..Reading::default() })
}
