//! What the catalog keeps about one asset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::worded;
use crate::domain::{Pillar, Time};

/// A day, counted from 2020-01-01 UTC. Repeated sightings are written at most once a day.
pub type Day = u16;

/// The day of a moment. 0 if it was before 2020.
pub fn day(at: Time) -> Day {
    const FIRST: i64 = 18_262;
    u16::try_from(at.timestamp().div_euclid(86_400) - FIRST).unwrap_or(0)
}

worded! {
    /// What an asset is. Catalogs spell it in several ways.
    #[derive(Default)]
    pub enum AssetKind {
        /// Data that comes from outside.
        Source = "source",
        /// A table, view, file or topic.
        Table = "table" | "view" | "file" | "topic" | "seed" | "snapshot",
        /// A table or view that is made by a transformation we know.
        Model = "model",
        Job = "job" | "task" | "pipeline",
        Dashboard = "dashboard" | "notebook" | "analysis" | "application" | "report",
        /// A trained model, its features or its predictions.
        Ml = "ML output" | "ml" | "ml_output",
        /// Only its name is known.
        #[default]
        #[serde(other)]
        Unknown = "asset" (shown),
    }
}

impl AssetKind {
    /// Whether people use it directly. In the end, a blast radius is about these.
    pub fn is_consumer(self) -> bool {
        matches!(self, Self::Dashboard | Self::Ml)
    }
}

/// Somebody who is responsible for an asset, or who uses it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Owner {
    /// The team's or person's name.
    pub name: String,
    /// A `#channel`, `C…`, `U…` or `S…`.
    pub slack: Option<String>,
    pub email: Option<String>,
    /// Uses it, but is not responsible for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub consumer: bool,
}

/// An edge to a parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent's name, as this source says it.
    pub from: String,
    /// When this source first said so.
    pub first: Day,
    /// When it last said so.
    pub last: Day,
}

/// What one source says about an asset.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub kind: AssetKind,
    /// 1 matters most, 4 least.
    pub tier: Option<u8>,
    /// Its owners and users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Pillar>,
    /// What was promised for it, in words.
    pub sla: Option<String>,
    pub description: Option<String>,
    pub docs: Option<String>,
    pub code: Option<String>,
    pub url: Option<String>,
    /// A fingerprint of its code or its columns. If it differs, they have changed.
    pub fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    pub seen: Day,
}

/// One asset, as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    pub name: String,
    /// The namespace in which that name is unique, as OpenLineage says it: `snowflake://acme`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What each source says: `yaml`, `dbt:shop`, `openlineage`.
    pub facts: BTreeMap<String, Facts>,
}

/// How sure a source is. The surer one counts. A person wrote the YAML, dbt knows its project, and a run event has only seen
/// something pass.
pub(super) fn strength(source: &str) -> u8 {
    match source.split(':').next().unwrap_or_default() {
        "yaml" => 3,
        "dbt" => 2,
        _ => 1,
    }
}

impl Asset {
    /// An asset with only a name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), namespace: None, aliases: Vec::new(), facts: BTreeMap::new() }
    }

    /// What the sources say, the surest first.
    pub fn facts_by_strength(&self) -> Vec<(&str, &Facts)> {
        let mut facts: Vec<_> = self.facts.iter().map(|(source, facts)| (source.as_str(), facts)).collect();
        facts.sort_by_key(|(source, _)| std::cmp::Reverse(strength(source)));
        facts
    }

    fn first<T>(&self, of: impl Fn(&Facts) -> Option<T>) -> Option<T> {
        self.facts_by_strength().into_iter().find_map(|(_, facts)| of(facts))
    }

    pub fn kind(&self) -> AssetKind {
        self.first(|facts| (facts.kind != AssetKind::Unknown).then_some(facts.kind)).unwrap_or_default()
    }

    /// Its tier. Tier 1 matters most.
    pub fn tier(&self) -> Option<u8> {
        self.first(|facts| facts.tier)
    }

    /// What was promised for it.
    pub fn sla(&self) -> Option<String> {
        self.first(|facts| facts.sla.clone())
    }

    pub fn description(&self) -> Option<String> {
        self.first(|facts| facts.description.clone())
    }

    /// Its links, with the names of their targets.
    pub fn links(&self) -> Vec<(&'static str, String)> {
        [
            ("open", self.first(|facts| facts.url.clone())),
            ("documentation", self.first(|facts| facts.docs.clone())),
            ("code", self.first(|facts| facts.code.clone())),
        ]
        .into_iter()
        .filter_map(|(what, url)| Some((what, url?)))
        .collect()
    }

    /// Its owners and users, each once.
    pub fn owners(&self) -> Vec<Owner> {
        let mut owners: Vec<Owner> = Vec::new();
        for owner in self.facts_by_strength().into_iter().flat_map(|(_, facts)| &facts.owners) {
            if !owners.iter().any(|known| known.name.eq_ignore_ascii_case(&owner.name)) {
                owners.push(owner.clone());
            }
        }
        owners
    }

    /// The checks on it.
    pub fn checks(&self) -> Vec<Pillar> {
        let mut checks: Vec<_> = self.facts.values().flat_map(|facts| facts.checks.iter().copied()).collect();
        checks.sort();
        checks.dedup();
        checks
    }

    /// Its parents from all sources, each once, with the last day on which any source saw the edge.
    pub fn parents(&self) -> BTreeMap<&str, Day> {
        let mut parents: BTreeMap<&str, Day> = BTreeMap::new();
        for parent in self.facts.values().flat_map(|facts| &facts.parents) {
            let last = parents.entry(&parent.from).or_default();
            *last = (*last).max(parent.last);
        }
        parents
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// The subject of a check, as the catalog was told.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub asset: String,
    pub pillar: Pillar,
    pub column: Option<String>,
    pub owner: Option<String>,
}

/// Something that happened to an asset lately and may have broken it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    pub what: ChangeKind,
    #[schema(value_type = DateTime)]
    pub at: Time,
    /// In a few words: the error, the commit, the columns.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

worded! {
    /// What can happen to an asset.
    pub enum ChangeKind {
        Ran = "ran",
        RunFailed = "a run failed",
        Code = "its code changed",
        Schema = "its columns changed",
    }
}
