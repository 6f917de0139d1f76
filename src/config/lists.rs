//! The lists of `muster.toml` except the sources: rotations, routes, windows, heartbeats, tokens, services, teams.

use serde::{Deserialize, Serialize};

use super::SeverityName;
use crate::domain::matcher::Matcher;
use crate::domain::rotation::{Override, Turn};
use crate::domain::route::RouteAction;
use crate::domain::worded;
use crate::domain::{Level, Role, UserId};

/// `[[rotations]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationConfig {
    pub name: String,
    /// The role that people on duty are asked to take.
    #[serde(default = "RotationConfig::commander")]
    pub role: Role,
    /// For which services; without it, for all.
    #[serde(default)]
    pub services: Vec<String>,
    /// The id of a schedule in PagerDuty. This needs `MUSTER_PAGERDUTY__API_TOKEN`.
    pub pagerduty_schedule: Option<String>,
    /// A user group of Slack, `S…`.
    pub slack_group: Option<String>,
    /// People who take turns, `U…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<UserId>,
    /// How long a turn is: hour, day, week.
    pub every: Option<Turn>,
    /// When the first turn begins, `2026-11-23T09:00:00`.
    pub start: Option<chrono::NaiveDateTime>,
    #[serde(default)]
    pub zone: chrono_tz::Tz,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

impl RotationConfig {
    fn commander() -> Role {
        Role::Commander
    }
}

/// `[[routes]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    pub name: String,
    /// Which alerts, as a matcher; without it, all.
    #[serde(rename = "match")]
    pub matcher: Option<Matcher>,
    /// The service to page instead of the asset's own.
    pub service: Option<String>,
    pub severity: Option<SeverityName>,
    /// "open" an incident, "ask" with a card, or "ignore".
    #[serde(default)]
    pub action: RouteAction,
    /// Where to post the card instead of the announcement channel.
    pub channel: Option<String>,
    /// Teams (`[[teams]]`) to invite and tell, besides the service's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// How long to wait whether the alert goes away, in minutes.
    #[serde(default)]
    pub pending_minutes: u32,
}

/// `[[maintenance]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowConfig {
    pub name: String,
    #[serde(rename = "match")]
    pub matcher: Matcher,
    /// Days on which it begins: "mon", "tue", …; without it, every day.
    #[serde(default)]
    pub days: Vec<chrono::Weekday>,
    /// When it begins, `22:00`.
    pub from: String,
    /// When it ends. A time at or before `from` means the next day.
    pub to: String,
    /// The time zone, `Europe/Berlin`.
    #[serde(default)]
    pub zone: chrono_tz::Tz,
    #[serde(default)]
    pub reason: String,
}

/// `[[heartbeats]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// The source that posts it, to `/hooks/{source}/heartbeat/{name}`.
    pub source: String,
    pub name: String,
    /// How often it must come, in minutes.
    pub every_minutes: u32,
    /// How late it may come, in minutes.
    #[serde(default)]
    pub grace_minutes: u32,
    pub asset: Option<String>,
    /// How bad it is if it does not come.
    #[serde(default)]
    pub severity: Level,
}

/// `[[api_tokens]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiTokenConfig {
    /// Who has it. The log and refusals show this name.
    pub name: String,
    pub token_env: String,
    pub scopes: Vec<Scope>,
}

worded! {
    /// What a token of the API allows.
    pub enum Scope {
        /// Reading incidents, assets, silences and what monitors posted.
        Read = "read",
        /// Making and ending silences.
        Write = "write",
        /// Posting lineage and catalogs, and asking whether an asset can be trusted.
        Catalog = "catalog",
    }
}

/// `[[services]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Its name, for `/incident page <service>`.
    pub name: String,
    /// Globs of the assets that it answers for.
    #[serde(default)]
    pub assets: Vec<String>,
    pub owner: Option<String>,
    /// The variable that holds its routing key; without it, the default key is used.
    pub routing_key_env: Option<String>,
    pub page_from: Option<SeverityName>,
    /// The tier of its assets; 1 makes incidents one severity worse.
    pub tier: Option<u8>,
    /// The service's id in PagerDuty. With it, a policy and an API token, pages to single people go through the REST API.
    pub pagerduty_service_id: Option<String>,
    pub escalation_policy_id: Option<String>,
}

/// `[[teams]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamConfig {
    /// Its name, for `owner`.
    pub name: String,
    /// A user group `S…`, people `U…` separated by commas, or a `#channel` to tell.
    #[serde(default)]
    pub slack: String,
    pub email: Option<String>,
}
