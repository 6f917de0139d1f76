//! What a monitor says about an asset. The room `monitors` knows how each monitor spells it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use super::Time;

/// The name of an asset, `namespace.name`, as the monitor wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AssetName(String);

impl AssetName {
    /// The most characters of a name that are kept.
    pub const MAX_CHARS: usize = 255;

    /// Trims the name and cuts it to [`Self::MAX_CHARS`]. `None` if nothing is left.
    pub fn new(name: &str) -> Option<Self> {
        let name: String = name.trim().chars().filter(|c| !c.is_control()).take(Self::MAX_CHARS).collect();
        (!name.is_empty()).then_some(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with the data.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, IntoStaticStr, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Pillar {
    /// The data is late or missing.
    Freshness,
    /// Too few or too many rows.
    Volume,
    /// Columns or types changed.
    Schema,
    /// Values outside their usual range.
    Distribution,
    Pipeline,
    /// None of these, or nobody said.
    #[default]
    #[serde(other)]
    Other,
}

impl Pillar {
    /// Every pillar, in the order people read them.
    pub const ALL: [Self; 6] =
        [Self::Freshness, Self::Volume, Self::Schema, Self::Distribution, Self::Pipeline, Self::Other];

    /// The word people and configuration use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What it means, for the menu in which people choose one.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Freshness => "Freshness: it is late or stale",
            Self::Volume => "Volume: too much or too little of it",
            Self::Schema => "Schema: columns or types changed",
            Self::Distribution => "Distribution: values are wrong",
            Self::Pipeline => "Pipeline: a job failed",
            Self::Other => "Something else, or not known yet",
        }
    }

    /// Finds the pillar of a check by the words that tools use in names and kinds of checks.
    pub fn of_check(name: &str) -> Option<Self> {
        #[rustfmt::skip]
        const WORDS: &[(Pillar, &[&str])] = &[
            (Pillar::Freshness, &["fresh", "recency", "stale", "timeliness", "max_loaded", "update time",
                "late arriv", "tableage", "table_age"]),
            (Pillar::Schema, &["schema", "column_to_exist", "column_count", "column_type", "columns_to_match",
                "type_list", "to_be_of_type"]),
            (Pillar::Volume, &["row_count", "row count", "rowcount", "volume", "count_to_equal", "table size",
                "cardinality_equality", "size_anomal"]),
            (Pillar::Distribution, &["null", "unique", "accepted_values", "between", "distribution", "anomal",
                "duplicate", "missing_", "invalid_", "regex", "relationship", "in_set", "negative", "dimension",
                "field_quality", "avg(", "min(", "max("]),
        ];
        let name = name.to_lowercase();
        WORDS.iter().find(|(_, words)| words.iter().any(|word| name.contains(word))).map(|(pillar, _)| *pillar)
    }

    /// Finds the pillar by its word, in upper or lower case. `None` if the word is no pillar.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pillar| pillar.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

/// The level that the monitor gave. The policy turns it into a severity.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, IntoStaticStr, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Level {
    /// Nobody needs to act now.
    Info,
    /// Someone should look in working hours.
    Warning,
    #[default]
    Error,
    /// Something that matters to many is broken.
    Critical,
}

impl Level {
    /// The word of the PagerDuty Events API. Muster uses the same words.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Understands the words monitors use: `page` and `fatal` are critical, `warn` is a warning, `high` an error.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" | "fatal" | "page" | "emergency" | "crit" | "p1" => Some(Self::Critical),
            "error" | "high" | "major" | "p2" => Some(Self::Error),
            "warning" | "warn" | "medium" | "minor" | "p3" => Some(Self::Warning),
            "info" | "low" | "none" | "notice" | "p4" | "p5" => Some(Self::Info),
            _ => None,
        }
    }
}

/// Whether something is wrong, or right again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalStatus {
    /// The monitor sees the problem.
    #[default]
    Firing,
    /// The monitor no longer sees it.
    Resolved,
}

/// What a monitor said, in Muster's own form. Every intake kind is translated into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Signal {
    pub source: String,
    /// The status of this alert, not of the webhook that carried it.
    pub status: SignalStatus,
    /// Signals with the same source and key are one alert.
    pub key: String,
    pub title: String,
    /// The asset, if the monitor named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetName>,
    pub pillar: Pillar,
    pub level: Level,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The monitor's labels, for runbooks and rules.
    pub labels: BTreeMap<String, String>,
    /// When it began, by the monitor's clock.
    #[schema(value_type = DateTime)]
    pub at: Time,
    /// More words, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Signal {
    /// A firing signal with only these facts.
    pub fn new(source: &str, key: &str, title: &str, at: Time) -> Self {
        Self {
            source: source.to_owned(),
            status: SignalStatus::Firing,
            key: key.to_owned(),
            title: title.to_owned(),
            asset: None,
            pillar: Pillar::Other,
            level: Level::Error,
            owner: None,
            url: None,
            labels: BTreeMap::new(),
            at,
            description: None,
        }
    }
}
