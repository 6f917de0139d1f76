//! What an operator decided beforehand: sources, services, teams, when to page. `config` parses it, and decisions read it.

use std::collections::BTreeMap;

use globset::GlobMatcher;
use serde::{Deserialize, Serialize};

use super::incident::Recipient;
use super::reason::SeverityReason;
use super::suppression::{Route, Window};
use super::{AssetName, Principal, Severity, Signal, Time};

/// What happens when no alert of an incident fires any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnGreen {
    /// A button asks whether it is over.
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
    /// The tier of its assets; 1 raises the severity by one.
    pub tier: Option<u8>,
}

impl Service {
    /// Whether it answers for this asset.
    pub fn covers(&self, asset: &AssetName) -> bool {
        self.assets.iter().any(|glob| glob.is_match(asset.as_str()))
    }
}

/// A team and how it is reached.
#[derive(Debug, Clone, Default)]
pub struct Team {
    pub name: String,
    /// Who are invited to the team's incidents.
    pub members: Vec<Principal>,
    /// The channel, or else the person, that is told.
    pub contact: Option<String>,
    pub email: Option<String>,
}

impl Team {
    /// As somebody who is told of an incident.
    pub fn recipient(&self) -> Recipient {
        Recipient {
            key: self.name.to_lowercase(),
            name: self.name.clone(),
            slack: self.contact.clone(),
            email: self.email.clone(),
            assets: Vec::new(),
            total: 0,
        }
    }
}

/// How often people are reminded of an update that is due.
#[derive(Debug, Clone, Default)]
pub struct Cadence {
    /// After so many minutes without an update, by severity, the worst first; 0 for never.
    pub minutes: [u16; 5],
    /// So many reminders without an answer, and no more.
    pub at_most: u32,
    /// Below SEV2, only within these hours.
    pub hours: Option<Window>,
}

impl Cadence {
    /// When the next reminder is due; none where there is to be none.
    pub fn next(&self, severity: Severity, now: Time) -> Option<Time> {
        let minutes = self.minutes[usize::from(severity.number() - 1)];
        (minutes > 0).then(|| self.within_hours(severity, now + chrono::Duration::minutes(minutes.into())))
    }

    /// The moment, or the next one within working hours.
    pub fn within_hours(&self, severity: Severity, at: Time) -> Time {
        let Some(hours) = self.hours.as_ref().filter(|_| severity > Severity::Sev2) else { return at };
        // A week in quarters of an hour; whoever never works is reminded at once.
        (0..7 * 96)
            .map(|quarter| at + chrono::Duration::minutes(15 * quarter))
            .find(|at| hours.holds(*at).is_some())
            .unwrap_or(at)
    }
}

#[derive(Debug, Clone)]
pub struct Policy {
    /// Tells this Muster's pages from another's in one PagerDuty account.
    pub instance: String,
    pub on_green: BTreeMap<String, OnGreen>,
    pub services: Vec<Service>,
    pub teams: Vec<Team>,
    /// Whether a routing key is configured for what no service covers.
    pub can_page_by_default: bool,
    /// For what no service covers, this severity and worse are paged.
    pub page_from: Severity,
    pub announces: bool,
    /// After an incident, alerts below what was broken wait so many minutes whether they recover too.
    pub hold_off_minutes: u16,
    /// Nobody acknowledged it: said after so many minutes, and again after twice as many, and so on; 0 for never.
    pub remind_after_minutes: u16,
    /// So many days after its end, an incident's channel is archived; never without.
    pub archive_after_days: Option<u16>,
    pub rotations: Vec<super::rotation::Rotation>,
    pub cadence: Cadence,
    /// Who of the members may do what.
    pub permissions: super::permission::Permissions,
    /// What becomes of alerts; the first that matches counts.
    pub routes: Vec<Route>,
    /// When some alerts open nothing, every week.
    pub windows: Vec<Window>,
}

/// The name of the target that stands for the default routing key.
pub const DEFAULT_TARGET: &str = "default";

impl Policy {
    /// The first service that covers the asset.
    pub fn service_of(&self, asset: Option<&AssetName>) -> Option<&Service> {
        let asset = asset?;
        self.services.iter().find(|service| service.covers(asset))
    }

    /// The first route that is about a signal.
    pub fn route_of(&self, signal: &Signal) -> Option<&Route> {
        self.routes.iter().find(|route| route.matches(signal))
    }

    /// The service that answers for a signal: its route's, else its asset's.
    pub fn service_for(&self, signal: &Signal) -> Option<&Service> {
        let routed = self.route_of(signal).and_then(|route| self.service(route.service.as_deref()?));
        routed.or_else(|| self.service_of(signal.asset.as_ref()))
    }

    /// How bad a signal is, and why: its route's severity, else the monitor's with the tier of the asset: the service's, or else the
    /// catalog's.
    pub fn severity_for(&self, signal: &Signal, in_catalog: Option<u8>) -> (Severity, SeverityReason) {
        if let Some((route, severity)) = self.route_of(signal).and_then(|route| Some((route, route.severity?))) {
            return (severity, SeverityReason::Route { name: route.name.clone() });
        }
        let tier = self.service_for(signal).and_then(|service| service.tier).or(in_catalog);
        let because = SeverityReason::Monitor { level: signal.level, raised: tier == Some(1) };
        (Severity::of(signal.level, tier), because)
    }

    /// A service by its name, upper or lower case.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name.eq_ignore_ascii_case(name.trim()))
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
