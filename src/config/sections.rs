//! The tables of `muster.toml`: one section each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::Severity;
use crate::domain::permission::{Verb, Who};
use crate::telemetry::LogFormat;

/// `[server]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub listen: SocketAddr,
    /// How people and services reach Muster from outside.
    pub public_url: String,
    /// Tells this Muster's pages from another's in one PagerDuty account.
    pub instance: String,
    /// The largest body of a monitor, in KiB.
    pub body_limit_kib: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: "http://127.0.0.1:8080".to_owned(),
            instance: "muster".to_owned(),
            body_limit_kib: 512,
        }
    }
}

/// `[store]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    pub engine: EngineName,
    pub path: PathBuf,
    /// The variable that holds the address of the PostgreSQL database.
    pub url_env: String,
    /// How often the embedded engine makes a backup of itself, in hours; 0 is never.
    pub backup_every_hours: u32,
    pub backup_keep: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            engine: EngineName::Sled,
            path: PathBuf::from("data"),
            url_env: "DATABASE_URL".to_owned(),
            backup_every_hours: 24,
            backup_keep: 7,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    Sled,
    Postgres,
}

/// `[slack]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    pub mode: SlackMode,
    pub api_url: String,
    /// The channel, without `#`, where every incident gets a line; empty for none.
    pub announce_channel: String,
    /// How an incident's channel is named: {{number}}, {{title}}, {{date}}, {{severity}} and {{service}} are put in, and what Slack
    /// does not take is left out.
    pub channel_name: String,
    /// So many days after its review (or its end, where there is nothing to review) an incident's channel is archived; 0 for never.
    pub archive_after_days: u16,
    /// Our workspace; requests of others are refused.
    pub team_id: String,
    /// Our app; requests of others are refused. Empty accepts any app of the workspace.
    pub app_id: String,
    /// How long a call to Slack may take, in seconds.
    pub timeout_seconds: u64,
    /// How many messages of a channel's history are asked for at once.
    pub history_page: u16,
}

impl Default for Slack {
    fn default() -> Self {
        Self {
            mode: SlackMode::Http,
            api_url: "https://slack.com/api".to_owned(),
            announce_channel: "data-incidents".to_owned(),
            channel_name: "inc-{{number}}-{{title}}".to_owned(),
            archive_after_days: 0,
            team_id: String::new(),
            app_id: String::new(),
            timeout_seconds: 10,
            history_page: 200,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackMode {
    /// Slack calls our public address.
    Http,
    /// We open a connection to Slack, with the app's own token; nothing of ours need be public.
    Socket,
}

/// `[pagerduty]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagerDuty {
    /// The Events API; `https://events.eu.pagerduty.com` in Europe.
    pub events_url: String,
    /// The REST API; `https://api.eu.pagerduty.com` in Europe.
    pub api_url: String,
    /// The e-mail of a valid PagerDuty user, in whose name REST calls are made.
    pub from: String,
    /// Incidents of this severity and worse are paged where no service says otherwise.
    pub page_from: SeverityName,
}

impl Default for PagerDuty {
    fn default() -> Self {
        Self {
            events_url: "https://events.pagerduty.com".to_owned(),
            api_url: "https://api.pagerduty.com".to_owned(),
            from: String::new(),
            page_from: SeverityName(Severity::Sev3),
        }
    }
}

/// A severity as it stands in the file, `"SEV3"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeverityName(pub Severity);

/// A folder that overrides what is shipped, file by file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Folder {
    /// The folder; empty for none.
    pub path: Option<PathBuf>,
}

/// `[lineage]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lineage {
    /// The variable that holds the token of those who post lineage; without it, the API's token is theirs too.
    pub token_env: Option<String>,
    /// The largest upload, in MiB.
    pub upload_limit_mib: usize,
    /// An edge or asset that nobody has named for so many days fades: it counts, and is shown as doubtful.
    pub fade_after_days: u16,
    /// After so many days it is forgotten.
    pub forget_after_days: u16,
    /// Owners of downstream assets of these tiers are told without being asked.
    pub notify_tiers: Vec<u8>,
    /// An open incident of this severity or worse closes the gate of what is below it.
    pub gate_from: SeverityName,
    /// Whether failed runs and assertions in `OpenLineage` events are alerts.
    pub failures: bool,
    /// Other names of assets, and the name that is meant.
    pub aliases: BTreeMap<String, String>,
    /// What is replaced in names before they are looked up, in order.
    pub rules: Vec<NamingRule>,
}

