//! Environment variables of the configuration, and the secrets among them.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use super::mistakes::Problems;
use super::{ApiToken, ApiTokenConfig, Config, EngineName, Scope, Secrets, SlackMode};

/// The variables, by name: those of the process, or of a test.
pub type Variables = BTreeMap<String, String>;

pub fn process_variables() -> Variables {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// Variables that hold secrets, and so are not keys of the file.
pub(super) const SECRET_VARIABLES: [&str; 9] = [
    "MUSTER_SLACK__BOT_TOKEN",
    "MUSTER_SLACK__SIGNING_SECRET",
    "MUSTER_SLACK__APP_TOKEN",
    "MUSTER_PAGERDUTY__ROUTING_KEY",
    "MUSTER_PAGERDUTY__API_TOKEN",
    "MUSTER_PAGERDUTY__WEBHOOK_SECRETS",
    "MUSTER_API__TOKEN",
    "MUSTER_MAIL__USER",
    "MUSTER_MAIL__PASSWORD",
];

impl Config {
    pub(super) fn read_secrets(&mut self, variables: &Variables, found: &mut Problems<'_>) {
        let get = |name: &str| variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let one = |name: &str| get(name).map(SecretString::from);
        let many = |name: &str| {
            get(name)
                .into_iter()
                .flat_map(|value| value.split(','))
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(SecretString::from)
                .collect()
        };
        let mut secrets = Secrets {
            slack_bot_token: one("MUSTER_SLACK__BOT_TOKEN"),
            slack_signing_secrets: many("MUSTER_SLACK__SIGNING_SECRET"),
            slack_app_token: one("MUSTER_SLACK__APP_TOKEN"),
            pagerduty_routing_key: one("MUSTER_PAGERDUTY__ROUTING_KEY"),
            pagerduty_api_token: one("MUSTER_PAGERDUTY__API_TOKEN"),
            pagerduty_webhook_secrets: many("MUSTER_PAGERDUTY__WEBHOOK_SECRETS"),
            api_token: one("MUSTER_API__TOKEN"),
            mail_login: get("MUSTER_MAIL__USER").map(str::to_owned).zip(one("MUSTER_MAIL__PASSWORD")),
            ..Secrets::default()
        };
        let required = |found: &mut Problems<'_>, near: &str, variable: &str, holds: &str| {
            let value = one(variable);
            if value.is_none() {
                found.not_set(near, variable, holds);
            }
            value
        };
        for source in &self.sources {
            let named = [(&source.token_env, "token"), (&source.secret_env, "signing secret")];
            for (variable, what) in named.into_iter().filter_map(|(variable, what)| Some((variable.as_ref()?, what))) {
                let values: Vec<SecretString> = many(variable);
                if values.is_empty() {
                    let holds = format!("the {what} of the source `{}`", source.name);
                    found.not_set(&source.name, variable, &holds);
                }
                // The vendor of a monitor may choose the secret. We choose the token, so it can be long.
                if what == "token" && values.iter().any(is_short) {
                    found.at(&source.name, short_token(variable));
                }
                let held = if what == "token" { &mut secrets.source_tokens } else { &mut secrets.source_secrets };
                held.insert(source.name.clone(), values);
            }
        }
        for service in &self.services {
            let Some(variable) = &service.routing_key_env else { continue };
            let holds = format!("the PagerDuty routing key of the service `{}`", service.name);
            let key = required(found, &service.name, variable, &holds);
            secrets.routing_keys.extend(key.map(|key| (service.name.clone(), key)));
        }
        secrets.api_tokens.extend(secrets.api_token.clone().map(|token| ApiToken {
            name: "MUSTER_API__TOKEN".to_owned(),
            token,
            scopes: Scope::ALL.to_vec(),
        }));
        if let Some(variable) = &self.lineage.token_env {
            let token = required(found, variable, variable, "the token for posting lineage");
            let scopes = vec![Scope::Catalog];
            secrets.api_tokens.extend(token.map(|token| ApiToken { name: "lineage".to_owned(), token, scopes }));
        }
        for ApiTokenConfig { name, token_env, scopes } in &self.api_tokens {
            let holds = format!("the API token `{name}`");
            let Some(token) = required(found, token_env, token_env, &holds) else { continue };
            let is_this = |known: &ApiToken| known.token.expose_secret() == token.expose_secret();
            if is_short(&token) {
                found.at(token_env, short_token(token_env));
            } else if scopes.is_empty() {
                found.at(token_env, format!("{holds} has no scopes. Give it some of read, write and catalog"));
            } else if secrets.api_tokens.iter().any(is_this) {
                found.at(token_env, format!("the token in {token_env} is used for something else too. Give `{name}` a token of its own, so that you can tell them apart and take it away"));
            } else {
                secrets.api_tokens.push(ApiToken { name: name.clone(), token, scopes: scopes.clone() });
            }
        }
        if self.store.engine == EngineName::Postgres {
            let holds = "the address of the database, postgres://user:password@host/database";
            secrets.database_url = required(found, "postgres", &self.store.url_env, holds);
        }
        let way_in = match self.slack.mode {
            SlackMode::Http => ("MUSTER_SLACK__SIGNING_SECRET", secrets.slack_signing_secrets.is_empty()),
            SlackMode::Socket => ("MUSTER_SLACK__APP_TOKEN", secrets.slack_app_token.is_none()),
        };
        for (name, is_missing) in [("MUSTER_SLACK__BOT_TOKEN", secrets.slack_bot_token.is_none()), way_in] {
            if is_missing {
                found.general(format!(
                    "the variable {name} is not set. Without it Muster cannot read or write in Slack"
                ));
            }
        }
        self.secrets = secrets;
    }
}

fn is_short(token: &SecretString) -> bool {
    token.expose_secret().len() < 16
}

fn short_token(variable: &str) -> String {
    format!(
        "the token in {variable} is shorter than 16 characters; make a longer one, for example with `openssl rand -hex 16`"
    )
}
