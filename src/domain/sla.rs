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
    /// Whether it had more incidents than were counted.
    pub more: bool,
    /// For how long its data was bad, in words. `None` if no such time is recorded.
    pub bad_for: Option<String>,
}

impl SlaStatement {
    /// For an asset and its incidents. Drills are left out. `more` says that there are others.
    pub fn of(asset: &str, sla: Option<String>, incidents: &[Incident], more: bool, now: Time) -> Self {
        let counted: Vec<_> = incidents.iter().filter(|one| !one.drill).collect();
        let minutes = bad_minutes(counted.iter().map(|one| bad_time(one, now)).collect());
        let bad_for = (minutes > 0).then(|| duration(now - Duration::minutes(minutes), now));
        let incidents = counted.len();
        Self { asset: asset.to_owned(), sla, incidents, one: incidents == 1, more, bad_for }
    }
}

/// From when until when the data of an incident was bad. If it is not good again, until now.
fn bad_time(incident: &Incident, now: Time) -> (Time, Time) {
    (incident.bad_from.unwrap_or(incident.detected_at), incident.good_again.or(incident.resolved_at).unwrap_or(now))
}

/// The minutes that are in any of these times. Times that overlap count once.
fn bad_minutes(mut times: Vec<(Time, Time)>) -> i64 {
    times.sort_unstable();
    let (mut minutes, mut reached) = (0, Time::MIN_UTC);
    for (from, until) in times {
        minutes += (until - from.max(reached)).num_minutes().max(0);
        reached = reached.max(until);
    }
    minutes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_overlap_count_once() {
        let at = |minute: i64| Time::UNIX_EPOCH + Duration::minutes(minute);
        let minutes = |times: &[(i64, i64)]| bad_minutes(times.iter().map(|(a, b)| (at(*a), at(*b))).collect());
        assert_eq!(minutes(&[]), 0);
        assert_eq!(minutes(&[(0, 10), (20, 25)]), 15);
        assert_eq!(minutes(&[(20, 40), (0, 30), (5, 10)]), 40);
        assert_eq!(minutes(&[(10, 5), (6, 8)]), 2, "an end before its beginning is no time");
    }
}
