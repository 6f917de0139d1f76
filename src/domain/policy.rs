//! What an operator decided beforehand: sources, services, teams, when to page. `config` parses it, and decisions read it.

use std::collections::BTreeMap;

use globset::GlobMatcher;
use serde::{Deserialize, Serialize};

use super::incident::Recipient;
use super::reason::SeverityReason;
use super::route::Route;
use super::silence::Window;
use super::{AssetName, Principal, Refusal, Severity, Signal, Time};

/// What happens when no alert of an incident fires any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnGreen {
    /// A button asks people whether it is over.
    #[default]
    Ask,
    Resolve,
    /// It is only noted.
    Nothing,
}

/// Something people own, and how to page for it.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name, which people use in `page <service>`.
    pub name: String,
    pub assets: Vec<GlobMatcher>,
    pub owner: Option<String>,
    pub can_page: bool,
    /// Whether one person can be paged on it, through PagerDuty's REST API.
    pub can_page_people: bool,
    pub page_from: Severity,
    /// The tier of its assets. Tier 1 raises the severity by one.
    pub tier: Option<u8>,
}

impl Service {
    /// Whether it is responsible for this asset.
    pub fn covers(&self, asset: &AssetName) -> bool {
        self.assets.iter().any(|glob| glob.is_match(asset.as_str()))
    }
}

/// A team and how it is reached.
#[derive(Debug, Clone, Default)]
pub struct Team {
    pub name: String,
    /// The people who are invited to the team's incidents.
    pub members: Vec<Principal>,
    /// The channel that is told, or a person if there is no channel.
    pub contact: Option<String>,
    pub email: Option<String>,
}

impl Team {
    /// The team as a recipient of news about an incident.
    pub fn recipient(&self) -> Recipient {
        Recipient {
            key: self.name.to_lowercase(),
            name: self.name.clone(),
            slack: self.contact.clone(),
            email: self.email.clone(),
            ..Recipient::default()
        }
    }
}

/// How often people are reminded that an update is due.
#[derive(Debug, Clone, Default)]
pub struct Cadence {
    /// After how many minutes without an update, by severity, the worst first. 0 means never.
    pub minutes: [u16; 5],
    /// The most reminders without an answer. After that, there are no more.
    pub at_most: u32,
    /// Below SEV2, people are reminded only within these hours.
    pub hours: Option<Window>,
}

impl Cadence {
    /// When the next reminder is due. `None` if there is to be no reminder.
    pub fn next(&self, severity: Severity, now: Time) -> Option<Time> {
        let minutes = self.minutes[usize::from(severity.number() - 1)];
        (minutes > 0).then(|| self.within_hours(severity, now + chrono::Duration::minutes(minutes.into())))
    }

    /// The moment, or the next one within working hours.
    pub fn within_hours(&self, severity: Severity, at: Time) -> Time {
        let Some(hours) = self.hours.as_ref().filter(|_| severity > Severity::Sev2) else { return at };
        // A week in quarters of an hour. A team without working hours is reminded at once.
        (0..7 * 96)
            .map(|quarter| at + chrono::Duration::minutes(15 * quarter))
            .find(|at| hours.holds(*at).is_some())
            .unwrap_or(at)
    }
}

#[derive(Debug, Clone)]
pub struct Policy {
    /// Distinguishes this Muster's pages from another's in the same PagerDuty account.
    pub instance: String,
    pub on_green: BTreeMap<String, OnGreen>,
    pub services: Vec<Service>,
    pub teams: Vec<Team>,
    /// Whether a routing key is configured for assets that no service covers.
    pub can_page_by_default: bool,
    /// For assets that no service covers, this severity and worse are paged.
    pub page_from: Severity,
    pub announces: bool,
    /// After an incident, alerts below the broken assets wait this many minutes, in case they recover too.
    pub hold_off_minutes: u16,
    /// After this many minutes Muster says that nobody acknowledged it, then after twice as many, and so on. 0 means never.
    pub remind_after_minutes: u16,
    /// An incident's channel is archived this many days after the incident ends. If there is no number, never.
    pub archive_after_days: Option<u16>,
    pub rotations: Vec<super::rotation::Rotation>,
    pub cadence: Cadence,
    /// Which members may do what.
    pub permissions: super::permission::Permissions,
    /// What becomes of alerts. The first route that matches counts.
    pub routes: Vec<Route>,
    /// The maintenance windows, in which some alerts open nothing, every week.
    pub windows: Vec<Window>,
}

