//! dbt's `manifest.json` of any 1.x version: models, seeds, snapshots, sources and exposures, with groups, owners in `meta`, and
//! what tests check. Metrics, semantic models, saved queries and functions are no assets, but edges lead through them. Only the needed keys are
//! read. Macros, which are most of the file, are skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{BadCatalog, Import, Unusable, bare, owner};
use crate::body;
use crate::domain::Pillar;
use crate::domain::lineage::names::clean;
use crate::domain::lineage::sighting::Sighting;
use crate::domain::lineage::{AssetKind, Check, Facts, Owner};

#[derive(Deserialize)]
struct Manifest {
    metadata: Metadata,
    #[serde(default)]
    nodes: Each<Node>,
    #[serde(default)]
    sources: Each<Node>,
    #[serde(default)]
    exposures: Each<Node>,
    #[serde(default)]
    groups: Each<Group>,
    #[serde(default)]
    unit_tests: Each<Between>,
    #[serde(default)]
    metrics: Each<Between>,
    #[serde(default)]
    semantic_models: Each<Between>,
    #[serde(default)]
    saved_queries: Each<Between>,
    #[serde(default)]
    functions: Each<Between>,
}

/// Resources by their ids. Each is read by itself, so that a bad one does not spoil the others.
struct Each<T> {
    read: BTreeMap<String, T>,
    bad: Vec<(String, String)>,
}

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self { read: BTreeMap::new(), bad: Vec::new() }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Resources<T>(PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for Resources<T> {
            type Value = Each<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("resources by their ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Each<T>, A::Error> {
                let mut each = Each::default();
                while let Some((id, one)) = all.next_entry::<String, Box<RawValue>>()? {
                    match serde_json::from_str(one.get()) {
                        Ok(one) => drop(each.read.insert(id, one)),
                        Err(error) => each.bad.push((id, error.to_string())),
                    }
                }
                Ok(each)
            }
        }
        deserializer.deserialize_map(Resources(PhantomData))
    }
}

