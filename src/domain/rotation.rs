//! Who is on duty: rotations for services, by hour, day or week. Pure. `app::roster` reads the schedules of PagerDuty and the
//! user groups of Slack.

use chrono::{NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Role, Time, UserId};

/// How long a turn takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    Hour,
    /// A day, by the zone's clocks.
    Day,
    /// Seven days, by the zone's clocks.
    Week,
}

/// Where Muster reads who is on duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationSource {
    Turns {
        /// In this order.
        people: Vec<UserId>,
        /// How long each turn takes.
        every: Turn,
        /// When the first turn of the first person begins, by the zone's clocks.
        start: NaiveDateTime,
        zone: Tz,
    },
    /// The people in a user group of Slack.
    Group(String),
    /// The people on duty by a schedule of PagerDuty.
    Schedule(String),
}

/// Who takes which role for which services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    pub name: String,
    /// The roles that the people on duty are asked to take.
    pub role: Role,
    /// For which services. If none is named, for all.
    pub services: Vec<String>,
    pub source: RotationSource,
    pub overrides: Vec<Override>,
}

/// Other people stand in for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    pub from: Time,
    pub until: Time,
    pub people: Vec<UserId>,
}

impl Rotation {
    /// Who stands in at a moment. If several entries hold, the one written last counts.
    pub fn stand_in(&self, now: Time) -> Option<&Override> {
        self.overrides.iter().rev().find(|one| one.from <= now && now < one.until)
    }

    /// Whether it is for a service.
    pub fn covers(&self, service: Option<&str>) -> bool {
        self.services.is_empty() || service.is_some_and(|service| self.services.iter().any(|one| one == service))
    }
}

/// Whose turn it is. Before the start, nobody's. Days and weeks end by the zone's clocks, so a day may have 23 or 25 hours.
pub fn whose_turn(people: &[UserId], every: Turn, start: NaiveDateTime, zone: Tz, now: Time) -> Option<&UserId> {
    let turns = match every {
        Turn::Hour => (now - zone.from_local_datetime(&start).earliest()?.to_utc()).num_seconds().div_euclid(3600),
        Turn::Day => (now.with_timezone(&zone).naive_local() - start).num_seconds().div_euclid(24 * 3600),
        Turn::Week => (now.with_timezone(&zone).naive_local() - start).num_seconds().div_euclid(7 * 24 * 3600),
    };
    let turns = usize::try_from(turns).ok()?;
    people.get(turns % people.len().max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Time {
        text.parse().expect("a time")
    }

    #[test]
    fn turns_end_by_the_clocks_of_the_zone() {
        let people = ["U1", "U2", "U3"].map(UserId::from);
        let berlin: Tz = "Europe/Berlin".parse().expect("a zone");
        let start = "2026-03-23T09:00:00".parse().expect("a moment");
        let who = |every, now: &str| whose_turn(&people, every, start, berlin, at(now)).map(UserId::as_str);
        assert_eq!(who(Turn::Week, "2026-03-23T07:59:59Z"), None, "before the start");
        assert_eq!(who(Turn::Week, "2026-03-23T08:00:00Z"), Some("U1"));
        // The clocks went forward on 29 March, so nine o'clock comes an hour earlier.
        assert_eq!(who(Turn::Week, "2026-03-30T06:59:59Z"), Some("U1"));
        assert_eq!(who(Turn::Week, "2026-03-30T07:00:00Z"), Some("U2"));
        assert_eq!(who(Turn::Day, "2026-03-29T06:59:59Z"), Some("U3"));
        assert_eq!(who(Turn::Day, "2026-03-29T07:00:00Z"), Some("U1"));
        // And back on 25 October.
        assert_eq!(
            who(Turn::Day, "2026-10-25T07:59:59Z"),
            whose_turn(&people, Turn::Day, start, berlin, at("2026-10-24T20:00:00Z")).map(UserId::as_str)
        );
        assert_eq!(who(Turn::Hour, "2026-03-23T10:30:00Z"), Some("U3"));
        assert_eq!(whose_turn(&[], Turn::Day, start, berlin, at("2026-03-29T07:00:00Z")), None);
    }

    proptest! {
        #[test]
        fn everybody_has_a_turn_and_nobody_two(count in 1usize..6, hours in 0i64..20_000) {
            let people: Vec<UserId> = (0..count).map(|n| format!("U{n}").into()).collect();
            let start: NaiveDateTime = "2026-01-05T00:00:00".parse().expect("a moment");
            let now = start.and_utc() + chrono::Duration::hours(hours);
            let turn = whose_turn(&people, Turn::Hour, start, Tz::UTC, now);
            let next = whose_turn(&people, Turn::Hour, start, Tz::UTC, now + chrono::Duration::hours(1));
            prop_assert!(turn.is_some() && (count == 1 || turn != next));
        }
    }
}
