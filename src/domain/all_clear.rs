//! What may be said to people outside when an incident is over. "You can rely on it again" is said of an asset only if all its alerts
//! ended, or if people said so, and if no other incident reaches it.

use serde::Serialize;

use super::incident::Ending;
use super::{Alert, Incident, SignalStatus, Status, Time};

/// How many names of alerts a message has.
const NAMED: usize = 3;

/// One asset of somebody outside, and what may be wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Used<'a> {
    pub asset: String,
    /// The alerts of the incident that are about it, or about something that it is made of.
    pub alerts: Vec<&'a Alert>,
    /// Other open incidents that reach it, by name.
    pub others: Vec<String>,
    /// Whether an open incident reaches it that not everybody may see.
    pub hidden: bool,
}

/// What is known of the data of one person or team outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AllClear {
    /// The assets on which they can rely again.
    pub clear: Vec<String>,
    /// The assets that other open incidents reach.
    pub held: Vec<Held>,
    /// The assets of which nothing is known.
    pub unknown: Vec<String>,
    /// Whether people said that the data is good again, or never was bad.
    pub confirmed: bool,
    /// Whether all alerts of the incident ended.
    pub green: bool,
    /// The titles of alerts that still fire, and how many more there are.
    pub firing: Vec<String>,
    pub more_firing: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    pub asset: String,
    pub by: Vec<String>,
}

impl AllClear {
    pub fn of(incident: &Incident, alerts: &[Alert], used: Vec<Used<'_>>) -> Self {
        let all: Vec<&Alert> = alerts.iter().collect();
        let firing: Vec<&Alert> = alerts.iter().filter(|alert| fires(alert)).collect();
        // An alert that began after that time says otherwise.
        let good = incident.good_again.is_some_and(|good| firing.iter().all(|alert| alert.last_seen <= good));
        let mut known = Self {
            confirmed: good || incident.ending == Some(Ending::FalseAlarm),
            green: ended(&all, incident.reopened_at),
            firing: firing.iter().take(NAMED).map(|alert| alert.signal.title.clone()).collect(),
            more_firing: firing.len().saturating_sub(NAMED),
            ..Self::default()
        };
        for Used { asset, alerts, others, hidden } in used {
            if !others.is_empty() {
                known.held.push(Held { asset, by: others });
            } else if !hidden && (known.confirmed || ended(&alerts, incident.reopened_at)) {
                known.clear.push(asset);
            } else {
                known.unknown.push(asset);
            }
        }
        known
    }

    /// Whether nothing speaks against the data any more.
    pub fn is_clear(&self) -> bool {
        self.held.is_empty() && self.unknown.is_empty() && (self.confirmed || self.green)
    }
}

fn fires(alert: &Alert) -> bool {
    alert.signal.status == SignalStatus::Firing
}

/// Whether there were alerts, and all ended. What ended before people opened the incident again says nothing.
fn ended(alerts: &[&Alert], reopened: Option<Time>) -> bool {
    let last = alerts.iter().filter_map(|alert| alert.resolved_at).max();
    !alerts.iter().any(|alert| fires(alert)) && last.is_some_and(|last| reopened.is_none_or(|reopened| last > reopened))
}

impl Incident {
    /// Whether people who were told of its end were not given the all-clear, as far as the incident alone knows.
    pub fn awaits_all_clear(&self) -> bool {
        self.status == Status::Resolved
            && self.good_again.is_none()
            && self.ending != Some(Ending::FalseAlarm)
            && (self.firing > 0 || self.alerts == 0 || self.reopened_at.is_some())
    }
}
