//! The sections of `muster.toml`, each as a type.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use educe::Educe;
use serde::{Deserialize, Serialize};

use crate::domain::Severity;
use crate::domain::permission::{Verb, Who};
use crate::telemetry::LogFormat;

/// `[server]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    #[educe(Default(expression = SocketAddr::from(([127, 0, 0, 1], 8080))))]
    pub listen: SocketAddr,
    /// The address by which people and services reach Muster from outside.
    #[educe(Default = "http://127.0.0.1:8080")]
    pub public_url: String,
    /// A name that keeps the pages of this Muster apart from those of another one in the same PagerDuty account.
    #[educe(Default = "muster")]
    pub instance: String,
    /// The largest body of a monitor, in KiB.
    #[educe(Default = 512)]
    pub body_limit_kib: usize,
}

/// `[store]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    pub engine: EngineName,
    #[educe(Default(expression = PathBuf::from("data")))]
    pub path: PathBuf,
    /// The variable that holds the address of the PostgreSQL database.
    #[educe(Default = "DATABASE_URL")]
    pub url_env: String,
    /// How often the embedded store makes a backup, in hours; 0 means never.
    #[educe(Default = 24)]
    pub backup_every_hours: u32,
    #[educe(Default = 7)]
    pub backup_keep: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    #[default]
    Sled,
    Postgres,
}

/// `[slack]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    pub mode: SlackMode,
    #[educe(Default = "https://slack.com/api")]
    pub api_url: String,
    /// The channel, without `#`, in which every incident gets a line; empty for none.
    #[educe(Default = "data-incidents")]
    pub announce_channel: String,
    /// The name of an incident's channel. {{number}}, {{title}}, {{date}}, {{severity}} and {{service}} are filled in, and characters that
    /// Slack does not allow are left out.
    #[educe(Default = "inc-{{number}}-{{title}}")]
    pub channel_name: String,
    /// An incident's channel is archived this many days after its review, or after its end if there is nothing to review; 0 means never.
    pub archive_after_days: u16,
    /// Our workspace. Requests of other workspaces are refused.
    pub team_id: String,
    /// Our app. Requests of other apps are refused. If it is empty, any app of the workspace is accepted.
    pub app_id: String,
    /// How long a call to Slack may take, in seconds.
    #[educe(Default = 10)]
    pub timeout_seconds: u64,
    /// How many messages of a channel's history to fetch at once.
    #[educe(Default = 200)]
    pub history_page: u16,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackMode {
    /// Slack calls our public address.
    #[default]
    Http,
    /// We open a connection to Slack, with the app's own token. No address of ours must be public.
    Socket,
}

/// `[pagerduty]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct PagerDuty {
    /// The Events API; `https://events.eu.pagerduty.com` in Europe.
    #[educe(Default = "https://events.pagerduty.com")]
    pub events_url: String,
    /// The REST API; `https://api.eu.pagerduty.com` in Europe.
    #[educe(Default = "https://api.pagerduty.com")]
    pub api_url: String,
    /// The e-mail address of a PagerDuty user. REST calls are made in that user's name.
    pub from: String,
    /// Incidents of this severity or worse are paged, unless a service says otherwise.
    #[educe(Default(expression = SeverityName(Severity::Sev3)))]
    pub page_from: SeverityName,
}

/// A severity as it is written in the file, `"SEV3"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeverityName(pub Severity);

/// A folder that overrides shipped files, one by one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Folder {
    /// The folder; empty for none.
    pub path: Option<PathBuf>,
}

