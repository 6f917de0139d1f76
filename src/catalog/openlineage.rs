//! OpenLineage events: run events (the usual ones), and the design-time dataset and job events. A job is an asset too, between
//! what it reads and what it writes. `monitors` turns failures into alerts.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{BadCatalog, Import, Unusable, owner};
use crate::body::time;
use crate::domain::Time;
use crate::domain::lineage::names::{clean, dataset, job};
use crate::domain::lineage::sighting::{MAX_PARENTS, Sighting};
use crate::domain::lineage::{AssetKind, Change, ChangeKind, Facts, Owner};

/// The name under which these sightings are kept.
const SOURCE: &str = "openlineage";

struct Named {
    namespace: String,
    name: String,
    facets: Value,
}

impl Named {
    fn read(value: &Value) -> Result<Self, String> {
        let text = |key: &str| {
            let text = value[key].as_str().filter(|text| !clean(text).is_empty());
            text.map(str::to_owned).ok_or_else(|| format!("`{key}` is not a text"))
        };
        Ok(Self { namespace: text("namespace")?, name: text("name")?, facets: value["facets"].clone() })
    }

    /// Its names, those of its symlinks included, and the namespace in which its short name is unique.
    fn names(&self) -> (Vec<String>, Option<String>) {
        let (mut names, mut namespace) = dataset(&self.namespace, &self.name);
        let links = self.facets.pointer("/symlinks/identifiers").and_then(Value::as_array).into_iter().flatten();
        for link in links.filter_map(|link| Self::read(link).ok()).take(SYMLINKS) {
            let (others, of) = dataset(&link.namespace, &link.name);
            names.extend(others.into_iter().filter(|other| !names.contains(other)).collect::<Vec<_>>());
            namespace = namespace.or(of);
        }
        (names, namespace)
    }
}

/// The most symlinks of a dataset that are used.
const SYMLINKS: usize = 8;

/// Reads one event. What cannot be read costs itself only, and `unusable` says so. An event without a time is of now.
///
/// # Errors
/// It is not an event. The words are for the person who posted it.
pub fn read(body: &Value, now: Time) -> Result<Import, BadCatalog> {
    if !body.is_object() {
        return Err(BadCatalog("This is not an OpenLineage event: it is not an object".to_owned()));
    }
    let mut import = Import::default();
    let one = |field: &str, unusable: &mut Vec<Unusable>| {
        let value = body.get(field).filter(|value| !value.is_null())?;
        Named::read(value).map_err(|why| unusable.push(Unusable { at: format!("/{field}"), why })).ok()
    };
    let of = one("job", &mut import.unusable);
    let about = one("dataset", &mut import.unusable);
    if of.is_none() && about.is_none() {
        let why = import.unusable.first().map_or_else(
            || "An OpenLineage event has a `job` or a `dataset`. This one has neither".to_owned(),
            |one| format!("This is not an OpenLineage event: {} of `{}`", one.why, &one.at[1..]),
        );
        return Err(BadCatalog(why));
    }
    let at = body["eventTime"].as_str().and_then(time).unwrap_or_else(|| {
        let why = "`eventTime` is no time; Muster takes the time at which it arrived".to_owned();
        import.unusable.push(Unusable { at: "/eventTime".to_owned(), why });
        now
    });
    let mut each = |side: &str| {
        let items = body[side].as_array().map(Vec::as_slice).unwrap_or_default();
        let read = items.iter().enumerate().filter_map(|(place, item)| {
            let at = format!("/{side}/{place}");
            Named::read(item).map_err(|why| import.unusable.push(Unusable { at, why })).ok()
        });
        read.collect::<Vec<_>>()
    };
    let (inputs, outputs) = (each("inputs"), each("outputs"));
    for one in about.iter().chain(&inputs).chain(&outputs) {
        import.sightings.push(data(one));
        if let Some(columns) = columns(one) {
            import.columns.insert(one.names().0.swap_remove(0), columns);
        }
    }
    // What only the columns name is read, too.
    let mut sources: Vec<Named> = Vec::new();
    for source in about.iter().chain(&outputs).flat_map(|one| column_sources(&one.facets)) {
        let is = |known: &Named| (&known.namespace, &known.name) == (&source.namespace, &source.name);
        if !about.iter().chain(&inputs).chain(&outputs).chain(&sources).any(is) {
            import.sightings.push(data(&source));
            sources.push(source);
        }
    }
    let read = inputs.iter().chain(&sources);
    let Some(of) = &of else {
        import.sightings[0].parents.extend(read.map(Named::names));
        return Ok(import);
    };
    let name = job(&of.namespace, &of.name);
    import.sightings.extend(said_edges(&of.facets));
    import.sightings.extend(body.pointer("/run/facets").into_iter().flat_map(said_edges));
    // A job that does not read or write (a whole DAG, a test) is not part of the lineage.
    if !inputs.is_empty() || !outputs.is_empty() {
        let mut sighting = facts(&of.facets, AssetKind::Job);
        sighting.names = vec![name.clone()];
        sighting.parents = read.map(Named::names).collect();
        import.sightings.push(sighting);
        for output in &outputs {
            let (names, namespace) = output.names();
            import.sightings.push(Sighting {
                names,
                namespace,
                source: SOURCE.to_owned(),
                parents: vec![(vec![name.clone()], None)],
                ..Sighting::default()
            });
        }
    }
    let kind = body["eventType"].as_str().unwrap_or_default().to_ascii_uppercase();
    let what = match kind.as_str() {
        "COMPLETE" => Some(ChangeKind::Ran),
        "FAIL" | "ABORT" => Some(ChangeKind::RunFailed),
        _ => None,
    };
    if let Some(what) = what {
        let text = body.pointer("/run/facets/errorMessage/message").and_then(Value::as_str).unwrap_or_default();
        let text: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
        let change = Change { what, at, text, url: None };
        import.changes.push((name, change.clone()));
        import.changes.extend(outputs.iter().map(|output| (output.names().0.swap_remove(0), change.clone())));
    }
    Ok(import)
}

