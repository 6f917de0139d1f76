//! Reading the configuration and checking all of it, so that every mistake is told at once, with file and line where there
//! is one. It also turns sources, services and teams into the one [`Policy`] that decisions read.

use std::fmt;
use std::path::Path;

use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};
use globset::GlobBuilder;
use secrecy::{ExposeSecret as _, SecretString};

use chrono::Weekday;

use super::{
    ApiToken, ApiTokenConfig, Config, EngineName, Mapping, RotationConfig, Scope, Secrets, SlackMode, SourceKind,
    Updates, Variables, WindowConfig,
};
use crate::domain::permission::{Permissions, Verb};
use crate::domain::policy::{Cadence, Policy, Service, Team};
use crate::domain::rotation::{Rotation, Whence};
use crate::domain::suppression::{Matcher, Route, RouteAction, Window};

/// Variables that hold secrets and are therefore no keys of the file.
const SECRET_VARIABLES: [&str; 9] = [
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

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// This process's variables.
pub fn process_variables() -> Variables {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// What may stand in the name of a channel.
const CHANNEL_PLACES: [&str; 5] = ["number", "title", "date", "severity", "service"];

impl Config {
    /// Reads the file, if there is one, and the variables, and checks both.
    ///
    /// # Errors
    /// Every mistake found, a line each.
    pub fn load(path: Option<&Path>, variables: &Variables) -> Result<Self, ConfigError> {
        let (file, text) = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| ConfigError(vec![format!("{}: cannot be read: {error}", path.display())]))?;
                (path.display().to_string(), text)
            }
            None => ("muster.toml".to_owned(), String::new()),
        };
        Self::parse(&file, &text, variables)
    }

    /// As [`Self::load`], from a text.
    ///
    /// # Errors
    /// Every mistake found, a line each.
    pub fn parse(file: &str, text: &str, variables: &Variables) -> Result<Self, ConfigError> {
        // First the file alone, strictly, because only this parser knows lines.
        toml::from_str::<Self>(text).map_err(|error| ConfigError(vec![explain_toml(file, text, &error)]))?;
        let mut figment = Figment::from(Serialized::defaults(Self::default())).merge(Toml::string(text));
        for (name, value) in variables {
            let Some(key) = name.strip_prefix("MUSTER_").filter(|key| key.contains("__")) else {
                continue;
            };
            if SECRET_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let Ok(value) = value.parse::<figment::value::Value>();
            figment = figment.merge(Serialized::default(&key.to_lowercase().replace("__", "."), value));
        }
        let mut config: Self = figment.extract().map_err(|error| {
            ConfigError(
                error
                    .into_iter()
                    .map(|error| {
                        let variable = format!("MUSTER_{}", error.path.join("__").to_uppercase());
                        format!("{variable}: {}", with_suggestion(&error.kind.to_string()))
                    })
                    .collect(),
            )
        })?;
        let mut problems = config.read_secrets(variables);
        problems.extend(config.check());
        if problems.is_empty() {
            return Ok(config);
        }
        Err(ConfigError(problems.into_iter().map(|problem| problem.located(file, text)).collect()))
    }

    fn read_secrets(&mut self, variables: &Variables) -> Vec<Problem> {
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
        let mut problems = Vec::new();
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
        for source in &self.sources {
            let named = [(&source.token_env, "token"), (&source.secret_env, "signing secret")];
            for (variable, what) in named.into_iter().filter_map(|(variable, what)| Some((variable.as_ref()?, what))) {
                let values: Vec<SecretString> = many(variable);
                if values.is_empty() {
                    problems.push(Problem::at(
                        &source.name,
                        format!(
                            "the variable {variable} is not set; it holds the {what} of the source `{}`",
                            source.name
                        ),
                    ));
                }
                // A monitor's vendor may have made the secret; the token is ours to make.
                if what == "token" && values.iter().any(|token| token.expose_secret().len() < 16) {
                    problems.push(Problem::at(
                        &source.name,
                        format!("the token in {variable} is shorter than 16 characters; make a longer one, for example with `openssl rand -hex 16`"),
                    ));
                }
                let held = if what == "token" { &mut secrets.source_tokens } else { &mut secrets.source_secrets };
                held.insert(source.name.clone(), values);
            }
        }
        for service in &self.services {
            let Some(variable) = &service.routing_key_env else {
                continue;
            };
            match one(variable) {
                Some(key) => {
                    secrets.routing_keys.insert(service.name.clone(), key);
                }
                None => problems.push(Problem::at(
                    &service.name,
                    format!(
                        "the variable {variable} is not set; it holds the PagerDuty routing key of the service `{}`",
                        service.name
                    ),
                )),
            }
        }
        secrets.api_tokens.extend(secrets.api_token.clone().map(|token| ApiToken {
            name: "MUSTER_API__TOKEN".to_owned(),
            token,
            scopes: Scope::ALL.to_vec(),
        }));
        if let Some(variable) = &self.lineage.token_env {
            match one(variable) {
                Some(token) => secrets.api_tokens.push(ApiToken {
                    name: "lineage".to_owned(),
                    token,
                    scopes: vec![Scope::Catalog],
                }),
                None => problems.push(Problem::at(
                    variable,
                    format!("the variable {variable} is not set; it holds the token of those who post lineage"),
                )),
            }
        }
        for ApiTokenConfig { name, token_env, scopes } in &self.api_tokens {
            let problem = match one(token_env) {
                None => Some(format!("the variable {token_env} is not set; it holds the API token `{name}`")),
                Some(token) if token.expose_secret().len() < 16 => Some(format!(
                    "the token in {token_env} is shorter than 16 characters; make a longer one, for example with `openssl rand -hex 16`"
                )),
                Some(_) if scopes.is_empty() => {
                    Some(format!("the API token `{name}` has no scopes; there are read, write and catalog"))
                }
                Some(token)
                    if secrets.api_tokens.iter().any(|known| known.token.expose_secret() == token.expose_secret()) =>
                {
                    Some(format!(
                        "the token in {token_env} is another's too; give `{name}` one of its own, so that it can be told apart and taken away"
                    ))
                }
                Some(token) => {
                    secrets.api_tokens.push(ApiToken { name: name.clone(), token, scopes: scopes.clone() });
                    None
                }
            };
            problems.extend(problem.map(|words| Problem::at(token_env, words)));
        }
        if self.store.engine == EngineName::Postgres {
            let variable = &self.store.url_env;
            secrets.database_url = one(variable);
            if secrets.database_url.is_none() {
                problems.push(Problem::at(
                    "postgres",
                    format!(
                        "the variable {variable} is not set; it holds the address of the database, postgres://user:password@host/database"
                    ),
                ));
            }
        }
        for (name, value) in [
            ("MUSTER_SLACK__BOT_TOKEN", secrets.slack_bot_token.is_none()),
            (
                "MUSTER_SLACK__SIGNING_SECRET",
                self.slack.mode == SlackMode::Http && secrets.slack_signing_secrets.is_empty(),
            ),
            ("MUSTER_SLACK__APP_TOKEN", self.slack.mode == SlackMode::Socket && secrets.slack_app_token.is_none()),
        ] {
            if value {
                problems.push(Problem::general(format!(
                    "the variable {name} is not set; without it Muster can neither read nor write Slack"
                )));
            }
        }
        self.secrets = secrets;
        problems
    }

    fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.slack.team_id.is_empty() {
            problems.push(Problem::general(
                "[slack] team_id is empty; without it Muster cannot tell its own workspace from others. It begins with T and stands in the address of Slack in a browser".to_owned(),
            ));
        }
        let places =
            self.slack.channel_name.split("{{").skip(1).map(|part| part.split("}}").next().unwrap_or(part).trim());
        for unknown in places.filter(|place| !CHANNEL_PLACES.contains(place)) {
            problems.push(Problem::at(
                &self.slack.channel_name,
                format!("[slack] channel_name has {{{{{unknown}}}}}, and there are {}", CHANNEL_PLACES.join(", ")),
            ));
        }
        for (key, url) in [
            ("[server] public_url", &self.server.public_url),
            ("[slack] api_url", &self.slack.api_url),
            ("[pagerduty] events_url", &self.pagerduty.events_url),
            ("[pagerduty] api_url", &self.pagerduty.api_url),
        ] {
            match url::Url::parse(url) {
                Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.host().is_some() => {}
                _ => problems
                    .push(Problem::at(url, format!("{key} = {url:?} is no web address; write it with https://"))),
            }
        }
        for rule in &self.lineage.rules {
            if let Err(error) = regex::Regex::new(&rule.pattern) {
                problems
                    .push(Problem::at(&rule.pattern, format!("{:?} is no regular expression: {error}", rule.pattern)));
            }
        }
        if self.lineage.fade_after_days >= self.lineage.forget_after_days {
            problems.push(Problem::general(
                "[lineage] fade_after_days must be less than forget_after_days: nothing vanishes that did not fade"
                    .to_owned(),
            ));
        }
        if !self.mail.smtp_url.is_empty() && !self.mail.smtp_url.starts_with("smtp") {
            problems.push(Problem::at(
                &self.mail.smtp_url,
                format!("[mail] smtp_url = {:?} begins with neither smtp:// nor smtps://", self.mail.smtp_url),
            ));
        }
        let mut seen = std::collections::BTreeSet::new();
        for source in &self.sources {
            if source.name.is_empty() || !source.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            {
                problems.push(Problem::at(&source.name, format!("the source name {:?} may only hold letters, digits, `-` and `_`, since it stands in an address", source.name)));
            }
            if !seen.insert(("source", source.name.clone())) {
                problems.push(Problem::at(&source.name, format!("there are two sources named `{}`", source.name)));
            }
            let needs = match source.kind {
                SourceKind::Sns if source.topics.is_empty() => Some("`topics`, the ARNs of the topics it may post for"),
                SourceKind::Sns => None,
                SourceKind::PagerdutyV2 if source.token_env.is_none() => {
                    Some("`token_env`, since its token is the routing key")
                }
                _ if source.token_env.is_none() && source.secret_env.is_none() => {
                    Some("`token_env` or `secret_env`; nobody may post without")
                }
                _ => None,
            };
            if let Some(needs) = needs {
                problems.push(Problem::at(&source.name, format!("the source `{}` needs {needs}", source.name)));
            }
            if let Some(mapping) = &source.mapping {
                if source.kind != SourceKind::Generic {
                    problems.push(Problem::at(
                        &source.name,
                        format!("the source `{}` has a mapping, which only kind = \"generic\" uses", source.name),
                    ));
                }
                if mapping.title.is_empty() {
                    problems.push(Problem::at(
                        &source.name,
                        format!(
                            "the mapping of the source `{}` needs `title`, a JSON pointer such as \"/message\"",
                            source.name
                        ),
                    ));
                }
                for pointer in mapping.pointers().filter(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
                    problems.push(Problem::at(
                        pointer,
                        format!("{pointer:?} is no JSON pointer; it begins with `/`, as in \"/alert/name\""),
                    ));
                }
            }
        }
        for window in &self.maintenance {
            if let Err(why) = window_of(window) {
                problems.push(Problem::at(&window.name, format!("the maintenance window `{}`: {why}", window.name)));
            }
        }
        let services: Vec<&str> = self.services.iter().map(|service| service.name.as_str()).collect();
        if let Err(why) = hours_of(&self.updates) {
            problems.push(Problem::general(format!("[updates] from, to: {why}")));
        }
        for rotation in &self.rotations {
            if let Err(why) = rotation_of(rotation) {
                problems.push(Problem::at(&rotation.name, format!("the rotation `{}`: {why}", rotation.name)));
            }
            for service in rotation.services.iter().filter(|service| !services.contains(&service.as_str())) {
                problems.push(Problem::at(
                    service,
                    format!(
                        "the rotation `{}` names the service `{service}`, and there is none{}",
                        rotation.name,
                        nearest(service, &services)
                    ),
                ));
            }
            if rotation.pagerduty_schedule.is_some() && self.secrets.pagerduty_api_token.is_none() {
                problems.push(Problem::at(
                    &rotation.name,
                    format!(
                        "the rotation `{}` is read from PagerDuty, which needs MUSTER_PAGERDUTY__API_TOKEN",
                        rotation.name
                    ),
                ));
            }
        }
        for (verb, who) in &self.permissions.rules {
            let key = serde_json::to_value(verb).unwrap_or_default();
            let key = key.as_str().unwrap_or_default();
            if !Verb::of_people().any(|one| one == *verb) {
                problems.push(Problem::at(key, format!("[permissions.rules] {key} is nothing that people do")));
            } else if who.needs_incident() && !verb.is_about_an_incident() {
                problems.push(Problem::at(
                    key,
                    format!("[permissions.rules] {key} is not about one incident, so it can be for everyone, the team or admins"),
                ));
            }
        }
        for route in &self.routes {
            if let Some(service) = route.service.as_deref().filter(|service| !services.contains(service)) {
                problems.push(Problem::at(
                    service,
                    format!(
                        "the route `{}` names the service `{service}`, and there is none{}",
                        route.name,
                        nearest(service, &services)
                    ),
                ));
            }
        }
        for route in self.routes.iter().filter(|route| route.action == RouteAction::Ask) {
            if self.slack.announce_channel.is_empty() && route.channel.as_deref().unwrap_or_default().is_empty() {
                problems.push(Problem::at(
                    &route.name,
                    format!(
                        "the route `{}` asks people, and there is no channel to ask them in; give it a `channel`, or set [slack] announce_channel",
                        route.name
                    ),
                ));
            }
        }
        let teams: Vec<&str> = self.teams.iter().map(|team| team.name.as_str()).collect();
        for route in &self.routes {
            for team in route.teams.iter().filter(|team| !teams.contains(&team.as_str())) {
                problems.push(Problem::at(
                    team,
                    format!(
                        "the route `{}` names the team `{team}`, and there is none{}",
                        route.name,
                        nearest(team, &teams)
                    ),
                ));
            }
        }
        for beat in &self.heartbeats {
            if !self.sources.iter().any(|source| source.name == beat.source) {
                problems.push(Problem::at(
                    &beat.name,
                    format!("the heartbeat `{}` is of the source `{}`, and there is none", beat.name, beat.source),
                ));
            }
            if beat.every_minutes == 0 {
                problems.push(Problem::at(
                    &beat.name,
                    format!("the heartbeat `{}` needs every_minutes of at least 1", beat.name),
                ));
            }
        }
        for service in &self.services {
            if !seen.insert(("service", service.name.clone())) {
                problems.push(Problem::at(&service.name, format!("there are two services named `{}`", service.name)));
            }
            for glob in &service.assets {
                if let Err(error) = glob_of(glob) {
                    problems.push(Problem::at(glob, format!("{glob:?} is no glob: {error}")));
                }
            }
            if let Some(owner) = &service.owner
                && !self.teams.iter().any(|team| &team.name == owner)
            {
                let names: Vec<&str> = self.teams.iter().map(|team| team.name.as_str()).collect();
                problems.push(Problem::at(
                    owner,
                    format!(
                        "the service `{}` is owned by `{owner}`, and there is no such team{}",
                        service.name,
                        nearest(owner, &names)
                    ),
                ));
            }
        }
        problems
    }

    /// What decisions read.
    pub fn policy(&self) -> Policy {
        let can_page_by_default = self.secrets.pagerduty_routing_key.is_some();
        Policy {
            instance: self.server.instance.clone(),
            on_green: self.sources.iter().map(|source| (source.name.clone(), source.on_green)).collect(),
            services: self
                .services
                .iter()
                .map(|service| Service {
                    name: service.name.clone(),
                    assets: service.assets.iter().filter_map(|glob| glob_of(glob).ok()).collect(),
                    owner: service.owner.clone(),
                    can_page: self.secrets.routing_keys.contains_key(&service.name),
                    can_page_people: service.pagerduty_service_id.is_some()
                        && self.secrets.pagerduty_api_token.is_some()
                        && !self.pagerduty.from.is_empty(),
                    page_from: service.page_from.unwrap_or(self.pagerduty.page_from).0,
                    tier: service.tier,
                })
                .collect(),
            teams: self
                .teams
                .iter()
                .map(|team| Team {
                    name: team.name.clone(),
                    members: team
                        .slack
                        .split([',', '|'])
                        .map(str::trim)
                        .filter(|id| id.starts_with(['U', 'W', 'S']))
                        .map(str::to_owned)
                        .collect(),
                    // A channel before a person: more eyes read it.
                    contact: ["#", "C", "U", "W"].into_iter().find_map(|start| {
                        let mut ids = team.slack.split([',', '|']).map(str::trim);
                        ids.find(|id| id.starts_with(start)).map(str::to_owned)
                    }),
                    email: team.email.clone(),
                })
                .collect(),
            can_page_by_default,
            page_from: self.pagerduty.page_from.0,
            announces: !self.slack.announce_channel.is_empty(),
            hold_off_minutes: self.triage.hold_off_minutes,
            routes: self
                .routes
                .iter()
                .map(|route| Route {
                    name: route.name.clone(),
                    matcher: route.matcher.clone(),
                    service: route.service.clone(),
                    severity: route.severity.map(|severity| severity.0),
                    action: route.action,
                    channel: route.channel.clone(),
                    teams: route.teams.clone(),
                    pending_minutes: route.pending_minutes,
                })
                .collect(),
            cadence: Cadence {
                minutes: [
                    self.updates.sev1_minutes,
                    self.updates.sev2_minutes,
                    self.updates.sev3_minutes,
                    self.updates.sev4_minutes,
                    self.updates.sev5_minutes,
                ],
                at_most: self.updates.at_most,
                hours: hours_of(&self.updates).ok().flatten(),
            },
            permissions: Permissions {
                rules: self.permissions.rules.clone(),
                admins: self.permissions.admins.clone(),
                team: self.permissions.team.clone(),
            },
            archive_after_days: Some(self.slack.archive_after_days).filter(|days| *days > 0),
            rotations: self.rotations.iter().filter_map(|rotation| rotation_of(rotation).ok()).collect(),
            remind_after_minutes: self.triage.remind_after_minutes,
            windows: self.maintenance.iter().filter_map(|window| window_of(window).ok()).collect(),
        }
    }

    /// The routing key of a page's target.
    pub fn routing_key(&self, target: &str) -> Option<&SecretString> {
        self.secrets.routing_keys.get(target).or(self.secrets.pagerduty_routing_key.as_ref())
    }
}

