//! Looks for every mistake of a configuration after all of it was read.

use std::collections::BTreeSet;

use super::mistakes::{Problems, nearest};
use super::sources::Source;
use super::to_policy::{glob_of, hours_of, rotation_of, window_of};
use super::{Config, SourceKind};
use crate::domain::Principal;
use crate::domain::permission::Verb;
use crate::domain::route::RouteAction;

/// The placeholders that a channel's name may have.
const CHANNEL_PLACES: [&str; 5] = ["number", "title", "date", "severity", "service"];

impl Config {
    pub(super) fn check(&self, found: &mut Problems<'_>) {
        self.check_addresses(found);
        self.check_lineage(found);
        self.check_sources(found);
        self.check_times(found);
        self.check_rotations(found);
        self.check_permissions(found);
        self.check_routes(found);
        self.check_heartbeats(found);
        self.check_services(found);
    }

    fn check_addresses(&self, found: &mut Problems<'_>) {
        if self.slack.team_id.is_empty() {
            found.general("[slack] team_id is empty. Without it Muster cannot tell its own workspace from others. It begins with T. You find it in Slack's address in a browser");
        }
        let name = &self.slack.channel_name;
        let places = name.split("{{").skip(1).map(|part| part.split("}}").next().unwrap_or(part).trim());
        for unknown in places.filter(|place| !CHANNEL_PLACES.contains(place)) {
            let known = CHANNEL_PLACES.join(", ");
            found.at(name, format!("[slack] channel_name has {{{{{unknown}}}}}, but there are only {known}"));
        }
        for (key, url) in [
            ("[server] public_url", &self.server.public_url),
            ("[slack] api_url", &self.slack.api_url),
            ("[pagerduty] events_url", &self.pagerduty.events_url),
            ("[pagerduty] api_url", &self.pagerduty.api_url),
        ] {
            let is_web = |url: url::Url| matches!(url.scheme(), "http" | "https") && url.host().is_some();
            if !url::Url::parse(url).is_ok_and(is_web) {
                found.at(url, format!("{key} = {url:?} is not a web address. Write it with https://"));
            }
        }
        let smtp = &self.mail.smtp_url;
        if !smtp.is_empty() && !smtp.starts_with("smtp") {
            found.at(smtp, format!("[mail] smtp_url = {smtp:?} must begin with smtp:// or smtps://"));
        }
    }

    fn check_lineage(&self, found: &mut Problems<'_>) {
        for rule in &self.lineage.rules {
            if let Err(error) = regex::Regex::new(&rule.pattern) {
                found.at(&rule.pattern, format!("{:?} is not a regular expression: {error}", rule.pattern));
            }
        }
        if self.lineage.fade_after_days >= self.lineage.forget_after_days {
            found.general(
                "[lineage] fade_after_days must be less than forget_after_days: an edge fades before it is forgotten",
            );
        }
    }

