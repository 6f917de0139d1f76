//! The configuration, key by key: `muster.toml`, overridden by `MUSTER_SECTION__KEY` variables. Secrets come from variables only.

mod file;
mod lists;
mod mistakes;
mod parse;
mod secrets;
mod sections;
mod sources;
mod to_policy;
mod validate;
mod variables;

pub use file::Config;
pub use lists::{
    ApiTokenConfig, Heartbeat, RotationConfig, RouteConfig, Scope, ServiceConfig, TeamConfig, WindowConfig,
};
pub use mistakes::ConfigError;
pub use secrets::{ApiToken, Secrets};
pub use sections::{
    EngineName, Folder, Intake, Lineage, Log, Mail, NamingRule, PagerDuty, PermissionsConfig, Server, SeverityName,
    Slack, SlackMode, StoreConfig, TriageConfig, Updates,
};
pub use sources::{Mapping, Source, SourceKind, SourceWords};
pub use variables::{Variables, process_variables};
