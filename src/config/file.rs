//! `muster.toml` as a whole.

use serde::{Deserialize, Serialize};

use super::{
    ApiTokenConfig, Folder, Heartbeat, Intake, Lineage, Log, Mail, PagerDuty, PermissionsConfig, RotationConfig,
    RouteConfig, Secrets, Server, ServiceConfig, Slack, Source, StoreConfig, TeamConfig, TriageConfig, Updates,
    WindowConfig,
};

/// The file, key by key. Every key has a default, except the names in lists.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub store: StoreConfig,
    pub slack: Slack,
    pub pagerduty: PagerDuty,
    /// The folder of runbooks that replace or join the shipped ones.
    pub runbooks: Folder,
    /// The folder of message templates that replace the shipped ones.
    pub message_templates: Folder,
    /// Assets, and what they are made of.
    pub lineage: Lineage,
    pub intake: Intake,
    pub triage: TriageConfig,
    pub updates: Updates,
    pub permissions: PermissionsConfig,
    pub mail: Mail,
    pub log: Log,
    pub sources: Vec<Source>,
    /// What becomes of alerts. The first route that matches counts.
    pub routes: Vec<RouteConfig>,
    /// Times of the week when some alerts open nothing.
    pub maintenance: Vec<WindowConfig>,
    /// Signs of life that must come again and again.
    pub heartbeats: Vec<Heartbeat>,
    pub services: Vec<ServiceConfig>,
    pub teams: Vec<TeamConfig>,
    pub rotations: Vec<RotationConfig>,
    /// Who may use the API, and for what.
    pub api_tokens: Vec<ApiTokenConfig>,
    /// Secrets. They are never in the file.
    #[serde(skip)]
    pub secrets: Secrets,
    /// What is wrong with variables that are called like Muster's and that nothing reads, a sentence each.
    #[serde(skip)]
    pub unread_variables: Vec<String>,
}

impl Config {
    /// The source of this name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}