    fn check_sources(&self, found: &mut Problems<'_>) {
        let mut seen = BTreeSet::new();
        for source in &self.sources {
            let name = &source.name;
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                found.at(name, format!("the source name {name:?} may only have letters, digits, `-` and `_`, because it is part of an address"));
            }
            if !seen.insert(name) {
                found.at(name, format!("there are two sources named `{name}`"));
            }
            let needs = match source.kind {
                SourceKind::Sns if source.topics.is_empty() => "`topics`, the ARNs of the topics it may post for",
                SourceKind::Sns => continue,
                SourceKind::PagerdutyV2 if source.token_env.is_none() => {
                    "`token_env`, because its token is the routing key"
                }
                _ if source.token_env.is_none() && source.secret_env.is_none() => {
                    "`token_env` or `secret_env`; without one of them nobody may post"
                }
                _ => continue,
            };
            found.at(name, format!("the source `{name}` needs {needs}"));
        }
        self.sources.iter().for_each(|source| check_mapping(source, found));
    }

    fn check_times(&self, found: &mut Problems<'_>) {
        for window in &self.maintenance {
            if let Err(why) = window_of(window) {
                found.at(&window.name, format!("the maintenance window `{}`: {why}", window.name));
            }
        }
        if let Err(why) = hours_of(&self.updates) {
            found.general(format!("[updates] from, to: {why}"));
        }
    }

    fn check_rotations(&self, found: &mut Problems<'_>) {
        let services = self.service_names();
        for rotation in &self.rotations {
            let name = &rotation.name;
            if let Err(why) = rotation_of(rotation) {
                found.at(name, format!("the rotation `{name}`: {why}"));
            }
            for service in &rotation.services {
                found.unless_known(&format!("the rotation `{name}`"), "service", service, &services);
            }
            if rotation.pagerduty_schedule.is_some() && self.secrets.pagerduty_api_token.is_none() {
                let needs = "is read from PagerDuty, which needs MUSTER_PAGERDUTY__API_TOKEN";
                found.at(name, format!("the rotation `{name}` {needs}"));
            }
        }
    }

    fn check_permissions(&self, found: &mut Problems<'_>) {
        let named = self.permissions.admins.iter().chain(&self.permissions.team);
        for id in named.filter(|id| Principal::parse(id).is_none()) {
            let words = format!("[permissions] `{id}` is neither a person (`U…`) nor a user group (`S…`) of Slack");
            found.at(id, words);
        }
        for (verb, who) in &self.permissions.rules {
            let key = serde_json::to_value(verb).unwrap_or_default();
            let key = key.as_str().unwrap_or_default();
            if !Verb::of_people().any(|one| one == *verb) {
                found.at(key, format!("[permissions.rules] {key} is not an action"));
            } else if who.needs_incident() && !verb.is_about_an_incident() {
                found.at(key, format!("[permissions.rules] {key} is not about one incident. So it can only be allowed to everyone, the team or admins"));
            }
        }
    }

    fn check_routes(&self, found: &mut Problems<'_>) {
        let (services, teams) = (self.service_names(), self.team_names());
        for route in &self.routes {
            let whose = format!("the route `{}`", route.name);
            if let Some(service) = &route.service {
                found.unless_known(&whose, "service", service, &services);
            }
            for team in &route.teams {
                found.unless_known(&whose, "team", team, &teams);
            }
            let nowhere =
                self.slack.announce_channel.is_empty() && route.channel.as_deref().unwrap_or_default().is_empty();
            if route.action == RouteAction::Ask && nowhere {
                found.at(&route.name, format!("{whose} asks people, but no channel is set to ask them in. Give it a `channel`, or set [slack] announce_channel"));
            }
        }
    }

    fn check_heartbeats(&self, found: &mut Problems<'_>) {
        for beat in &self.heartbeats {
            let (name, source) = (&beat.name, &beat.source);
            if !self.sources.iter().any(|known| known.name == *source) {
                let words = format!("the heartbeat `{name}` belongs to the source `{source}`, which does not exist");
                found.at(name, words);
            }
            if beat.every_minutes == 0 {
                found.at(name, format!("the heartbeat `{name}` needs `every_minutes` of 1 or more"));
            }
        }
    }

    fn check_services(&self, found: &mut Problems<'_>) {
        let mut seen = BTreeSet::new();
        let teams = self.team_names();
        for service in &self.services {
            let name = &service.name;
            if !seen.insert(name) {
                found.at(name, format!("there are two services named `{name}`"));
            }
            for glob in &service.assets {
                if let Err(error) = glob_of(glob) {
                    found.at(glob, format!("{glob:?} is not a glob: {error}"));
                }
            }
            if let Some(owner) = service.owner.as_deref().filter(|owner| !teams.contains(owner)) {
                let meant = nearest(owner, &teams);
                let words = format!("the service `{name}` is owned by the team `{owner}`, which does not exist{meant}");
                found.at(owner, words);
            }
        }
    }

    fn service_names(&self) -> Vec<&str> {
        self.services.iter().map(|service| service.name.as_str()).collect()
    }

    fn team_names(&self) -> Vec<&str> {
        self.teams.iter().map(|team| team.name.as_str()).collect()
    }
}

fn check_mapping(source: &Source, found: &mut Problems<'_>) {
    let (Some(mapping), name) = (&source.mapping, &source.name) else { return };
    if source.kind != SourceKind::Generic {
        found.at(name, format!("the source `{name}` has a mapping, but only kind = \"generic\" uses one"));
    }
    if mapping.title.is_empty() {
        let needs = "needs `title`, a JSON pointer such as \"/message\"";
        found.at(name, format!("the mapping of the source `{name}` {needs}"));
    }
    for pointer in mapping.pointers().filter(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
        found.at(
            pointer,
            format!("{pointer:?} is not a JSON pointer. A pointer begins with `/`, as in \"/alert/name\""),
        );
    }
}
