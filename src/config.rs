//! The configuration, key by key: `muster.toml`, over it `MUSTER_SECTION__KEY` variables, and secrets from variables only.
//! Reading and checking it is in [`load`](Config::load).

mod load;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::domain::permission::{Verb, Who};
use crate::domain::policy::OnGreen;
use crate::domain::rotation::{Override, Turn};
use crate::domain::suppression::{Matcher, RouteAction};
use crate::domain::{Level, Pillar, Role, Severity};
use crate::telemetry::LogFormat;

pub use load::{ConfigError, process_variables};

/// Variables that configure, by name. The process's own, or a test's.
pub type Variables = BTreeMap<String, String>;

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

/// `[server]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port.
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
    /// The engine.
    pub engine: EngineName,
    /// The embedded engine's directory.
    pub path: PathBuf,
    /// The variable that holds the address of the PostgreSQL database.
    pub url_env: String,
    /// How often the embedded engine makes a backup of itself, in hours; 0 is never.
    pub backup_every_hours: u32,
    /// How many of them are kept.
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

/// The engines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    /// Embedded, on one machine.
    Sled,
    /// A PostgreSQL database.
    Postgres,
}

/// `[slack]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    /// How Slack reaches us.
    pub mode: SlackMode,
    /// The Web API.
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

/// How Slack reaches us.
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
    /// A regular expression.
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
    /// The sender.
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
    /// Until this one.
    pub to: String,
    /// By whose clocks.
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
    /// The data team, likewise.
    pub team: Vec<String>,
    /// Who may do what; every member may do what is not named.
    pub rules: BTreeMap<Verb, Who>,
}

/// `[[rotations]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationConfig {
    /// Its name.
    pub name: String,
    /// The role that those on duty are asked to take.
    #[serde(default = "RotationConfig::commander")]
    pub role: Role,
    /// For which services; for all without.
    #[serde(default)]
    pub services: Vec<String>,
    /// A schedule's id in PagerDuty; needs `MUSTER_PAGERDUTY__API_TOKEN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagerduty_schedule: Option<String>,
    /// A user group of Slack, `S…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack_group: Option<String>,
    /// People who take turns, `U…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// How long a turn is: hour, day, week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Turn>,
    /// When the first turn begins, `2026-11-23T09:00:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<chrono::NaiveDateTime>,
    /// By whose clocks.
    #[serde(default)]
    pub zone: chrono_tz::Tz,
    /// When others stand in.
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
    /// Its name, for explanations.
    pub name: String,
    /// Which alerts, as a matcher; all without.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Matcher>,
    /// The service that is paged, instead of the asset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The severity, instead of the monitor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SeverityName>,
    /// "open" an incident, "ask" with a card, or "ignore".
    #[serde(default)]
    pub action: RouteAction,
    /// Where the card is posted, instead of the announcement channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Teams (`[[teams]]`) that are invited and told, besides the service's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// How long it is waited whether the alert goes away, in minutes.
    #[serde(default)]
    pub pending_minutes: u32,
}

/// `[[maintenance]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowConfig {
    /// Its name.
    pub name: String,
    /// Which alerts, as a matcher.
    #[serde(rename = "match")]
    pub matcher: Matcher,
    /// Days on which it begins: "mon", "tue", …; every day without.
    #[serde(default)]
    pub days: Vec<chrono::Weekday>,
    /// When it begins, `22:00`.
    pub from: String,
    /// When it ends; at or before `from` means the next day.
    pub to: String,
    /// By whose clocks, `Europe/Berlin`.
    #[serde(default)]
    pub zone: chrono_tz::Tz,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// `[[heartbeats]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Whose beat it is; posted to `/hooks/{source}/heartbeat/{name}`.
    pub source: String,
    /// Its name.
    pub name: String,
    /// How often it must come, in minutes.
    pub every_minutes: u32,
    /// How much later it may come, in minutes.
    #[serde(default)]
    pub grace_minutes: u32,
    /// What it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// How bad it is when it does not come.
    #[serde(default)]
    pub severity: Level,
}