impl super::Lineage {
    /// How names are spelled.
    ///
    /// # Errors
    /// A rule is no regular expression; [`Config::load`] has said so before.
    pub fn naming(&self) -> Result<crate::catalog::Naming, regex::Error> {
        let rules = self.rules.iter().map(|rule| Ok((regex::Regex::new(&rule.pattern)?, rule.replace.clone())));
        let aliases = self.aliases.iter().map(|(name, meant)| (name.to_ascii_lowercase(), meant.clone()));
        Ok(crate::catalog::Naming { rules: rules.collect::<Result<_, regex::Error>>()?, aliases: aliases.collect() })
    }
}

impl Mapping {
    fn pointers(&self) -> impl Iterator<Item = &str> {
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

fn glob_of(glob: &str) -> Result<globset::GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(glob).case_insensitive(true).build()?.compile_matcher())
}

/// The hours in which people are reminded; none where they may be at any hour.
fn hours_of(updates: &Updates) -> Result<Option<Window>, String> {
    if updates.from.is_empty() && updates.to.is_empty() && updates.days.is_empty() {
        return Ok(None);
    }
    let or_midnight = |time: &str| if time.is_empty() { "00:00".to_owned() } else { time.to_owned() };
    let window = WindowConfig {
        name: "working hours".to_owned(),
        matcher: Matcher::parse("*").map_err(|error| error.to_string())?,
        days: updates.days.clone(),
        from: or_midnight(&updates.from),
        to: or_midnight(&updates.to),
        zone: updates.zone,
        reason: String::new(),
    };
    window_of(&window).map(Some)
}

