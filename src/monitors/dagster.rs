//! Dagster: a run failure or an asset check, as the sensors of `docs/monitors.md` post them. Dagster itself has no webhook body.

use serde_json::Value;

use super::{Context, Reading, Unreadable, clean, labelled, time, word};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let get = |key: &str| word(body.get(key));
    let (Some(event), Some(job)) = (get("event_type"), get("job_name")) else {
        return Err(Unreadable::shape(
            "the body has no `event_type` and `job_name`; docs/monitors.md has a sensor to copy",
        ));
    };
    let data = &body["event_specific_data"];
    let key_of = |key: &Value| -> Option<String> {
        let parts: Vec<_> = key["path"].as_array()?.iter().filter_map(Value::as_str).map(clean).collect();
        (!parts.is_empty()).then(|| parts.join("/"))
    };
    let words = context.words();
    let step = get("step_key");
    let labels = labelled([("job", Some(job.clone())), ("run", get("run_id")), ("step", step.clone())]);
    let signal = match event.as_str() {
        "ASSET_CHECK_EVALUATION" => {
            let asset = key_of(&data["asset_key"]);
            let check = word(data.get("check_name")).unwrap_or_else(|| "check".to_owned());
            let severity = word(data.pointer("/severity/__enum__")).or_else(|| word(data.get("severity")));
            let warns = severity.is_some_and(|word| word.to_uppercase().ends_with("WARN"));
            let on = asset.clone().unwrap_or_else(|| job.clone());
            Signal {
                status: SignalStatus::resolved_if(data["success"] == true),
                asset: asset.and_then(|name| AssetName::new(&name)),
                pillar: words.pillar_of(&labels, &[&check], Pillar::Distribution),
                level: if warns { Level::Warning } else { Level::Error },
                description: word(data.get("description")),
                ..context.signal(
                    &format!("{on}|{check}"),
                    &format!("Check {check} failed on {on}"),
                    time(data.pointer("/target_materialization_data/timestamp")),
                )
            }
        }
        "STEP_FAILURE" | "RUN_FAILURE" | "PIPELINE_FAILURE" | "STEP_SUCCESS" | "RUN_SUCCESS" | "PIPELINE_SUCCESS" => {
            let of_step = step.as_ref().filter(|_| event.starts_with("STEP"));
            let what = of_step.map_or_else(|| job.clone(), |step| format!("{job}.{step}"));
            // The step of an asset has the asset's name.
            let asset = of_step.filter(|step| context.known.is_asset(step)).unwrap_or(&job);
            let cause = ["/error/cause/message", "/error/message"].into_iter().find_map(|at| word(data.pointer(at)));
            Signal {
                status: SignalStatus::resolved_if(event.ends_with("SUCCESS")),
                // All runs that name no job share this one.
                asset: AssetName::new(asset).filter(|asset| !asset.as_str().starts_with("__ASSET_JOB")),
                pillar: Pillar::Pipeline,
                description: cause.or_else(|| get("message")),
                ..context.signal(&what, &format!("Dagster run failed: {what}"), time(body.get("timestamp")))
            }
        }
        // Started, materialized, logged: this says nothing about a failure.
        _ => return Ok(Reading::default()),
    };
    let signal = Signal { owner: words.owner(&labels), url: get("url"), labels, ..signal };
    Ok(Reading { signals: vec![signal], ..Reading::default() })
}