/// `[[api_tokens]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiTokenConfig {
    /// Who has it: it stands in the log and in refusals.
    pub name: String,
    /// The variable that holds it.
    pub token_env: String,
    /// What it is good for.
    pub scopes: Vec<Scope>,
}

/// What a token of the API is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To read incidents, assets, silences and what monitors posted.
    Read,
    /// To make and end silences.
    Write,
    /// To post lineage and catalogs, and to ask whether an asset can be trusted.
    Catalog,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Catalog];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Catalog => "catalog",
        }
    }
}

/// A token of the API, as it was read.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// Who has it.
    pub name: String,
    /// The token.
    pub token: SecretString,
    /// What it is good for.
    pub scopes: Vec<Scope>,
}

/// `[[sources]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Stands in the address, `/hooks/{name}`.
    pub name: String,
    /// How its bodies are read.
    pub kind: SourceKind,
    /// The variable that holds its token; two, separated by a comma, during a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// The variable that holds the secret its bodies are signed with; two during a rotation. Then only a signature counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// The header with the signature, where it is not the one of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_header: Option<String>,
    /// The header with the time that is signed too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// SNS: the topics that are believed, by ARN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// SNS: fetch certificates and confirm subscriptions here instead of at Amazon; for tests and private partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_url: Option<String>,
    /// Requests a minute; more are answered with 503.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_minute: Option<u32>,
    /// An alert that nobody repeated for so many minutes is taken for over; never without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve_after_minutes: Option<u32>,
    /// What happens when none of an incident's alerts fires any more.
    #[serde(default)]
    pub on_green: OnGreen,
    /// What this monitor calls things.
    #[serde(default, skip_serializing_if = "SourceWords::is_empty")]
    pub words: SourceWords,
    /// Where the fields of a body of any other shape are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
}

impl Source {
    /// A source of which the file says nothing else.
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

/// Words of a monitor, beside those that its kind knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceWords {
    /// Words for how bad something is.
    pub severity: BTreeMap<String, Level>,
    /// Parts of a check's name that tell its pillar.
    pub pillar: BTreeMap<String, Pillar>,
    /// Labels that name the asset, first found first used.
    pub asset_labels: Vec<String>,
    /// Labels that name the owner.
    pub owner_labels: Vec<String>,
}

impl SourceWords {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The formats that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A callback of Airflow.
    Airflow,
    /// Prometheus Alertmanager's webhook, version 4.
    Alertmanager,
    /// `CloudEvents` 1.0.
    Cloudevents,
    /// A sensor of Dagster.
    Dagster,
    /// Datadog's webhook with our template.
    Datadog,
    /// dbt's `run_results.json` and `sources.json`.
    DbtArtifacts,
    /// dbt Cloud's job webhook.
    DbtCloud,
    /// Elementary's alerts.
    Elementary,
    /// Google Cloud Monitoring's webhook.
    Gcp,
    /// Our own fields, or any JSON with a mapping.
    Generic,
    /// Grafana's alerting webhook.
    Grafana,
    /// Results of Great Expectations.
    GreatExpectations,
    /// Monte Carlo's webhook.
    MonteCarlo,
    /// `OpenLineage` events.
    Openlineage,
    /// Anything that speaks PagerDuty's Events API v2, posting to `/v2/enqueue` with its token as routing key.
    PagerdutyV2,
    /// A hook of Prefect.
    Prefect,
    /// Sentry's integration platform.
    Sentry,
    /// `CloudWatch` alarms through Amazon SNS.
    Sns,
    /// Soda Core's scan results, or Soda Cloud's webhook.
    Soda,
}