/// A resource that is no asset, but stands between assets (a metric, a semantic model, a saved query, a function); or a unit test.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Between {
    depends_on: DependsOn,
    refs: Value,
    tested_node_unique_id: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    dbt_schema_version: String,
    project_name: Option<String>,
    project_id: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    #[serde(default)]
    owner: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Node {
    resource_type: String,
    database: Option<String>,
    schema: Option<String>,
    alias: Option<String>,
    identifier: Option<String>,
    relation_name: Option<String>,
    group: Option<String>,
    meta: Value,
    config: Config,
    owner: Value,
    url: Option<String>,
    tags: Value,
    attached_node: Option<String>,
    column_name: Option<String>,
    checksum: Value,
    original_file_path: Option<String>,
    description: Option<String>,
    #[serde(rename = "type")]
    exposure_type: Option<String>,
    depends_on: DependsOn,
    refs: Value,
    freshness: Value,
    test_metadata: Option<TestMetadata>,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    meta: Value,
    group: Option<String>,
    materialized: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DependsOn {
    nodes: Vec<String>,
}

#[derive(Deserialize)]
struct TestMetadata {
    name: String,
}

/// Reads a manifest.
///
/// # Errors
/// It is not a manifest, or one of dbt 0.x. The words are for the person who uploaded it.
pub fn read(bytes: &[u8]) -> Result<Import, BadCatalog> {
    let manifest: Manifest = body::json(bytes).map_err(|error| {
        BadCatalog(format!(
            "This is not a dbt manifest: {error}. Upload `target/manifest.json` as `dbt parse` or any run wrote it."
        ))
    })?;
    if !manifest.metadata.dbt_schema_version.contains("/manifest/") {
        return Err(BadCatalog(format!(
            "This is `{}`, not a manifest. Upload `target/manifest.json`.",
            manifest.metadata.dbt_schema_version
        )));
    }
    let project = manifest
        .metadata
        .project_name
        .clone()
        .or_else(|| project_of(&manifest))
        .or(manifest.metadata.project_id.clone())
        .unwrap_or_else(|| "project".to_owned());
    let source = format!("dbt:{project}");
    let mut sightings: BTreeMap<String, Sighting> = BTreeMap::new();
    // Two resources with the same relation (a seed that is also declared as a source) are one asset.
    let mut by_relation: BTreeMap<String, String> = BTreeMap::new();
    let assets = manifest.sources.read.iter().chain(&manifest.nodes.read).chain(&manifest.exposures.read);
    let edges = Edges::of(&manifest);
    for (id, node) in assets.filter(|(_, node)| kind(node).is_some()) {
        let parents = edges.assets(&node.depends_on.nodes, &node.refs);
        let sighting = sighting(id, node, &parents, &manifest.groups.read, &source);
        let relation = relation(node);
        let twin = relation.as_ref().and_then(|relation| by_relation.get(&relation.to_ascii_lowercase())).cloned();
        match twin.and_then(|twin| sightings.get_mut(&twin)) {
            Some(twin) => {
                twin.names.insert(1, id.clone());
                twin.parents.extend(sighting.parents);
                twin.facts.owners.extend(sighting.facts.owners);
            }
            None => {
                if let Some(relation) = relation {
                    by_relation.insert(relation.to_ascii_lowercase(), id.clone());
                }
                sightings.insert(id.clone(), sighting);
            }
        }
    }
    let mut checks = BTreeMap::new();
    for (id, test) in
        manifest.nodes.read.iter().filter(|(_, node)| matches!(node.resource_type.as_str(), "test" | "unit_test"))
    {
        // A relationships test depends on two models. It is about the one that it is attached to.
        let Some(about) = test.attached_node.as_ref().or(test.depends_on.nodes.first()) else {
            continue;
        };
        let pillar = pillar(test);
        if let Some(sighting) = sightings.get_mut(about) {
            sighting.facts.checks.push(pillar);
        }
        let meta = [&test.meta["owner"], &test.config.meta["owner"]].into_iter().find_map(Value::as_str);
        let owner = meta.and_then(|word| owner(word, false)).map(|owner| owner.name);
        checks.insert(id.clone(), Check { asset: clean(about), pillar, column: test.column_name.clone(), owner });
    }
    for (id, test) in &manifest.unit_tests.read {
        if let Some(about) = test.tested_node_unique_id.as_ref().or(test.depends_on.nodes.first()) {
            let check = Check { asset: clean(about), pillar: Pillar::Distribution, column: None, owner: None };
            checks.insert(id.clone(), check);
        }
    }
    Ok(Import {
        sightings: sightings.into_values().collect(),
        checks,
        unusable: unusable(&manifest),
        ..Import::default()
    })
}

/// The resources that could not be read.
fn unusable(manifest: &Manifest) -> Vec<Unusable> {
    let between = [
        ("unit_tests", &manifest.unit_tests),
        ("metrics", &manifest.metrics),
        ("semantic_models", &manifest.semantic_models),
        ("saved_queries", &manifest.saved_queries),
        ("functions", &manifest.functions),
    ];
    let nodes = [("nodes", &manifest.nodes), ("sources", &manifest.sources), ("exposures", &manifest.exposures)];
    let bad = nodes.iter().map(|(list, each)| (*list, &each.bad));
    let bad = bad.chain(between.iter().map(|(list, each)| (*list, &each.bad)));
    let bad =
        bad.chain([("groups", &manifest.groups.bad)]).flat_map(|(list, bad)| bad.iter().map(move |bad| (list, bad)));
    bad.map(|(list, (id, why))| Unusable { at: format!("/{list}/{id}"), why: why.clone() }).collect()
}

/// What depends on what.
struct Edges<'a> {
    /// What is no asset itself.
    between: BTreeMap<&'a str, &'a Between>,
    /// The assets that `ref('orders')` may mean.
    by_name: BTreeMap<&'a str, &'a str>,
}

