//! What was promised for an asset, and for how long it was broken. Only this file counts it, for both `sla` and the post-mortem.

use chrono::Duration;
use serde::Serialize;

use super::Time;
use super::incident::Incident;
use super::times::duration;

/// How many days back are counted.
pub const DAYS: i64 = 30;

/// What was promised for one asset, and how well it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlaStatement {
    pub asset: String,
    /// The SLA in the words of the catalog. `None` if there is none.
    pub sla: Option<String>,
    /// How many incidents it had. Drills do not count.
    pub incidents: usize,
    /// Whether it had exactly one.
    pub one: bool,
    /// For how long its data was bad, in words. `None` if it never was.
    pub bad_for: Option<String>,
}

impl SlaStatement {
    /// For an asset and all of its incidents. Drills are left out.
    pub fn of(asset: &str, sla: Option<String>, incidents: &[Incident], now: Time) -> Self {
        let counted = incidents.iter().filter(|one| !one.drill);
        let minutes: i64 = counted.clone().map(|one| bad_minutes(one, now)).sum();
        let bad_for = (minutes > 0).then(|| duration(now - Duration::minutes(minutes), now));
        let incidents = counted.count();
        Self { asset: asset.to_owned(), sla, incidents, one: incidents == 1, bad_for }
    }
}

/// For how many minutes the data of an incident was bad. If it is not good again, until now.
pub fn bad_minutes(incident: &Incident, now: Time) -> i64 {
    let until = incident.good_again.or(incident.resolved_at).unwrap_or(now);
    (until - incident.bad_from.unwrap_or(incident.detected_at)).num_minutes().max(0)
}
