//! `muster.toml` as a whole.

use serde::{Deserialize, Serialize};

use super::{
    ApiTokenConfig, Folder, Heartbeat, Intake, Lineage, Log, Mail, PagerDuty, PermissionsConfig, RotationConfig,
    RouteConfig, Secrets, Server, ServiceConfig, Slack, Source, StoreConfig, TeamConfig, TriageConfig, Updates,
    WindowConfig,
};

/// The file, key by key. Every key has a default but the names in lists.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where Muster listens.
    pub server: Server,
    /// Where it keeps everything.
    pub store: StoreConfig,
    /// The workspace.
    pub slack: Slack,
    /// The pager.
    pub pagerduty: PagerDuty,
    /// The folder of runbooks that replace or join the shipped ones.
    pub runbooks: Folder,
    /// The folder of message templates that replace the shipped ones.
    pub message_templates: Folder,
    /// Assets and what they are made of.
    pub lineage: Lineage,
    /// What monitors post.
    pub intake: Intake,
    /// How alerts become incidents.
    pub triage: TriageConfig,
    /// When people are reminded of updates.
    pub updates: Updates,
    /// Who may do what.
    pub permissions: PermissionsConfig,
    /// E-mail.
    pub mail: Mail,
    /// Logs.
    pub log: Log,
    /// Monitors.
    pub sources: Vec<Source>,
    /// What becomes of alerts; the first that matches counts.
    pub routes: Vec<RouteConfig>,
    /// When some alerts open nothing, every week.
    pub maintenance: Vec<WindowConfig>,
    /// What must be heard of again and again.
    pub heartbeats: Vec<Heartbeat>,
    /// What is paged for what.
    pub services: Vec<ServiceConfig>,
    /// Who is invited.
    pub teams: Vec<TeamConfig>,
    /// Who is on duty.
    pub rotations: Vec<RotationConfig>,
    /// Who may use the API, and for what.
    pub api_tokens: Vec<ApiTokenConfig>,
    /// Secrets; never in the file.
    #[serde(skip)]
    pub secrets: Secrets,
}