impl<'a> Edges<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let lists = [&manifest.metrics, &manifest.semantic_models, &manifest.saved_queries, &manifest.functions];
        let between = lists.into_iter().flat_map(|list| &list.read).map(|(id, one)| (id.as_str(), one)).collect();
        let nodes = manifest.nodes.read.iter().filter(|(_, node)| kind(node).is_some());
        Self { between, by_name: nodes.map(|(id, node)| (node.name.as_str(), id.as_str())).collect() }
    }

    /// The nearest assets that something is made of: metrics, semantic models, saved queries and functions are walked through.
    fn assets(&self, depends_on: &[String], refs: &Value) -> Vec<String> {
        let (mut seen, mut assets) = (BTreeSet::new(), Vec::new());
        let mut waiting = self.direct(depends_on, refs);
        while let Some(id) = waiting.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            match self.between.get(id.as_str()) {
                Some(between) => waiting.extend(self.direct(&between.depends_on.nodes, &between.refs)),
                None if matches!(id.split('.').next(), Some("model" | "seed" | "snapshot" | "source")) => {
                    assets.push(id)
                }
                None => {}
            }
        }
        assets.sort();
        assets
    }

    /// What it depends on, by ids. If dbt did not resolve that, the names in `refs` say it.
    fn direct(&self, depends_on: &[String], refs: &Value) -> Vec<String> {
        if !depends_on.is_empty() {
            return depends_on.to_vec();
        }
        let refs = refs.as_array().into_iter().flatten();
        // An object, or a list that ends with the name.
        let name =
            |one: &'_ Value| one["name"].as_str().or_else(|| one.as_array()?.last()?.as_str()).map(str::to_owned);
        refs.filter_map(|one| Some((*self.by_name.get(name(one)?.as_str())?).to_owned())).collect()
    }
}

fn project_of(manifest: &Manifest) -> Option<String> {
    let id = manifest.nodes.read.keys().find(|id| id.starts_with("model."))?;
    id.split('.').nth(1).map(str::to_owned)
}

fn kind(node: &Node) -> Option<AssetKind> {
    match node.resource_type.as_str() {
        "model" => Some(AssetKind::Model),
        "seed" | "snapshot" => Some(AssetKind::Table),
        "source" => Some(AssetKind::Source),
        "exposure" if node.exposure_type.as_deref() == Some("ml") => Some(AssetKind::Ml),
        "exposure" => Some(AssetKind::Dashboard),
        _ => None,
    }
}

fn relation(node: &Node) -> Option<String> {
    if let Some(relation) = &node.relation_name {
        return Some(clean(relation));
    }
    // An ephemeral model is not a table. Older manifests name no relation.
    if node.resource_type == "exposure" || node.config.materialized.as_deref() == Some("ephemeral") {
        return None;
    }
    let table = node.identifier.as_ref().or(node.alias.as_ref()).unwrap_or(&node.name);
    let schema = node.schema.as_ref().filter(|schema| !schema.is_empty())?;
    let database = node.database.as_ref().filter(|database| !database.is_empty());
    let parts: Vec<_> = database.into_iter().chain([schema, table]).map(String::as_str).collect();
    Some(clean(&parts.join(".")))
}

