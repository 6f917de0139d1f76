//! What was promised for an asset, and for how long it was broken. Only this file counts it, for both `sla` and the post-mortem.

use chrono::Duration;
use serde::Serialize;

use super::Time;
use super::incident::{Ending, Incident, Status, Verdict};
use super::times::duration;

/// How many days back are counted.
pub const DAYS: i64 = 30;

/// What was promised for one asset, and how well it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlaStatement {
    pub asset: String,
    /// The SLA in the words of the catalog. `None` if there is none.
    pub sla: Option<String>,
    /// How many incidents it had. What was no real incident does not count.
    pub incidents: usize,
    /// Whether it had exactly one.
    pub one: bool,
    /// Whether it had more incidents than were counted.
    pub more: bool,
    /// For how long its data was bad, in words. `None` if it had no incident.
    pub bad_for: Option<String>,
    /// How many of them still are open. They count until now.
    pub still: usize,
    /// Of how many it is not recorded when the data went bad. They count from when they were noticed.
    pub start_unknown: usize,
    /// Of how many that are over it is not recorded when the data was good again. They count until they were resolved.
    pub end_unknown: usize,
    /// The open incidents that reach it from upstream.
    pub reached_by: Vec<String>,
}

/// When the data of one incident was bad.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bad {
    from: Time,
    until: Time,
    still: bool,
    start_unknown: bool,
    end_unknown: bool,
}

impl Bad {
    /// `None` if the incident was none: a drill, a false alarm, expected, or a duplicate of another one.
    /// An incident that was merged goes on in another one. `ends` is the one that it ends with.
    fn of(incident: &Incident, ends: &Incident, now: Time) -> Option<Self> {
        if !is_real(incident) || !is_real(ends) {
            return None;
        }
        let over = if ends.status.is_open() { None } else { ends.resolved_at };
        let until = ends.good_again.or(over);
        Some(Self {
            from: incident.bad_from.unwrap_or(incident.detected_at),
            until: until.unwrap_or(now),
            still: ends.status.is_open() && ends.good_again.is_none(),
            start_unknown: incident.bad_from.is_none(),
            end_unknown: ends.good_again.is_none() && over.is_some(),
        })
    }
}

/// Whether people did not say that it was no incident.
fn is_real(incident: &Incident) -> bool {
    let ended_so = matches!(incident.ending, Some(Ending::FalseAlarm | Ending::Expected | Ending::Duplicate));
    let judged_so = matches!(incident.verdict, Some(Verdict::False | Verdict::Expected));
    !incident.drill && !ended_so && !judged_so
}

/// One incident of an asset, and the one that it goes on in, if it was merged.
pub struct Counted {
    pub incident: Incident,
    pub ends: Option<Incident>,
}

impl SlaStatement {
    /// For an asset and its incidents. What was bad before `since` is left out. `more` says that there are others.
    pub fn of(asset: &str, sla: Option<String>, of: &[Counted], since: Time, more: bool, now: Time) -> Self {
        let mut counted: Vec<(&str, Bad)> = Vec::new();
        for Counted { incident, ends } in of {
            let ends = ends.as_ref().unwrap_or(incident);
            // Its own end is not known if it goes on in an incident that is not known.
            let lost = ends.status == Status::Merged;
            if let Some(bad) = Bad::of(incident, ends, now).filter(|bad| !lost && bad.until >= since) {
                counted.push((ends.uid.as_str(), Bad { from: bad.from.max(since), ..bad }));
            }
        }
        let mut ends: Vec<&str> = counted.iter().map(|(uid, _)| *uid).collect();
        ends.sort_unstable();
        ends.dedup();
        let incidents = ends.len();
        let count = |is: fn(&Bad) -> bool| {
            let mut uids: Vec<&str> = counted.iter().filter(|(_, bad)| is(bad)).map(|(uid, _)| *uid).collect();
            uids.sort_unstable();
            uids.dedup();
            uids.len()
        };
        let minutes = bad_minutes(counted.iter().map(|(_, bad)| (bad.from, bad.until)).collect());
        let bad_for = match (incidents, minutes) {
            (0, _) => None,
            (_, 0) => Some("less than a minute".to_owned()),
            _ => Some(duration(now - Duration::minutes(minutes), now)),
        };
        Self {
            asset: asset.to_owned(),
            sla,
            incidents,
            one: incidents == 1,
            more,
            bad_for,
            still: count(|bad| bad.still),
            start_unknown: count(|bad| bad.start_unknown),
            end_unknown: count(|bad| bad.end_unknown),
            reached_by: Vec::new(),
        }
    }
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

    fn at(minute: i64) -> Time {
        Time::UNIX_EPOCH + Duration::minutes(minute)
    }

    #[test]
    fn times_that_overlap_count_once() {
        let minutes = |times: &[(i64, i64)]| bad_minutes(times.iter().map(|(a, b)| (at(*a), at(*b))).collect());
        assert_eq!(minutes(&[]), 0);
        assert_eq!(minutes(&[(0, 10), (20, 25)]), 15);
        assert_eq!(minutes(&[(20, 40), (0, 30), (5, 10)]), 40);
        assert_eq!(minutes(&[(10, 5), (6, 8)]), 2, "an end before its beginning is no time");
    }

    /// Each of these was bad for an hour. What was no incident does not count, and what is open counts until now.
    #[test]
    fn only_what_was_really_bad_counts() {
        let open =
            Incident { uid: "1".into(), status: Status::Investigating, detected_at: at(0), ..Incident::default() };
        let over = Incident {
            status: Status::Resolved,
            resolved_at: Some(at(60)),
            ending: Some(Ending::Fixed),
            ..open.clone()
        };
        let said = |one: &Incident, ends: Option<&Incident>| {
            let counted = [Counted { incident: one.clone(), ends: ends.cloned() }];
            let told = SlaStatement::of("a", None, &counted, at(-1000), false, at(120));
            (told.bad_for, told.still, told.end_unknown)
        };
        let hours = |hours: i64| Some(format!("{hours} h 0 min"));
        assert_eq!(said(&open, None), (hours(2), 1, 0));
        assert_eq!(said(&over, None), (hours(1), 0, 1));
        assert_eq!(said(&Incident { good_again: Some(at(60)), ..over.clone() }, None), (hours(1), 0, 0));
        let no_incident = [
            Incident { ending: Some(Ending::FalseAlarm), ..over.clone() },
            Incident { ending: Some(Ending::Expected), ..over.clone() },
            Incident { ending: Some(Ending::Duplicate), ..over.clone() },
            Incident { verdict: Some(Verdict::False), ..over.clone() },
            Incident { drill: true, ..over.clone() },
        ];
        for one in &no_incident {
            assert_eq!(said(one, None), (None, 0, 0), "{one:?}");
        }
        let merged = Incident { uid: "2".into(), status: Status::Merged, ..open.clone() };
        assert_eq!(said(&merged, Some(&open)), (hours(2), 1, 0), "it goes on in the other");
        assert_eq!(said(&merged, Some(&over)), (hours(1), 0, 1));
        assert_eq!(said(&merged, Some(&no_incident[0])), (None, 0, 0));
    }
}