impl Default for Lineage {
    fn default() -> Self {
        Self {
            token_env: None,
            upload_limit_mib: 64,
            fade_after_days: 30,
            forget_after_days: 90,
            notify_tiers: Vec::new(),
            gate_from: SeverityName(Severity::Sev3),
            failures: true,
            aliases: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

/// `[[lineage.rules]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamingRule {
    pub pattern: String,
    /// What stands in its place; `$1` is the first group.
    pub replace: String,
}

/// `[mail]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// The SMTP server, `smtps://mail.example.com` or `smtp://mail.example.com:587?tls=required`; empty for no mail. A user and
    /// password come from `MUSTER_MAIL__USER` and `MUSTER_MAIL__PASSWORD`.
    pub smtp_url: String,
    pub from: String,
}

impl Default for Mail {
    fn default() -> Self {
        Self { smtp_url: String::new(), from: "Muster <muster@localhost>".to_owned() }
    }
}

/// `[log]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `human` or `json`.
    pub format: LogFormat,
}

/// `[intake]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Intake {
    /// For how many days bodies are kept, stripped and compressed; 0 for none.
    pub keep_days: u16,
}

impl Default for Intake {
    fn default() -> Self {
        Self { keep_days: 3 }
    }
}

/// `[triage]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TriageConfig {
    /// An alert joins the incident of an asset above or below it when that began at most so many hours before.
    pub lineage_window_hours: u16,
    /// And when it is at most so many edges away.
    pub lineage_hops: u32,
    /// After an incident, alerts below what was broken wait so many minutes whether they recover too.
    pub hold_off_minutes: u16,
    /// Alerts with the same value of one of these labels are one incident.
    pub group_by: Vec<String>,
    /// And with the same value of one of these, where the catalog does not know the asset.
    pub group_unknown_by: Vec<String>,
    /// An alert that comes or goes so often within the window flaps; 0 for never.
    pub flapping_changes: usize,
    /// The window, in minutes.
    pub flapping_minutes: u16,
    /// An incident that nobody acknowledges is said again after so many minutes, after twice as many, and so on up to a day; 0 for never.
    pub remind_after_minutes: u16,
}

impl Default for TriageConfig {
    fn default() -> Self {
        Self {
            lineage_window_hours: 6,
            lineage_hops: 8,
            hold_off_minutes: 15,
            group_by: vec!["run".to_owned()],
            group_unknown_by: vec!["project".to_owned()],
            flapping_changes: 6,
            flapping_minutes: 60,
            remind_after_minutes: 15,
        }
    }
}

/// `[updates]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// After so many minutes without an update of a SEV1, its commander is reminded; 0 for never.
    pub sev1_minutes: u16,
    /// Of a SEV2.
    pub sev2_minutes: u16,
    /// Of a SEV3.
    pub sev3_minutes: u16,
    /// Of a SEV4.
    pub sev4_minutes: u16,
    /// Of a SEV5.
    pub sev5_minutes: u16,
    /// So many reminders without an answer, and no more.
    pub at_most: u32,
    /// Below SEV2, people are reminded on these days only; every day without.
    pub days: Vec<chrono::Weekday>,
    /// And from this hour on, `09:00`; empty for any.
    pub from: String,
    pub to: String,
    pub zone: chrono_tz::Tz,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            sev1_minutes: 30,
            sev2_minutes: 60,
            sev3_minutes: 0,
            sev4_minutes: 0,
            sev5_minutes: 0,
            at_most: 4,
            days: Vec::new(),
            from: String::new(),
            to: String::new(),
            zone: chrono_tz::Tz::UTC,
        }
    }
}

/// `[permissions]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PermissionsConfig {
    /// People `U…` and user groups `S…` who may do everything.
    pub admins: Vec<String>,
    pub team: Vec<String>,
    /// Who may do what; every member may do what is not named.
    pub rules: BTreeMap<Verb, Who>,
}
