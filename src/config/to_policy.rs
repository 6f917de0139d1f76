//! Makes the policy, which decisions read, from the configuration.

use chrono::Weekday;
use globset::GlobBuilder;
use secrecy::SecretString;

use super::{Config, Lineage, RotationConfig, Updates, WindowConfig};
use crate::domain::matcher::Matcher;
use crate::domain::permission::Permissions;
use crate::domain::policy::{Cadence, Policy, Service, Team};
use crate::domain::rotation::{Rotation, RotationSource};
use crate::domain::route::Route;
use crate::domain::silence::Window;
use crate::domain::{Principal, is_channel, is_person};

impl Config {
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
                    members: team.slack.split([',', '|']).filter_map(|id| Principal::parse(id.trim())).collect(),
                    // A channel before a person: more people read it.
                    contact: [is_channel, is_person].into_iter().find_map(|is_wanted| {
                        let mut ids = team.slack.split([',', '|']).map(str::trim);
                        ids.find(|id| is_wanted(id)).map(str::to_owned)
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
                admins: self.permissions.admins.iter().filter_map(|id| Principal::parse(id)).collect(),
                team: self.permissions.team.iter().filter_map(|id| Principal::parse(id)).collect(),
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

impl Lineage {
    /// The operator's spelling of names.
    ///
    /// # Errors
    /// A rule is not a regular expression. [`Config::load`] has already refused that.
    pub fn naming(&self) -> Result<crate::catalog::Naming, regex::Error> {
        let rules = self.rules.iter().map(|rule| Ok((regex::Regex::new(&rule.pattern)?, rule.replace.clone())));
        let aliases = self.aliases.iter().map(|(name, meant)| (name.to_ascii_lowercase(), meant.clone()));
        Ok(crate::catalog::Naming { rules: rules.collect::<Result<_, regex::Error>>()?, aliases: aliases.collect() })
    }
}

pub(super) fn glob_of(glob: &str) -> Result<globset::GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(glob).case_insensitive(true).build()?.compile_matcher())
}

/// The hours in which people are reminded; `None` if any hour is fine.
pub(super) fn hours_of(updates: &Updates) -> Result<Option<Window>, String> {
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

pub(super) fn rotation_of(rotation: &RotationConfig) -> Result<Rotation, String> {
    let source = match (&rotation.pagerduty_schedule, &rotation.slack_group, rotation.people.as_slice()) {
        (Some(id), None, []) => RotationSource::Schedule(id.clone()),
        (None, Some(id), []) if matches!(Principal::parse(id), Some(Principal::Group(_))) => {
            RotationSource::Group(id.clone())
        }
        (None, None, [_, ..]) => match (rotation.every, rotation.start) {
            (Some(every), Some(start)) => {
                RotationSource::Turns { people: rotation.people.clone(), every, start, zone: rotation.zone }
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
        source,
        overrides: rotation.overrides.clone(),
    })
}

pub(super) fn window_of(window: &WindowConfig) -> Result<Window, String> {
    let time = |text: &str| {
        chrono::NaiveTime::parse_from_str(text, "%H:%M")
            .map_err(|_| format!("{text:?} is not a time of day. Write 22:00"))
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
