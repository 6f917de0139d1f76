//! `[[sources]]` of `muster.toml`: monitors, and where the fields of their bodies are.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::policy::OnGreen;
use crate::domain::{Level, Pillar};

/// `[[sources]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name, which is part of its address, `/hooks/{name}`.
    pub name: String,
    pub kind: SourceKind,
    /// The variable that holds its token; during a rotation, two tokens, separated by a comma.
    pub token_env: Option<String>,
    /// The variable that holds the secret that signs its bodies; during a rotation, two. If it is set, only a signature counts.
    pub secret_env: Option<String>,
    /// The header with the signature, if it is not the usual one of the kind.
    pub signature_header: Option<String>,
    /// The header with the time, if the time is signed too.
    pub timestamp_header: Option<String>,
    /// SNS: the ARNs of trusted topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// SNS: fetch certificates and confirm subscriptions here instead of at Amazon; for tests and private partitions.
    pub aws_url: Option<String>,
    /// Requests per minute. More are asked to come again later.
    pub rate_per_minute: Option<u32>,
    /// An alert that is not repeated for this many minutes counts as over; without it, never.
    pub resolve_after_minutes: Option<u32>,
    /// What happens when no alert of an incident fires any more.
    #[serde(default)]
    pub on_green: OnGreen,
    #[serde(default, skip_serializing_if = "SourceWords::is_empty")]
    pub words: SourceWords,
    /// Where the fields are, for bodies of any other shape.
    pub mapping: Option<Mapping>,
}

impl Source {
    pub fn named(name: &str, kind: SourceKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            token_env: None,
            secret_env: None,
            signature_header: None,
            timestamp_header: None,
            topics: Vec::new(),
            aws_url: None,
            rate_per_minute: None,
            resolve_after_minutes: None,
            on_green: OnGreen::default(),
            words: SourceWords::default(),
            mapping: None,
        }
    }
}

/// Words of a monitor, in addition to those that its kind knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceWords {
    pub severity: BTreeMap<String, Level>,
    /// Parts of a check's name that tell its pillar.
    pub pillar: BTreeMap<String, Pillar>,
    /// Labels that name the asset. The first one that is found is used.
    pub asset_labels: Vec<String>,
    pub owner_labels: Vec<String>,
}

impl SourceWords {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The known formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Airflow,
    /// Prometheus Alertmanager's webhook, version 4.
    Alertmanager,
    /// `CloudEvents` 1.0.
    Cloudevents,
    Dagster,
    /// Datadog's webhook with our template.
    Datadog,
    /// dbt's `run_results.json` and `sources.json`.
    DbtArtifacts,
    DbtCloud,
    Elementary,
    Gcp,
    /// Our own fields, or any JSON with a mapping.
    Generic,
    Grafana,
    GreatExpectations,
    MonteCarlo,
    /// `OpenLineage` events.
    Openlineage,
    /// Any client of PagerDuty's Events API v2. It posts to `/v2/enqueue` with its token as routing key.
    PagerdutyV2,
    Prefect,
    Sentry,
    /// `CloudWatch` alarms through Amazon SNS.
    Sns,
    /// Soda Core's scan results, or Soda Cloud's webhook.
    Soda,
}

impl SourceKind {
    /// Whether it says by itself, and soon, that something is over. With other kinds, an alert that fired once may have ended long ago.
    pub fn says_when_over(self) -> bool {
        matches!(self, Self::Alertmanager | Self::Datadog | Self::Gcp | Self::Grafana | Self::MonteCarlo | Self::Sns)
    }
}

/// JSON pointers (RFC 6901) to the fields of a body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// To a list. The other pointers are relative to its members. Without it, a body is one alert.
    pub each: Option<String>,
    /// To one line for people. It is required.
    pub title: String,
    /// To the key: alerts with the same key are one alert.
    pub key: Option<String>,
    pub status: Option<String>,
    /// The values of the status that mean "over", in lower case.
    pub resolved_values: Vec<String>,
    pub asset: Option<String>,
    pub pillar: Option<String>,
    /// The pillar if the body names none.
    #[serde(deserialize_with = "known_pillar")]
    pub default_pillar: Option<Pillar>,
    pub severity: Option<String>,
    pub owner: Option<String>,
    pub url: Option<String>,
    pub at: Option<String>,
    pub description: Option<String>,
    pub labels: BTreeMap<String, String>,
}

fn known_pillar<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Pillar>, D::Error> {
    let word = Option::<String>::deserialize(from)?;
    word.map(|word| Pillar::known(&word).map_err(D::Error::custom)).transpose()
}

impl Mapping {
    pub(super) fn pointers(&self) -> impl Iterator<Item = &str> {
        [
            &self.each,
            &self.key,
            &self.status,
            &self.asset,
            &self.pillar,
            &self.severity,
            &self.owner,
            &self.url,
            &self.at,
            &self.description,
        ]
        .into_iter()
        .flatten()
        .chain(std::iter::once(&self.title))
        .chain(self.labels.values())
        .map(String::as_str)
    }
}