/// The target that stands for the default routing key.
pub const DEFAULT_TARGET: &str = "default";

/// Where a page goes.
pub struct PageTarget<'a> {
    /// The service's name, or [`DEFAULT_TARGET`].
    pub name: &'a str,
    /// Whether there is a routing key for it.
    pub can_page: bool,
    pub page_from: Severity,
}

impl Policy {
    /// The first service that covers the asset.
    pub fn service_of(&self, asset: Option<&AssetName>) -> Option<&Service> {
        let asset = asset?;
        self.services.iter().find(|service| service.covers(asset))
    }

    /// The first route that matches a signal.
    pub fn route_of(&self, signal: &Signal) -> Option<&Route> {
        self.routes.iter().find(|route| route.matches(signal))
    }

    /// The service that is responsible for a signal: its route's, else its asset's.
    pub fn service_for(&self, signal: &Signal) -> Option<&Service> {
        let routed = self.route_of(signal).and_then(|route| self.service(route.service.as_deref()?));
        routed.or_else(|| self.service_of(signal.asset.as_ref()))
    }

    /// How bad a signal is, and why. The severity of its route counts first, then the monitor's level with the tier of the asset.
    /// The tier is that of the service, or else that of the catalog.
    pub fn severity_for(&self, signal: &Signal, in_catalog: Option<u8>) -> (Severity, SeverityReason) {
        if let Some((route, severity)) = self.route_of(signal).and_then(|route| Some((route, route.severity?))) {
            return (severity, SeverityReason::Route { name: route.name.clone() });
        }
        let tier = self.service_for(signal).and_then(|service| service.tier).or(in_catalog);
        let because = SeverityReason::Monitor { level: signal.level, raised: tier == Some(1) };
        (Severity::of(signal.level, tier), because)
    }

    /// Finds a service by its name, in upper or lower case.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name.eq_ignore_ascii_case(name.trim()))
    }

    /// The service of this name, or a refusal that lists the services.
    pub fn known_service(&self, name: &str) -> Result<&Service, Refusal> {
        self.service(name).ok_or_else(|| {
            let names: Vec<_> = self.services.iter().map(|service| format!("`{}`", service.name)).collect();
            let hint = if names.is_empty() {
                "No services are configured; `/incident page default` uses the default routing key.".to_owned()
            } else {
                format!("There are: {}.", names.join(", "))
            };
            Refusal::NoSuchService { name: name.to_owned(), hint }
        })
    }

    /// Where a page for a service goes. Without a service of this name, it goes to the default target.
    pub fn page_target(&self, service: Option<&str>) -> PageTarget<'_> {
        let (name, has_key, page_from) = match service.and_then(|name| self.service(name)) {
            Some(service) => (service.name.as_str(), service.can_page, service.page_from),
            None => (DEFAULT_TARGET, false, self.page_from),
        };
        PageTarget { name, can_page: has_key || self.can_page_by_default, page_from }
    }

    /// The people and user groups to invite for a service.
    pub fn members_for(&self, service: Option<&str>) -> Vec<Principal> {
        service
            .and_then(|name| self.service(name))
            .and_then(|service| service.owner.as_deref())
            .and_then(|owner| self.teams.iter().find(|team| team.name == owner))
            .map(|team| team.members.clone())
            .unwrap_or_default()
    }
}