fn rotation_of(rotation: &RotationConfig) -> Result<Rotation, String> {
    let whence = match (&rotation.pagerduty_schedule, &rotation.slack_group, rotation.people.as_slice()) {
        (Some(id), None, []) => Whence::Schedule(id.clone()),
        (None, Some(id), []) if id.starts_with('S') => Whence::Group(id.clone()),
        (None, None, [_, ..]) => match (rotation.every, rotation.start) {
            (Some(every), Some(start)) => {
                Whence::Turns { people: rotation.people.clone(), every, start, zone: rotation.zone }
            }
            _ => return Err("people who take turns need `every` (hour, day or week) and `start`".to_owned()),
        },
        _ => return Err("give it one of `pagerduty_schedule`, `slack_group` (\"S…\") or `people`".to_owned()),
    };
    for one in &rotation.overrides {
        if one.until <= one.from {
            return Err(format!("the override from {} ends before it begins", one.from));
        }
        if one.people.is_empty() {
            return Err(format!("the override from {} names nobody", one.from));
        }
    }
    Ok(Rotation {
        name: rotation.name.clone(),
        role: rotation.role,
        services: rotation.services.clone(),
        whence,
        overrides: rotation.overrides.clone(),
    })
}

fn window_of(window: &WindowConfig) -> Result<Window, String> {
    let time = |text: &str| {
        chrono::NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| format!("{text:?} is no time of day; write 22:00"))
    };
    let days = match window.days.as_slice() {
        [] => {
            [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun].to_vec()
        }
        days => days.to_vec(),
    };
    Ok(Window {
        name: window.name.clone(),
        matcher: window.matcher.clone(),
        days,
        from: time(&window.from)?,
        to: time(&window.to)?,
        zone: window.zone,
        reason: window.reason.clone(),
    })
}