fn sighting(id: &str, node: &Node, parents: &[String], groups: &BTreeMap<String, Group>, source: &str) -> Sighting {
    let meta = |key: &str| {
        [&node.meta, &node.config.meta].into_iter().map(|meta| &meta[key]).find(|value| !value.is_null()).cloned()
    };
    let tier = meta("tier").and_then(|tier| tier.as_u64().or_else(|| tier.as_str()?.trim().parse().ok()));
    let words = |key: &str| meta(key).and_then(|value| value.as_str().map(str::to_owned));
    let tags: Vec<&str> = match &node.tags {
        Value::Array(tags) => tags.iter().filter_map(Value::as_str).collect(),
        Value::String(tag) => vec![tag],
        _ => Vec::new(),
    };
    let sla = words("sla").or_else(|| tags.iter().find_map(|tag| tag.strip_prefix("sla-")).map(str::to_owned));
    let mut names = vec![clean(id)];
    names.extend(relation(node));
    Sighting {
        names,
        namespace: None,
        source: source.to_owned(),
        whole: true,
        facts: Facts {
            kind: kind(node).unwrap_or_default(),
            tier: tier.and_then(|tier| u8::try_from(tier).ok()).filter(|tier| (1..=4).contains(tier)),
            owners: owners(node, groups, &meta),
            checks: if node.freshness.is_null() { Vec::new() } else { vec![Pillar::Freshness] },
            sla,
            description: node.description.clone().filter(|text| !text.trim().is_empty()).map(|text| short(&text)),
            docs: words("docs"),
            code: words("code").or_else(|| node.original_file_path.clone()),
            url: node.url.clone(),
            fingerprint: node.checksum["checksum"]
                .as_str()
                .filter(|sum| !sum.is_empty())
                .map(|sum| sum.chars().take(16).collect()),
            ..Facts::default()
        },
        parents: parents.iter().map(|parent| (vec![clean(parent)], None)).collect(),
    }
}

fn short(text: &str) -> String {
    text.trim().chars().take(500).collect()
}

/// Owners from the group and from `meta`. The group says how to reach its owner; `meta` has the name that people use for the team.
fn owners(node: &Node, groups: &BTreeMap<String, Group>, meta: &dyn Fn(&str) -> Option<Value>) -> Vec<Owner> {
    let mut owners = Vec::new();
    let named = |word: &str| {
        let group = groups.values().find(|group| group.name.eq_ignore_ascii_case(bare(word)));
        group.map(|group| from_value(&group.owner, &group.name))
    };
    let each = |words: &[Value], consumer: bool| -> Vec<Owner> {
        words.iter().filter_map(Value::as_str).filter_map(|word| owner(word, consumer)).collect()
    };
    owners.extend(node.group.as_ref().or(node.config.group.as_ref()).and_then(|name| named(name)));
    if node.owner.is_object() {
        owners.push(from_value(&node.owner, "owner"));
    }
    if owners.is_empty() {
        let channel = meta("channel").or_else(|| meta("slack")).and_then(|value| value.as_str().map(str::to_owned));
        match meta("owner") {
            Some(fields @ Value::Object(_)) => owners.push(from_value(&fields, "owner")),
            // A group says how to reach its owner.
            Some(Value::String(word)) => owners.extend(named(&word).or_else(|| {
                let owner = owner(&word, false)?;
                Some(Owner { slack: channel.or(owner.slack), ..owner })
            })),
            Some(Value::Array(words)) => owners.extend(each(&words, false)),
            _ => {}
        }
    }
    if let Some(Value::Array(words)) = meta("subscribers") {
        owners.extend(each(&words, true));
    }
    owners.retain(|owner| !owner.name.is_empty());
    owners
}

fn from_value(value: &Value, fallback: &str) -> Owner {
    let text = |key: &str| value[key].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    // dbt 1.10 allows several addresses.
    let email = text("email").or_else(|| value["email"][0].as_str().map(str::to_owned));
    let slack = text("slack").or_else(|| text("slack_channel"));
    let name = text("name").or_else(|| email.clone()).unwrap_or_else(|| fallback.to_owned());
    Owner { name, slack, email, consumer: false }
}

/// The pillar of a test, from the name of its macro.
fn pillar(test: &Node) -> Pillar {
    let name = test.test_metadata.as_ref().map_or(test.name.as_str(), |test| test.name.as_str());
    Pillar::of_check(name).unwrap_or(Pillar::Distribution)
}
