//! OpenLineage events: run events (the usual ones), and the design-time dataset and job events. A job is an asset too, between
//! what it reads and what it writes. `monitors` turns failures into alerts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{BadCatalog, Import, owner};
use crate::domain::Time;
use crate::domain::lineage::names::{dataset, job};
use crate::domain::lineage::sighting::Sighting;
use crate::domain::lineage::{AssetKind, Change, ChangeKind, Facts, Owner};

/// The name under which these sightings are kept.
const SOURCE: &str = "openlineage";

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "eventTime")]
    event_time: String,
    #[serde(rename = "eventType")]
    event_type: Option<String>,
    run: Option<Run>,
    job: Option<Named>,
    dataset: Option<Named>,
    #[serde(default)]
    inputs: Vec<Named>,
    #[serde(default)]
    outputs: Vec<Named>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    facets: Value,
}

#[derive(Deserialize)]
struct Named {
    namespace: String,
    name: String,
    #[serde(default)]
    facets: Value,
}

/// Reads one event.
///
/// # Errors
/// It is not an event. The words are for the person who posted it.
pub fn read(body: &Value) -> Result<Import, BadCatalog> {
    let event =
        Event::deserialize(body).map_err(|error| BadCatalog(format!("This is not an OpenLineage event: {error}")))?;
    let at: Time = chrono::DateTime::parse_from_rfc3339(&event.event_time)
        .map_err(|error| BadCatalog(format!("`eventTime` is not a time: {error}")))?
        .to_utc();
    if event.job.is_none() && event.dataset.is_none() {
        return Err(BadCatalog("An OpenLineage event has a `job` or a `dataset`. This one has neither".to_owned()));
    }
    let mut import = Import::default();
    for one in event.dataset.iter().chain(&event.inputs).chain(&event.outputs) {
        import.sightings.push(data(one));
        if let Some(columns) = columns(one) {
            import.columns.insert(dataset(&one.namespace, &one.name).0[0].clone(), columns);
        }
    }
    let Some(of) = &event.job else {
        return Ok(import);
    };
    let name = job(&of.namespace, &of.name);
    let names = |one: &Named| dataset(&one.namespace, &one.name);
    // A job that does not read or write (a whole DAG, a test) is not part of the lineage.
    if !event.inputs.is_empty() || !event.outputs.is_empty() {
        let mut sighting = facts(&of.facets, AssetKind::Job);
        sighting.names = vec![name.clone()];
        sighting.parents = event.inputs.iter().map(names).collect();
        import.sightings.push(sighting);
        for output in &event.outputs {
            let (names, namespace) = names(output);
            import.sightings.push(Sighting {
                names,
                namespace,
                source: SOURCE.to_owned(),
                parents: vec![(vec![name.clone()], None)],
                ..Sighting::default()
            });
        }
    }
    let what = match event.event_type.as_deref() {
        Some("COMPLETE") => Some(ChangeKind::Ran),
        Some("FAIL" | "ABORT") => Some(ChangeKind::RunFailed),
        _ => None,
    };
    if let Some(what) = what {
        let message = event.run.as_ref().map(|run| &run.facets["errorMessage"]["message"]);
        let text = message.and_then(Value::as_str).unwrap_or_default();
        let text: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
        let change = Change { what, at, text, url: None };
        import.changes.push((name, change.clone()));
        import.changes.extend(event.outputs.iter().map(|output| (names(output).0[0].clone(), change.clone())));
    }
    Ok(import)
}

fn data(one: &Named) -> Sighting {
    let mut sighting = facts(&one.facets, AssetKind::Table);
    (sighting.names, sighting.namespace) = dataset(&one.namespace, &one.name);
    sighting
}

fn facts(facets: &Value, kind: AssetKind) -> Sighting {
    let text = |pointer: &str| facets.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let owners: Vec<Owner> = facets
        .pointer("/ownership/owners")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| owner(one["name"].as_str()?, one["type"].as_str() == Some("CONSUMER")))
        .collect();
    Sighting {
        source: SOURCE.to_owned(),
        facts: Facts {
            kind,
            owners,
            description: text("/documentation/description").map(|text| text.chars().take(500).collect()),
            code: text("/sourceCodeLocation/url"),
            fingerprint: schema(facets),
            ..Facts::default()
        },
        ..Sighting::default()
    }
}

/// A hash of the columns and their types.
fn schema(facets: &Value) -> Option<String> {
    let fields = facets.pointer("/schema/fields")?.as_array()?;
    let mut columns: Vec<_> = fields
        .iter()
        .map(|field| {
            let of = |key: &str| field[key].as_str().unwrap_or_default().to_ascii_lowercase();
            format!("{} {}", of("name"), of("type"))
        })
        .collect();
    columns.sort();
    Some(hex::encode(Sha256::digest(columns.join("\n"))).chars().take(16).collect())
}

fn columns(one: &Named) -> Option<BTreeMap<String, Vec<String>>> {
    let fields = one.facets.pointer("/columnLineage/fields")?.as_object()?;
    let columns: BTreeMap<_, _> = fields
        .iter()
        .map(|(column, made)| {
            let inputs = made["inputFields"].as_array().into_iter().flatten();
            let inputs = inputs.filter_map(|input| {
                let (names, _) = dataset(input["namespace"].as_str()?, input["name"].as_str()?);
                Some(format!("{}.{}", names[0], input["field"].as_str()?))
            });
            (column.clone(), inputs.collect())
        })
        .collect();
    (!columns.is_empty()).then_some(columns)
}
