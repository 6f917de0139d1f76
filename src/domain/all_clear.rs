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
    /// The titles of alerts that nobody repeated. So they are taken to be over.
    pub lapsed: Vec<String>,
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
        let titles = |are: &dyn Fn(&Alert) -> bool| {
            alerts.iter().filter(|alert| are(alert)).take(NAMED).map(|alert| alert.signal.title.clone()).collect()
        };
        // An alert that began after that time says otherwise.
        let good = incident.good_again.is_some_and(|good| firing.iter().all(|alert| alert.last_seen <= good));
        let mut known = Self {
            confirmed: good || incident.ending == Some(Ending::FalseAlarm),
            green: ended(&all, incident.reopened_at),
            firing: titles(&fires),
            lapsed: titles(&|alert| alert.signal.lapsed),
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
        self.held.is_empty() && self.unknown.is_empty() && (self.confirmed || self.green || !self.clear.is_empty())
    }
}

fn fires(alert: &Alert) -> bool {
    alert.signal.status == SignalStatus::Firing
}

/// Whether there were alerts, and monitors said of all that they ended. What ended before people opened the incident again says nothing,
/// and neither does an alert that nobody repeated, or that ended without a recovery.
fn ended(alerts: &[&Alert], reopened: Option<Time>) -> bool {
    let last = alerts.iter().filter_map(|alert| alert.resolved_at).max();
    !alerts.iter().any(|alert| fires(alert) || alert.signal.lapsed || alert.signal.unrecovered.is_some())
        && last.is_some_and(|last| reopened.is_none_or(|reopened| last > reopened))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Signal;
    use crate::domain::reason::JoinReason;

    fn at(minute: i64) -> Time {
        Time::UNIX_EPOCH + chrono::Duration::minutes(minute)
    }

    /// An alert that began at minute 10. It ended at this minute, if at all.
    fn alert(ended: Option<i64>, lapsed: bool) -> Alert {
        let status = if ended.is_some() { SignalStatus::Resolved } else { SignalStatus::Firing };
        let signal = Signal { status, lapsed, ..Signal::new("dq", "k", "orders are stale", at(10)) };
        let alert = Alert::new("a".into(), signal, JoinReason::Opened, false, at(10));
        Alert { resolved_at: ended.map(at), ..alert }
    }

    #[test]
    fn an_asset_is_called_good_again_only_if_that_is_known() {
        let over = Incident { status: Status::Resolved, ending: Some(Ending::Fixed), ..Incident::default() };
        let good = |minute| Incident { good_again: Some(at(minute)), ..over.clone() };
        let ended_as = |ending| Incident { ending: Some(ending), ..over.clone() };
        let reopened = Incident { reopened_at: Some(at(30)), ..over.clone() };
        for (incident, alerts, clear, why) in [
            (&over, vec![], false, "nobody said anything"),
            (&over, vec![alert(None, false)], false, "it fires"),
            (&over, vec![alert(Some(20), false)], true, "it ended"),
            (&over, vec![alert(Some(20), true)], false, "nobody repeated it, and that is all"),
            (&over, vec![alert(Some(20), false), alert(None, false)], false, "one of two ended"),
            (&reopened, vec![alert(Some(20), false)], false, "it ended before people opened the incident again"),
            (&reopened, vec![alert(Some(40), false)], true, "it ended afterwards"),
            (&good(20), vec![], true, "people said so"),
            (&good(20), vec![alert(None, false)], true, "people said so after it began"),
            (&good(5), vec![alert(None, false)], false, "it began after that"),
            (&ended_as(Ending::FalseAlarm), vec![alert(None, false)], true, "the check is wrong"),
            (&ended_as(Ending::Expected), vec![alert(None, false)], false, "it was known, and may be so still"),
            (&ended_as(Ending::Duplicate), vec![], false, "it goes on elsewhere"),
        ] {
            let used = |others: &[&str], hidden| Used {
                asset: "bi.revenue".to_owned(),
                alerts: alerts.iter().collect(),
                others: others.iter().map(ToString::to_string).collect(),
                hidden,
            };
            let known = AllClear::of(incident, &alerts, vec![used(&[], false)]);
            assert_eq!((known.clear.len() == 1, known.is_clear()), (clear, clear), "{why}: {known:?}");
            // Whatever is known of this incident, another one holds it.
            for (others, hidden) in [(&["INC-2"][..], false), (&[][..], true)] {
                let known = AllClear::of(incident, &alerts, vec![used(others, hidden)]);
                assert!(known.clear.is_empty() && !known.is_clear(), "{why}: {known:?}");
            }
        }
    }
}
