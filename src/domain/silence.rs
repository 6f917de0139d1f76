//! Silences and maintenance windows: which of them hides an alert, and until when.

use chrono::{Datelike as _, LocalResult, NaiveDate, NaiveTime, TimeZone as _, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::matcher::Matcher;
use super::suppression::Suppression;
use super::{Signal, Time};

/// What hides an alert now, and until when. A silence counts before a window. Of several, the one that ends last counts.
pub fn hides<'a>(
    silences: impl Iterator<Item = &'a Silence>,
    windows: &[Window],
    signal: &Signal,
    now: Time,
) -> Option<(Suppression, Time)> {
    let silences = silences.filter(|silence| silence.holds(now) && silence.matcher.matches(signal));
    if let Some(silence) = silences.max_by_key(|silence| silence.until) {
        return Some((Suppression::Silenced { number: silence.number }, silence.until));
    }
    let windows = windows.iter().filter(|window| window.matcher.matches(signal));
    let lasting = windows.filter_map(|window| Some((window, window.holds(now)?)));
    let (window, until) = lasting.max_by_key(|(_, until)| *until)?;
    Some((Suppression::Maintenance { name: window.name.clone() }, until))
}

/// A time in which some alerts open nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    pub number: u64,
    pub matcher: Matcher,
    pub from: Time,
    pub until: Time,
    pub reason: String,
    /// Who is responsible for it: a person's id, or a name.
    pub owner: String,
}

impl Silence {
    /// Whether it is active at a moment.
    pub fn holds(&self, at: Time) -> bool {
        self.from <= at && at < self.until
    }
}

/// A time of the week in which some alerts open nothing. It has its own time zone.
#[derive(Debug, Clone)]
pub struct Window {
    pub name: String,
    pub matcher: Matcher,
    /// On which days it begins.
    pub days: Vec<Weekday>,
    /// When it begins, by the clocks of the zone.
    pub from: NaiveTime,
    /// When it ends. A time at or before `from` means the next day.
    pub to: NaiveTime,
    pub zone: Tz,
    pub reason: String,
}

impl Window {
    /// Until when it is active, if it is active at a moment. When clocks change, its ends move too. A time that does not exist is
    /// the moment after the gap. If a time exists twice, the first counts for the begin, and the last for the end.
    pub fn holds(&self, at: Time) -> Option<Time> {
        let local = at.with_timezone(&self.zone).date_naive();
        // It may have begun yesterday, by the zone's days.
        [local.pred_opt()?, local].into_iter().find_map(|day| {
            if !self.days.contains(&day.weekday()) {
                return None;
            }
            let last = if self.to > self.from { day } else { day.succ_opt()? };
            let (from, until) = (self.moment(day, self.from, false)?, self.moment(last, self.to, true)?);
            (from <= at && at < until).then_some(until)
        })
    }

    fn moment(&self, day: NaiveDate, time: NaiveTime, last: bool) -> Option<Time> {
        let mut local = day.and_time(time);
        // No gap of any zone is longer than a day.
        for _ in 0..96 {
            match self.zone.from_local_datetime(&local) {
                LocalResult::Single(at) => return Some(at.to_utc()),
                LocalResult::Ambiguous(first, second) => return Some(if last { second } else { first }.to_utc()),
                LocalResult::None => local += chrono::Duration::minutes(15),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[Weekday], from: &str, to: &str) -> Window {
        Window {
            name: "backfill".to_owned(),
            matcher: Matcher::parse("*").expect("a matcher"),
            days: days.to_vec(),
            from: from.parse().expect("a time"),
            to: to.parse().expect("a time"),
            zone: "Europe/Berlin".parse().expect("a zone"),
            reason: String::new(),
        }
    }

    #[test]
    fn windows_follow_the_clocks_of_their_zone() {
        let at = |text: &str| text.parse::<Time>().expect("a time");
        let nightly = window(&[Weekday::Sat], "22:00:00", "02:00:00");
        // Winter: 22:00 in Berlin is 21:00 UTC.
        assert_eq!(nightly.holds(at("2026-11-28T20:59:59Z")), None);
        assert_eq!(nightly.holds(at("2026-11-28T21:00:00Z")), Some(at("2026-11-29T01:00:00Z")));
        assert_eq!(nightly.holds(at("2026-11-29T00:59:59Z")), Some(at("2026-11-29T01:00:00Z")));
        assert_eq!(nightly.holds(at("2026-11-29T01:00:00Z")), None);
        assert_eq!(nightly.holds(at("2026-11-29T21:30:00Z")), None, "a Sunday");
        // The night in which clocks go forward: 02:00 is 03:00, so it is three hours long.
        assert_eq!(nightly.holds(at("2026-03-28T21:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        // A window inside the hour that does not exist begins and ends where that hour would.
        let skipped = window(&[Weekday::Sun], "02:15:00", "03:30:00");
        assert_eq!(skipped.holds(at("2026-03-29T01:05:00Z")), Some(at("2026-03-29T01:30:00Z")));
        // The hour that exists twice is covered both times.
        let twice = window(&[Weekday::Sun], "02:00:00", "02:45:00");
        for inside in ["2026-10-25T00:10:00Z", "2026-10-25T00:50:00Z", "2026-10-25T01:40:00Z"] {
            assert_eq!(twice.holds(at(inside)), Some(at("2026-10-25T01:45:00Z")), "{inside}");
        }
        assert_eq!(twice.holds(at("2026-10-25T01:45:00Z")), None);
    }
}