/// The names of what a facet `lineage` names: a dataset or a job.
fn named(value: &Value) -> Option<(Vec<String>, Option<String>)> {
    let one = Named::read(value).ok()?;
    match value["type"].as_str() {
        Some("JOB") => Some((vec![job(&one.namespace, &one.name)], None)),
        _ => Some(one.names()),
    }
}

/// What is made of what, as the facet `lineage` of a job or a run says it.
fn said_edges(facets: &Value) -> Vec<Sighting> {
    let entries = ["/lineage/entries", "/lineage/lineage"].into_iter().filter_map(|at| facets.pointer(at)?.as_array());
    let sighting = |entry: &Value| {
        let (names, namespace) = named(entry)?;
        let parents = entry["inputs"].as_array().into_iter().flatten().filter_map(named).collect();
        Some(Sighting { names, namespace, source: SOURCE.to_owned(), parents, ..Sighting::default() })
    };
    entries.flatten().filter_map(sighting).collect()
}

/// The datasets that a dataset's columns come from.
fn column_sources(facets: &Value) -> Vec<Named> {
    let fields = facets.pointer("/columnLineage/fields").and_then(Value::as_object);
    let of_columns = fields.into_iter().flat_map(|fields| fields.values()).map(|made| &made["inputFields"]);
    let of_all = facets.pointer("/columnLineage/dataset");
    let inputs = of_columns.chain(of_all).filter_map(Value::as_array).flatten();
    inputs.filter_map(|input| Named::read(input).ok()).take(MAX_PARENTS * 10).collect()
}

fn data(one: &Named) -> Sighting {
    let mut sighting = facts(&one.facets, AssetKind::Table);
    (sighting.names, sighting.namespace) = one.names();
    let inputs = one.facets.pointer("/lineage/inputs").and_then(Value::as_array).into_iter().flatten();
    sighting.parents = inputs.filter_map(named).collect();
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