impl SourceKind {
    /// Whether it says by itself, and soon, that something is over. Of others, an alert that fired once may be over for long.
    pub fn says_when_over(self) -> bool {
        matches!(self, Self::Alertmanager | Self::Datadog | Self::Gcp | Self::Grafana | Self::MonteCarlo | Self::Sns)
    }
}

/// JSON pointers (RFC 6901) to the fields of a body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// To a list, whose members the other pointers are relative to; none for one alert a body.
    pub each: Option<String>,
    /// To one line for people; required.
    pub title: String,
    /// To the key that says which alerts are one.
    pub key: Option<String>,
    /// To the status.
    pub status: Option<String>,
    /// The values of the status that mean "over", in lower case.
    pub resolved_values: Vec<String>,
    /// To the asset.
    pub asset: Option<String>,
    /// To the pillar.
    pub pillar: Option<String>,
    /// The pillar where the body names none.
    pub default_pillar: Option<Pillar>,
    /// To the severity.
    pub severity: Option<String>,
    /// To the owner.
    pub owner: Option<String>,
    /// To a link.
    pub url: Option<String>,
    /// To the time.
    pub at: Option<String>,
    /// To more words.
    pub description: Option<String>,
    /// To labels, by name.
    pub labels: BTreeMap<String, String>,
}

/// `[[services]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Its name, for `/incident page <service>`.
    pub name: String,
    /// Globs of the assets it answers for.
    #[serde(default)]
    pub assets: Vec<String>,
    /// The team that owns it.
    #[serde(default)]
    pub owner: Option<String>,
    /// The variable that holds its routing key; the default key without.
    #[serde(default)]
    pub routing_key_env: Option<String>,
    /// This severity and worse are paged.
    #[serde(default)]
    pub page_from: Option<SeverityName>,
    /// The tier of its assets; 1 makes incidents one severity worse.
    #[serde(default)]
    pub tier: Option<u8>,
    /// The service's id in PagerDuty; with a policy and an API token, people's pages go through REST.
    #[serde(default)]
    pub pagerduty_service_id: Option<String>,
    /// The escalation policy's id in PagerDuty.
    #[serde(default)]
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
    /// Where mail goes.
    #[serde(default)]
    pub email: Option<String>,
}

/// What must never be printed.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// `MUSTER_SLACK__BOT_TOKEN`
    pub slack_bot_token: Option<SecretString>,
    /// `MUSTER_SLACK__SIGNING_SECRET`; two separated by a comma during a rotation.
    pub slack_signing_secrets: Vec<SecretString>,
    /// `MUSTER_SLACK__APP_TOKEN`, for `mode = "socket"`
    pub slack_app_token: Option<SecretString>,
    /// `MUSTER_PAGERDUTY__ROUTING_KEY`
    pub pagerduty_routing_key: Option<SecretString>,
    /// `MUSTER_PAGERDUTY__API_TOKEN`
    pub pagerduty_api_token: Option<SecretString>,
    /// `MUSTER_PAGERDUTY__WEBHOOK_SECRETS`; several separated by commas.
    pub pagerduty_webhook_secrets: Vec<SecretString>,
    /// `MUSTER_API__TOKEN`
    pub api_token: Option<SecretString>,
    /// Everybody who may use the API: `MUSTER_API__TOKEN` for all of it, that of `[lineage]`, and `[[api_tokens]]`.
    pub api_tokens: Vec<ApiToken>,
    /// The address of the database, with its password.
    pub database_url: Option<SecretString>,
    /// `MUSTER_MAIL__USER` and `MUSTER_MAIL__PASSWORD`
    pub mail_login: Option<(String, SecretString)>,
    /// Tokens of sources, by source.
    pub source_tokens: BTreeMap<String, Vec<SecretString>>,
    /// What sources sign with, by source name.
    pub source_secrets: BTreeMap<String, Vec<SecretString>>,
    /// Routing keys of services, by service.
    pub routing_keys: BTreeMap<String, SecretString>,
}
