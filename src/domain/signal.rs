//! What a monitor says about an asset. The room `monitors` knows how each monitor spells it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use crate::domain::worded;

/// The name of an asset, `namespace.name`, as the monitor wrote it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, derive_more::Display,
)]
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

worded! {
    /// What is wrong with the data.
    #[derive(Default)]
    pub enum Pillar {
        /// The data is late or missing.
        Freshness = "freshness": "Freshness: it is late or stale",
        /// Too few or too many rows.
        Volume = "volume": "Volume: too much or too little of it",
        /// Columns or types changed.
        Schema = "schema": "Schema: columns or types changed",
        /// Values outside their usual range.
        Distribution = "distribution": "Distribution: values are wrong",
        Pipeline = "pipeline": "Pipeline: a job failed",
        /// None of these, or nobody said.
        #[default]
        #[serde(other)]
        Other = "other": "Something else, or not known yet",
    }
}

impl Pillar {
    /// The pillar that somebody wrote into a file.
    ///
    /// # Errors
    /// It is a slip. The words say which pillars there are.
    pub fn known(word: &str) -> Result<Self, String> {
        let all = || Self::ALL.map(Self::as_str).join(", ");
        Self::parse(word).ok_or_else(|| format!("“{word}” is no pillar; there are {}", all()))
    }
}

worded! {
    /// The level that the monitor gave, in the words of the PagerDuty Events API. The policy turns it into a severity.
    #[derive(Default)]
    pub enum Level {
        /// Nobody needs to act now.
        Info = "info" | "low" | "none" | "notice" | "p4" | "p5",
        /// Someone should look in working hours.
        Warning = "warning" | "warn" | "medium" | "minor" | "p3",
        #[default]
        Error = "error" | "high" | "major" | "p2",
        /// Something that matters to many is broken.
        Critical = "critical" | "fatal" | "page" | "emergency" | "crit" | "p1",
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

impl SignalStatus {
    pub fn resolved_if(over: bool) -> Self {
        if over { Self::Resolved } else { Self::Firing }
    }
}

/// What a monitor said, in Muster's own form. Every intake kind is translated into it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Signal {
    pub source: String,
    /// The status of this alert, not of the webhook that carried it.
    pub status: SignalStatus,
    /// Signals with the same source and key are one alert.
    pub key: String,
    pub title: String,
    /// The asset, if the monitor named one.
    pub asset: Option<AssetName>,
    pub pillar: Pillar,
    pub level: Level,
    pub owner: Option<String>,
    pub url: Option<String>,
    /// The monitor's labels, for runbooks and rules.
    pub labels: BTreeMap<String, String>,
    /// When it began, by the monitor's clock. At its end: when it ended.
    #[schema(value_type = DateTime)]
    pub at: Time,
    /// More words, if there are any.
    pub description: Option<String>,
    /// Why its end is no recovery: the monitor only stopped to watch, or somebody put it aside.
    #[serde(default)]
    pub unrecovered: Option<String>,
    /// What the monitor did not send with it, in words.
    #[serde(default)]
    pub left_out: Option<String>,
    /// Whether it is only taken to be over, because nobody repeated it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lapsed: bool,
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
            unrecovered: None,
            left_out: None,
            lapsed: false,
        }
    }
}
