//! The failures in OpenLineage events: failed runs and failed assertions. `catalog` reads the lineage in the same events. Only events
//! that end a run count, because some clients write results into START events already.
//! <https://openlineage.io/docs/spec/facets/dataset-facets/input-dataset-facets/data_quality_assertions>

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, Reading, Unreadable, Unusable, labelled, time, word};
use crate::domain::lineage::names;
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let mut import =
        crate::catalog::openlineage::read(body, context.now).map_err(|error| Unreadable::WrongShape(error.0))?;
    let unusable = std::mem::take(&mut import.unusable);
    let mut reading = Reading { unusable, import: Some(import), ..Reading::default() };
    let run = word(body.pointer("/run/runId"));
    let kind = word(body.get("eventType")).unwrap_or_default().to_uppercase();
    // Some clients keep the id when they retry a run.
    let when = word(body.get("eventTime")).unwrap_or_default();
    reading.delivery = run.as_ref().map(|run| format!("{run}/{kind}/{when}"));
    let ended = match kind.as_str() {
        "COMPLETE" => SignalStatus::Resolved,
        "FAIL" => SignalStatus::Firing,
        // Begun, running, something between, or stopped by a person: this says nothing about the data.
        "" | "START" | "RUNNING" | "OTHER" | "ABORT" => return Ok(reading),
        other => {
            let why = format!("`eventType` is {other:?}. It must be START, RUNNING, COMPLETE, ABORT, FAIL or OTHER");
            reading.unusable.push(Unusable { at: "/eventType".to_owned(), why });
            return Ok(reading);
        }
    };
    let (Some(namespace), Some(name)) = (word(body.pointer("/job/namespace")), word(body.pointer("/job/name"))) else {
        return Ok(reading);
    };
    let job = names::job(&namespace, &name);
    let parent = &body["run"]["facets"]["parent"];
    // One run of dbt or of a DAG is many runs here. They share the outermost run.
    let invocation = word(body.pointer("/run/facets/dbt_run/invocation_id"));
    let of_dbt = invocation.is_some();
    let outer = word(parent.pointer("/root/run/runId")).or_else(|| word(parent.pointer("/run/runId")));
    let labels = labelled([
        ("job", Some(job.clone())),
        ("run", invocation.or(outer).or_else(|| run.clone())),
        ("parent", word(parent.pointer("/job/name"))),
        ("project", word(body.pointer("/run/facets/dbt_run/project_name"))),
    ]);
    let owner = word(body.pointer("/job/facets/ownership/owners/0/name"))
        .map(|name| name.trim_start_matches("team:").to_owned());
    let at = time(body.get("eventTime"));
    let message = word(body.pointer("/run/facets/errorMessage/message"));
    let url = ["/job/facets/sourceCodeLocation/url", "/run/facets/airflow/taskInstance/log_url"]
        .into_iter()
        .find_map(|pointer| word(body.pointer(pointer)));
    let base = |key: &str, title: &str| Signal {
        labels: labels.clone(),
        owner: owner.clone(),
        url: url.clone(),
        ..context.signal(key, title, at)
    };

    let mut checked = 0;
    let mut seen = BTreeSet::new();
    for data in ["inputs", "outputs"].into_iter().filter_map(|side| body[side].as_array()).flatten() {
        let (Some(namespace), Some(name)) = (word(data.get("namespace")), word(data.get("name"))) else { continue };
        let dataset = names::dataset(&namespace, &name).0.swap_remove(0);
        // The same assertions are in both places.
        let facets = ["/inputFacets/dataQualityAssertions/assertions", "/facets/dataQualityAssertions/assertions"];
        for assertion in facets.into_iter().filter_map(|pointer| data.pointer(pointer)?.as_array()).flatten() {
            let Some(what) = word(assertion.get("assertion")) else { continue };
            let column = word(assertion.get("column"));
            let key = format!("{dataset}|{what}|{}", column.clone().unwrap_or_default());
            checked += 1;
            if !seen.insert(key.clone()) {
                continue;
            }
            let holds = assertion["success"].as_bool();
            // For a skipped test, dbt's client says "false", and that it found nothing.
            let skipped = of_dbt && assertion.get("actual").is_none_or(Value::is_null);
            let status = match holds {
                Some(true) => SignalStatus::Resolved,
                Some(false) if !skipped => SignalStatus::Firing,
                _ => continue,
            };
            let words = context.words();
            let of_column = column.as_ref().map_or_else(String::new, |column| format!(" ({column})"));
            let mut signal = base(&key, &format!("{what} does not hold on {dataset}{of_column}"));
            signal.labels.extend(labelled([("column", column)]));
            // It is reported on the referenced table, not on the table with the wrong rows.
            let misplaced = what == "relationships";
            reading.signals.push(Signal {
                status,
                asset: AssetName::new(&dataset).filter(|_| !misplaced),
                pillar: words.pillar(&what).unwrap_or(Pillar::Distribution),
                level: word(assertion.get("severity")).and_then(|word| words.level(&word)).unwrap_or(Level::Error),
                description: word(assertion.get("actual")).map(|actual| format!("Found {actual}")),
                ..signal
            });
        }
    }
    // If the job's assertions are reported one by one, or were all skipped, its failure says nothing more.
    let is_test =
        word(body.pointer("/job/facets/jobType/jobType")).is_some_and(|kind| kind.eq_ignore_ascii_case("TEST"));
    if checked > 0 && ended == SignalStatus::Firing && (is_test || of_dbt) {
        return Ok(reading);
    }
    let makes = body["outputs"].as_array().is_some_and(|outputs| !outputs.is_empty());
    let read = || {
        let input = body["inputs"].as_array()?.first()?;
        AssetName::new(&names::dataset(&word(input.get("namespace"))?, &word(input.get("name"))?).0[0])
    };
    // A test is about what it reads. A job is about itself. A run of many runs is about no single one of them.
    let asset = match () {
        () if is_test => read(),
        () if makes || context.known.is_asset(&job) => AssetName::new(&job),
        () => None,
    };
    reading.signals.push(Signal {
        status: ended,
        asset,
        pillar: if is_test { Pillar::Distribution } else { Pillar::Pipeline },
        description: message,
        ..base(&format!("job|{job}"), &format!("Job failed: {name}"))
    });
    Ok(reading)
}
