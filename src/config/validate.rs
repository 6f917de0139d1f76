//! Looks for every mistake of a configuration after all of it was read.

use super::mistakes::{Problem, nearest};
use super::to_policy::{glob_of, hours_of, rotation_of, window_of};
use super::{Config, SourceKind};
use crate::domain::Principal;
use crate::domain::permission::Verb;
use crate::domain::route::RouteAction;

/// The placeholders that a channel's name may have.
const CHANNEL_PLACES: [&str; 5] = ["number", "title", "date", "severity", "service"];

impl Config {
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.slack.team_id.is_empty() {
            problems.push(Problem::general(
                "[slack] team_id is empty. Without it Muster cannot tell its own workspace from others. It begins with T. You find it in Slack's address in a browser".to_owned(),
            ));
        }
        let places =
            self.slack.channel_name.split("{{").skip(1).map(|part| part.split("}}").next().unwrap_or(part).trim());
        for unknown in places.filter(|place| !CHANNEL_PLACES.contains(place)) {
            problems.push(Problem::at(
                &self.slack.channel_name,
                format!("[slack] channel_name has {{{{{unknown}}}}}, but there are only {}", CHANNEL_PLACES.join(", ")),
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
                    .push(Problem::at(url, format!("{key} = {url:?} is not a web address. Write it with https://"))),
            }
        }
        for rule in &self.lineage.rules {
            if let Err(error) = regex::Regex::new(&rule.pattern) {
                problems.push(Problem::at(
                    &rule.pattern,
                    format!("{:?} is not a regular expression: {error}", rule.pattern),
                ));
            }
        }
        if self.lineage.fade_after_days >= self.lineage.forget_after_days {
            problems.push(Problem::general(
                "[lineage] fade_after_days must be less than forget_after_days: an edge fades before it is forgotten"
                    .to_owned(),
            ));
        }
        if !self.mail.smtp_url.is_empty() && !self.mail.smtp_url.starts_with("smtp") {
            problems.push(Problem::at(
                &self.mail.smtp_url,
                format!("[mail] smtp_url = {:?} must begin with smtp:// or smtps://", self.mail.smtp_url),
            ));
        }
        let mut seen = std::collections::BTreeSet::new();
        for source in &self.sources {
            if source.name.is_empty() || !source.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            {
                problems.push(Problem::at(&source.name, format!("the source name {:?} may only have letters, digits, `-` and `_`, because it is part of an address", source.name)));
            }
            if !seen.insert(("source", source.name.clone())) {
                problems.push(Problem::at(&source.name, format!("there are two sources named `{}`", source.name)));
            }
            let needs = match source.kind {
                SourceKind::Sns if source.topics.is_empty() => Some("`topics`, the ARNs of the topics it may post for"),
                SourceKind::Sns => None,
                SourceKind::PagerdutyV2 if source.token_env.is_none() => {
                    Some("`token_env`, because its token is the routing key")
                }
                _ if source.token_env.is_none() && source.secret_env.is_none() => {
                    Some("`token_env` or `secret_env`; without one of them nobody may post")
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
                        format!("the source `{}` has a mapping, but only kind = \"generic\" uses one", source.name),
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
                        format!("{pointer:?} is not a JSON pointer. A pointer begins with `/`, as in \"/alert/name\""),
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
                problems.push(Problem::unknown(
                    &format!("the rotation `{}`", rotation.name),
                    "service",
                    service,
                    &services,
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
        let named = self.permissions.admins.iter().chain(&self.permissions.team);
        for id in named.filter(|id| Principal::parse(id).is_none()) {
            let words = format!("[permissions] `{id}` is neither a person (`U…`) nor a user group (`S…`) of Slack");
            problems.push(Problem::at(id, words));
        }
        for (verb, who) in &self.permissions.rules {
            let key = serde_json::to_value(verb).unwrap_or_default();
            let key = key.as_str().unwrap_or_default();
            if !Verb::of_people().any(|one| one == *verb) {
                problems.push(Problem::at(key, format!("[permissions.rules] {key} is not an action")));
            } else if who.needs_incident() && !verb.is_about_an_incident() {
                problems.push(Problem::at(
                    key,
                    format!("[permissions.rules] {key} is not about one incident. So it can only be allowed to everyone, the team or admins"),
                ));
            }
        }
        for route in &self.routes {
            if let Some(service) = route.service.as_deref().filter(|service| !services.contains(service)) {
                problems.push(Problem::unknown(&format!("the route `{}`", route.name), "service", service, &services));
            }
        }
        for route in self.routes.iter().filter(|route| route.action == RouteAction::Ask) {
            if self.slack.announce_channel.is_empty() && route.channel.as_deref().unwrap_or_default().is_empty() {
                problems.push(Problem::at(
                    &route.name,
                    format!(
                        "the route `{}` asks people, but no channel is set to ask them in. Give it a `channel`, or set [slack] announce_channel",
                        route.name
                    ),
                ));
            }
        }
        let teams: Vec<&str> = self.teams.iter().map(|team| team.name.as_str()).collect();
        for route in &self.routes {
            for team in route.teams.iter().filter(|team| !teams.contains(&team.as_str())) {
                problems.push(Problem::unknown(&format!("the route `{}`", route.name), "team", team, &teams));
            }
        }
        for beat in &self.heartbeats {
            if !self.sources.iter().any(|source| source.name == beat.source) {
                problems.push(Problem::at(
                    &beat.name,
                    format!(
                        "the heartbeat `{}` belongs to the source `{}`, which does not exist",
                        beat.name, beat.source
                    ),
                ));
            }
            if beat.every_minutes == 0 {
                problems.push(Problem::at(
                    &beat.name,
                    format!("the heartbeat `{}` needs `every_minutes` of 1 or more", beat.name),
                ));
            }
        }
        for service in &self.services {
            if !seen.insert(("service", service.name.clone())) {
                problems.push(Problem::at(&service.name, format!("there are two services named `{}`", service.name)));
            }
            for glob in &service.assets {
                if let Err(error) = glob_of(glob) {
                    problems.push(Problem::at(glob, format!("{glob:?} is not a glob: {error}")));
                }
            }
            if let Some(owner) = &service.owner
                && !self.teams.iter().any(|team| &team.name == owner)
            {
                let names: Vec<&str> = self.teams.iter().map(|team| team.name.as_str()).collect();
                problems.push(Problem::at(
                    owner,
                    format!(
                        "the service `{}` is owned by the team `{owner}`, which does not exist{}",
                        service.name,
                        nearest(owner, &names)
                    ),
                ));
            }
        }
        problems
    }
}
