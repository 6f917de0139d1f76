//! Secrets. They are never printed, and come from variables only.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::Scope;

#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// `MUSTER_SLACK__BOT_TOKEN`
    pub slack_bot_token: Option<SecretString>,
    /// `MUSTER_SLACK__SIGNING_SECRET`; during a rotation, two, separated by a comma.
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
    /// All tokens of the API: `MUSTER_API__TOKEN`, which allows everything, the one of `[lineage]`, and those of `[[api_tokens]]`.
    pub api_tokens: Vec<ApiToken>,
    /// The address of the database, with its password.
    pub database_url: Option<SecretString>,
    /// `MUSTER_MAIL__USER` and `MUSTER_MAIL__PASSWORD`
    pub mail_login: Option<(String, SecretString)>,
    pub source_tokens: BTreeMap<String, Vec<SecretString>>,
    /// The secrets with which sources sign, by source name.
    pub source_secrets: BTreeMap<String, Vec<SecretString>>,
    pub routing_keys: BTreeMap<String, SecretString>,
}

/// A token of the API, as it was read.
#[derive(Debug, Clone)]
pub struct ApiToken {
    pub name: String,
    pub token: SecretString,
    pub scopes: Vec<Scope>,
}
