//! What was promised for an asset, and for how long it was broken. Only this file counts it, for both `sla` and the post-mortem.

use chrono::Duration;
use serde::Serialize;

use super::Time;
use super::incident::Incident;
use super::times::duration;

/// So far back is counted, in days.
pub const DAYS: i64 = 30;

/// What was promised of one asset, and what was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlaStatement {
    pub asset: String,
    /// In the words of the catalog; none where nothing was promised there.
    pub sla: Option<String>,
    /// How many incidents it had. Drills count nowhere.
    pub incidents: usize,
    /// Whether that is one.
    pub one: bool,
    /// For how long its data was bad, in words; none where it never was.
    pub bad_for: Option<String>,
}

impl SlaStatement {
    /// Of an asset and all of its incidents that count.
    pub fn of(asset: &str, sla: Option<String>, incidents: &[Incident], now: Time) -> Self {
        let counted = incidents.iter().filter(|one| !one.drill);
        let minutes: i64 = counted.clone().map(|one| bad_minutes(one, now)).sum();
        let bad_for = (minutes > 0).then(|| duration(now - Duration::minutes(minutes), now));
        let incidents = counted.count();
        Self { asset: asset.to_owned(), sla, incidents, one: incidents == 1, bad_for }
    }
}

/// For how many minutes the data of an incident was bad; until now where it is not good again.
pub fn bad_minutes(incident: &Incident, now: Time) -> i64 {
    let until = incident.good_again.or(incident.resolved_at).unwrap_or(now);
    (until - incident.bad_from.unwrap_or(incident.detected_at)).num_minutes().max(0)
}
