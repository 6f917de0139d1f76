//! dbt's `run_results.json` and `sources.json`, as CI uploads them. The manifest (`PUT /api/v1/catalog/dbt`) says what a test is
//! about. Without it, the name of the test says most. A green run of the same test or model resolves its alert.
//! <https://docs.getdbt.com/reference/artifacts/run-results-json>

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Context, MAX_SIGNALS, Reading, Unreadable, Unusable, clean, first_lines, hours, labelled, time};
use crate::domain::lineage::names::clean as clean_name;
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, counted};

/// The parts of an artifact that are needed. The rest is skipped while it is read.
#[derive(Clone, Deserialize)]
pub struct Artifact {
    metadata: Metadata,
    results: Results,
    #[serde(default)]
    args: Args,
}

/// Each result is read by itself, so that a bad one does not spoil the others. It is dropped, with its SQL, before the next one is read.
#[derive(Clone, Default)]
struct Results {
    read: Vec<Result<ResultOf, String>>,
    /// How many results were left out, because a body may not hold more.
    more: usize,
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Results;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of results")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Results, A::Error> {
                let mut results = Results::default();
                while let Some(one) = all.next_element::<Box<RawValue>>()? {
                    if results.read.len() == MAX_SIGNALS {
                        results.more += 1;
                    } else {
                        results.read.push(serde_json::from_str(one.get()).map_err(|error| error.to_string()));
                    }
                }
                Ok(results)
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

#[derive(Clone, Deserialize)]
struct Metadata {
    dbt_schema_version: String,
    invocation_id: Option<String>,
    generated_at: Option<String>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(default)]
struct Args {
    target: Option<String>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(default)]
struct ResultOf {
    unique_id: String,
    status: String,
    message: Option<String>,
    failures: Option<i64>,
    relation_name: Option<String>,
    max_loaded_at: Option<String>,
    max_loaded_at_time_ago_in_s: Option<f64>,
    error: Option<String>,
    criteria: Value,
}

/// Reads an artifact while it arrives. If it is too large or the sender hangs up, the reader returns an error.
pub fn stream(body: impl Read) -> Result<Artifact, Unreadable> {
    crate::body::json_of(body).map_err(|error| {
        if error.is_data() {
            Unreadable::WrongShape(format!("this is not run_results.json or sources.json: {error}"))
        } else {
            Unreadable::NotJson(error.to_string())
        }
    })
}

/// The signals of an artifact.
pub fn read(context: &Context<'_>, artifact: Artifact) -> Result<Reading, Unreadable> {
    let schema = &artifact.metadata.dbt_schema_version;
    let freshness = schema.contains("/sources/");
    if !freshness && !schema.contains("/run-results/") {
        return Err(Unreadable::WrongShape(format!(
            "this is `{schema}`; upload target/run_results.json or target/sources.json here, and target/manifest.json to /api/v1/catalog/dbt"
        )));
    }
    let at = artifact.metadata.generated_at.as_deref().and_then(|at| time(Some(&Value::from(at))));
    let target = artifact.args.target.filter(|target| !target.is_empty());
    let mut reading = Reading::default();
    if artifact.results.more > 0 {
        let why = format!("{} than the {MAX_SIGNALS} a body may hold", counted(artifact.results.more, "more result"));
        reading.unusable.push(Unusable { at: format!("/results/{MAX_SIGNALS}"), why });
    }
    let results: Vec<(usize, Result<ResultOf, String>)> = artifact.results.read.into_iter().enumerate().collect();
    // The tables of this run, for tests that are in no manifest.
    let tables: BTreeMap<String, AssetName> = results
        .iter()
        .filter_map(|(_, result)| result.as_ref().ok())
        .filter(|result| matches!(kind_of(&result.unique_id), "model" | "seed" | "snapshot"))
        .filter_map(|result| Some((name_of(&result.unique_id).replace('.', "_"), asset_of(context, result)?)))
        .collect();
    for (place, result) in results {
        let at_place = format!("/results/{place}");
        let result = match result {
            Ok(result) if result.unique_id.is_empty() => Err("`unique_id` is missing".to_owned()),
            other => other,
        };
        let result = match result {
            Ok(result) => result,
            Err(why) => {
                reading.unusable.push(Unusable { at: at_place, why });
                continue;
            }
        };
        let (status, level) = match judged(&result.status) {
            Ok(Some(judged)) => judged,
            Ok(None) => continue,
            Err(why) => {
                reading.unusable.push(Unusable { at: at_place, why });
                continue;
            }
        };
        let labels = labelled([
            ("dbt", Some(clean(&result.unique_id))),
            ("run", artifact.metadata.invocation_id.as_deref().map(clean)),
            ("project", result.unique_id.split('.').nth(1).map(clean)),
            ("target", target.as_deref().map(clean)),
        ]);
        let key =
            target.as_ref().map_or_else(|| result.unique_id.clone(), |target| format!("{}@{target}", result.unique_id));
        let signal = Signal { status, level, labels, ..context.signal(&key, "", at) };
        reading.signals.push(match kind_of(&result.unique_id) {
            "source" => stale(&result, signal),
            "test" | "unit_test" => tested(context, &result, &tables, signal),
            _ => built(context, &result, signal),
        });
    }
    reading.delivery =
        artifact.metadata.invocation_id.map(|id| format!("{id}/{}", if freshness { "sources" } else { "run_results" }));
    Ok(reading)
}

fn kind_of(unique_id: &str) -> &str {
    unique_id.split('.').next().unwrap_or_default()
}

/// What people call a resource: `orders`, `orders.v2`, `raw.payments`; of a unit test, its own name.
fn name_of(unique_id: &str) -> &str {
    // `model.project.name`, `model.project.name.version`, `source.project.source.name`, `test.project.name.hash`, `unit_test.project.model.name`
    let (kind, after) = (kind_of(unique_id), |parts: usize| unique_id.splitn(parts + 1, '.').nth(parts));
    match kind {
        "test" => unique_id.split('.').nth(2),
        "unit_test" => after(3).or_else(|| after(2)),
        _ => after(2),
    }
    .unwrap_or(unique_id)
}

/// Firing or resolved, and how bad. `None` if the result says nothing: it was skipped after an upstream failure, had nothing to do, or was taken
/// from an earlier run.
fn judged(status: &str) -> Result<Option<(SignalStatus, Level)>, String> {
    match status.to_ascii_lowercase().replace(['_', '-'], " ").as_str() {
        "pass" | "success" => Ok(Some((SignalStatus::Resolved, Level::Error))),
        "fail" | "error" | "runtime error" => Ok(Some((SignalStatus::Firing, Level::Error))),
        "warn" | "partial success" => Ok(Some((SignalStatus::Firing, Level::Warning))),
        "skipped" | "no op" | "reused" => Ok(None),
        "" => Err("`status` is missing".to_owned()),
        _ => Err(format!(
            "`status` is {status:?}. It must be success, pass, fail, error, warn, partial success, skipped, no-op or reused"
        )),
    }
}

/// The table of a result: by its id if the catalog knows it, otherwise by its relation, the name that other tools use.
fn asset_of(context: &Context<'_>, result: &ResultOf) -> Option<AssetName> {
    let relation = result.relation_name.as_deref().map(clean_name).filter(|name| !name.is_empty());
    match relation {
        Some(relation) if !context.known.is_asset(&result.unique_id) => AssetName::new(&relation),
        _ => AssetName::new(&result.unique_id),
    }
}

fn built(context: &Context<'_>, result: &ResultOf, signal: Signal) -> Signal {
    let (kind, name) = (kind_of(&result.unique_id), name_of(&result.unique_id));
    Signal {
        title: format!("dbt {kind} failed: {name}"),
        // A hook of a run is no asset.
        asset: asset_of(context, result).filter(|_| kind != "operation"),
        pillar: Pillar::Pipeline,
        description: result.message.as_deref().map(first_lines),
        ..signal
    }
}

fn tested(
    context: &Context<'_>,
    result: &ResultOf,
    tables: &BTreeMap<String, AssetName>,
    mut signal: Signal,
) -> Signal {
    let name = name_of(&result.unique_id);
    let is_unit_test = kind_of(&result.unique_id) == "unit_test";
    let check = context.known.check(&result.unique_id);
    let words = context.words();
    let asset = match &check {
        Some(check) => AssetName::new(&check.asset),
        None if is_unit_test => of_unit_test(&result.unique_id, tables),
        None => named_in(name, tables),
    };
    let about = asset
        .as_ref()
        .map_or_else(String::new, |asset| format!(" on {}", asset.as_str().rsplit('.').next().unwrap_or_default()));
    let failures = result
        .failures
        // A unit test counts no rows.
        .filter(|failures| *failures > 0 && !is_unit_test)
        .map(|failures| format!(" ({})", counted(usize::try_from(failures).unwrap_or(usize::MAX), "row")));
    // If the test itself broke, nobody knows how the data is. dbt Fusion also writes `error` for a test that found rows.
    let broke = matches!(result.status.to_ascii_lowercase().as_str(), "error" | "runtime error")
        && result.failures.is_none_or(|failures| failures == 0);
    let pillar = || words.pillar(name).or(check.as_ref().map(|check| check.pillar)).unwrap_or(Pillar::Distribution);
    signal.pillar = if broke { Pillar::Pipeline } else { pillar() };
    if let Some(column) = check.as_ref().and_then(|check| check.column.clone()) {
        signal.labels.insert("column".to_owned(), column);
    }
    signal.owner = check.and_then(|check| check.owner);
    Signal {
        title: format!(
            "dbt {} failed{about}: {name}{}",
            if is_unit_test { "unit test" } else { "test" },
            failures.unwrap_or_default()
        ),
        asset,
        description: result.message.as_deref().map(first_lines),
        ..signal
    }
}

fn stale(result: &ResultOf, signal: Signal) -> Signal {
    let name = name_of(&result.unique_id);
    let hours = result.max_loaded_at_time_ago_in_s.map(hours);
    let allowed = ["error_after", "warn_after"].into_iter().find_map(|limit| {
        Some(format!("{} {}s", result.criteria[limit]["count"].as_i64()?, result.criteria[limit]["period"].as_str()?))
    });
    let title = match hours {
        Some(hours) => format!("Source {name} is stale: last loaded {hours} ago"),
        None => format!("Freshness of {name} cannot be checked"),
    };
    let description = result
        .error
        .as_deref()
        .map(first_lines)
        .or_else(|| Some(format!("Last loaded {}, allowed {}", result.max_loaded_at.as_deref()?, allowed?)));
    Signal { title, asset: AssetName::new(&result.unique_id), pillar: Pillar::Freshness, description, ..signal }
}

/// The model of a unit test, as its id names it: by its table if this run built it, otherwise by its id.
fn of_unit_test(unique_id: &str, tables: &BTreeMap<String, AssetName>) -> Option<AssetName> {
    let mut parts = unique_id.split('.').skip(1);
    let (project, model) = (parts.next()?, parts.next()?);
    tables.get(model).cloned().or_else(|| AssetName::new(&format!("model.{project}.{model}")))
}

/// `not_null_orders_order_id` is about `orders`: the table whose name comes first in the name of the test; of several, the longest.
fn named_in(test: &str, tables: &BTreeMap<String, AssetName>) -> Option<AssetName> {
    let bounded = |start: usize, name: &str| {
        let end = start + name.len();
        let edge = |at: Option<u8>| at.is_none_or(|byte| byte == b'_' || byte == b'.');
        edge(start.checked_sub(1).map(|at| test.as_bytes()[at])) && edge(test.as_bytes().get(end).copied())
    };
    tables
        .iter()
        .filter_map(|(name, asset)| {
            let start =
                test.match_indices(name.as_str()).map(|(start, _)| start).find(|start| bounded(*start, name))?;
            Some((start, std::cmp::Reverse(name.len()), asset))
        })
        .min()
        .map(|(_, _, asset)| asset.clone())
}