/// Something wrong, and a word of the file near it.
struct Problem {
    near: Option<String>,
    what: String,
}

impl Problem {
    fn at(near: &str, what: String) -> Self {
        Self { near: Some(near.to_owned()), what }
    }

    fn general(what: String) -> Self {
        Self { near: None, what }
    }

    fn located(self, file: &str, text: &str) -> String {
        let line = self.near.and_then(|near| {
            let quoted = format!("\"{near}\"");
            text.lines().position(|line| line.contains(&quoted))
        });
        match line {
            Some(line) => format!("{file}:{}: {}", line + 1, self.what),
            None => format!("{file}: {}", self.what),
        }
    }
}

fn explain_toml(file: &str, text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("{file}:{line}: {}", with_suggestion(error.message()))
}

/// "unknown field `listn`, expected one of `listen`, …" gains "did you mean `listen`?".
fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(wrong) = quoted.next().filter(|_| message.starts_with("unknown")) else {
        return message.to_owned();
    };
    let known: Vec<&str> = quoted.collect();
    format!("{message}{}", nearest(wrong, &known))
}

fn nearest(wrong: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(wrong, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 3)
        .min()
        .map(|(_, word)| format!("; did you mean `{word}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        [
            ("MUSTER_SLACK__BOT_TOKEN", "xoxb-1"),
            ("MUSTER_SLACK__SIGNING_SECRET", "new, old"),
            ("PROM_TOKEN", "0123456789abcdef"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    fn errors(text: &str) -> String {
        Config::parse("muster.toml", text, &variables()).expect_err("this is wrong").to_string()
    }

    #[test]
    fn variables_win_over_the_file_and_the_file_over_defaults() {
        let text = "[slack]\nteam_id = \"T1\"\n[server]\nlisten = \"127.0.0.1:1\"\n";
        let mut variables = variables();
        let config = Config::parse("muster.toml", text, &variables).expect("it is right");
        assert_eq!((config.server.listen.port(), config.slack.timeout_seconds), (1, 10));
        assert_eq!(config.secrets.slack_signing_secrets.len(), 2);
        variables.insert("MUSTER_SERVER__LISTEN".to_owned(), "127.0.0.1:2".to_owned());
        variables.insert("MUSTER_SLACK__TIMEOUT_SECONDS".to_owned(), "3".to_owned());
        let config = Config::parse("muster.toml", text, &variables).expect("it is right");
        assert_eq!((config.server.listen.port(), config.slack.timeout_seconds), (2, 3));
    }

    #[test]
    fn a_mistake_names_its_line_and_a_likely_word() {
        insta::assert_snapshot!(errors("[server]\nlistn = \"x\"\n"), @"muster.toml:2: unknown field `listn`, expected one of `listen`, `public_url`, `instance`, `body_limit_kib`; did you mean `listen`?");
        let text = "[slack]\nteam_id = \"T1\"\n\n[[sources]]\nname = \"prom\"\nkind = \"alertmanager\"\ntoken_env = \"PROM\"\n";
        assert_eq!(
            errors(text),
            "muster.toml:5: the variable PROM is not set; it holds the token of the source `prom`"
        );
        let text = "[slack]\nteam_id = \"T1\"\n[[teams]]\nname = \"data-platform\"\n[[services]]\nname = \"orders\"\nowner = \"data-platfrm\"\n";
        assert_eq!(
            errors(text),
            "muster.toml:7: the service `orders` is owned by `data-platfrm`, and there is no such team; did you mean `data-platform`?"
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = "[server]\npublic_url = \"muster\"\n";
        let told = errors(text);
        assert!(told.contains("team_id is empty") && told.contains("muster.toml:2: [server] public_url"), "{told}");
    }

    #[test]
    fn a_channels_name_has_known_places_only() {
        let told = errors("[slack]\nteam_id = \"T1\"\nchannel_name = \"inc-{{numbr}}\"\n");
        assert!(
            told.contains("muster.toml:3: [slack] channel_name has {{numbr}}, and there are number, title"),
            "{told}"
        );
    }

    #[test]
    fn a_route_that_asks_has_somewhere_to_ask() {
        let told = errors(
            "[slack]\nteam_id = \"T1\"\nannounce_channel = \"\"\n[[routes]]\nname = \"odd\"\naction = \"ask\"\n",
        );
        assert!(told.contains("the route `odd` asks people, and there is no channel to ask them in"), "{told}");
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let mut variables = variables();
        variables.insert("MUSTER_SERVER__LISTEN".to_owned(), "everywhere".to_owned());
        let error = Config::parse("muster.toml", "[slack]\nteam_id = \"T1\"\n", &variables)
            .expect_err("this is wrong")
            .to_string();
        assert!(error.starts_with("MUSTER_SERVER__LISTEN: "), "{error}");
    }
}