/// `[lineage]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct Lineage {
    /// The variable that holds the token for posting lineage. Without it, lineage is posted with the API's token.
    pub token_env: Option<String>,
    /// The largest upload, in MiB.
    #[educe(Default = 64)]
    pub upload_limit_mib: usize,
    /// An edge or asset that no source has named for this many days fades: it still counts, but is shown as doubtful.
    #[educe(Default = 30)]
    pub fade_after_days: u16,
    /// After this many days it is forgotten.
    #[educe(Default = 90)]
    pub forget_after_days: u16,
    /// Owners of downstream assets of these tiers are told without being asked.
    pub notify_tiers: Vec<u8>,
    /// An open incident of this severity or worse closes the gate of all assets downstream.
    #[educe(Default(expression = SeverityName(Severity::Sev3)))]
    pub gate_from: SeverityName,
    /// Whether failed runs and assertions in `OpenLineage` events are alerts.
    #[educe(Default = true)]
    pub failures: bool,
    /// Other names of assets, and the right name for each.
    pub aliases: BTreeMap<String, String>,
    /// Replacements in names before names are looked up, in order.
    pub rules: Vec<NamingRule>,
}

/// `[[lineage.rules]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamingRule {
    pub pattern: String,
    /// The replacement; `$1` is the first group.
    pub replace: String,
}

/// `[mail]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// The SMTP server, `smtps://mail.example.com` or `smtp://mail.example.com:587?tls=required`; empty for no mail. A user and
    /// password come from `MUSTER_MAIL__USER` and `MUSTER_MAIL__PASSWORD`.
    pub smtp_url: String,
    #[educe(Default = "Muster <muster@localhost>")]
    pub from: String,
}

/// `[log]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `human` or `json`.
    pub format: LogFormat,
}

/// `[intake]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct Intake {
    /// For how many days bodies are kept, redacted and compressed; 0 means not at all.
    #[educe(Default = 3)]
    pub keep_days: u16,
}

/// `[triage]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct TriageConfig {
    /// An alert joins the incident of an asset upstream or downstream if that incident began at most this many hours before.
    #[educe(Default = 6)]
    pub lineage_window_hours: u16,
    /// And if that asset is at most this many edges away.
    #[educe(Default = 8)]
    pub lineage_hops: u32,
    /// After an incident, alerts downstream of the broken asset wait this many minutes to see whether they recover too.
    #[educe(Default = 15)]
    pub hold_off_minutes: u16,
    /// Alerts with the same value of one of these labels are one incident.
    #[educe(Default(expression = vec!["run".to_owned()]))]
    pub group_by: Vec<String>,
    /// And with the same value of one of these, if the catalog does not know the asset.
    #[educe(Default(expression = vec!["project".to_owned()]))]
    pub group_unknown_by: Vec<String>,
    /// An alert that comes or goes this often within the window flaps; 0 means never.
    #[educe(Default = 6)]
    pub flapping_changes: usize,
    /// The window, in minutes.
    #[educe(Default = 60)]
    pub flapping_minutes: u16,
    /// If nobody acknowledges an incident, it is announced again after this many minutes, after twice as many, and so on up to a day; 0: never.
    #[educe(Default = 15)]
    pub remind_after_minutes: u16,
}

/// `[updates]`
#[derive(Debug, Clone, Educe, Serialize, Deserialize)]
#[educe(Default)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// After this many minutes without an update of a SEV1, its commander is reminded; 0 means never.
    #[educe(Default = 30)]
    pub sev1_minutes: u16,
    /// The same for a SEV2.
    #[educe(Default = 60)]
    pub sev2_minutes: u16,
    /// The same for a SEV3.
    pub sev3_minutes: u16,
    /// The same for a SEV4.
    pub sev4_minutes: u16,
    /// The same for a SEV5.
    pub sev5_minutes: u16,
    /// The most reminders without an answer.
    #[educe(Default = 4)]
    pub at_most: u32,
    /// Below SEV2, people are reminded only on these days; without it, every day.
    pub days: Vec<chrono::Weekday>,
    /// And only from this hour on, `09:00`; empty for any hour.
    pub from: String,
    pub to: String,
    pub zone: chrono_tz::Tz,
}

/// `[permissions]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PermissionsConfig {
    /// People `U…` and user groups `S…` who may do everything.
    pub admins: Vec<String>,
    pub team: Vec<String>,
    /// Who may do what. Every member may do what is not named here.
    pub rules: BTreeMap<Verb, Who>,
}
