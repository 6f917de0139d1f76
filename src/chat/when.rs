//! Times as people type them: `06:10`, `2h ago`, `30m`, `friday`, `2026-12-01`, `2026-12-01 06:10`. They are always UTC, and the answer says
//! which moment was understood.

use chrono::{Datelike as _, Duration, NaiveDate, NaiveTime, Weekday};

use crate::domain::Time;

/// Whether a bare time of day means the last such time or the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// `since 06:10`: the last time it was 06:10; `2h` means two hours ago.
    Past,
    /// `next 15:00`: the next time it is 15:00; `2h` means in two hours.
    Future,
}

/// The moment. `None` for words that are not a time, or not one that anybody means: a promise in the past, or a moment more than ten years away.
pub(crate) fn parse(words: &str, now: Time, toward: Toward) -> Option<Time> {
    let at = read(words, now, toward)?;
    let is_far = (at - now).num_days().abs() > MAX_YEARS * 366;
    let is_kept = toward == Toward::Past || at >= now;
    (!is_far && is_kept).then_some(at)
}

/// What is said of words that [`parse`] does not understand.
pub(crate) fn not_understood(words: &str, toward: Toward) -> String {
    let or_past = if toward == Toward::Future { ", or it has passed already" } else { "" };
    format!("“{words}” is not a time I understand{or_past}.")
}

/// Whether words look like a time. If they are not one, that is a mistake and not a sentence: `25:00`, `9999h`, `at 06:70`.
pub(crate) fn looks_like_one(words: &str) -> bool {
    let words = words.trim().trim_start_matches("at ").trim_end_matches("UTC").trim();
    let first = words.split_whitespace().next().unwrap_or_default();
    let is_clock = |word: &str| {
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        digits > 0 && word[digits..].chars().all(|c| c.is_ascii_digit() || ":-./tzmhd".contains(c.to_ascii_lowercase()))
    };
    is_clock(first) && words.split_whitespace().skip(1).all(is_clock)
}

/// The farthest moment of an incident or a promise, in years.
const MAX_YEARS: i64 = 10;

fn read(words: &str, now: Time, toward: Toward) -> Option<Time> {
    let words = words.trim().to_lowercase();
    let words = words.trim_end_matches("utc").trim();
    if words == "now" {
        return Some(now);
    }
    if let Ok(at) = words.to_uppercase().parse::<Time>() {
        return Some(at);
    }
    let (amount, forced) = match (words.strip_suffix("ago"), words.strip_prefix("in ")) {
        (Some(amount), _) => (amount.trim(), Some(Toward::Past)),
        (_, Some(amount)) => (amount.trim(), Some(Toward::Future)),
        _ => (words, None),
    };
    if let Some(span) = span(amount) {
        return match forced.unwrap_or(toward) {
            Toward::Past => now.checked_sub_signed(span),
            Toward::Future => now.checked_add_signed(span),
        };
    }
    if let Some(time) = time_of_day(words) {
        let today = now.date_naive().and_time(time).and_utc();
        return Some(match toward {
            Toward::Past if today > now => today - Duration::days(1),
            Toward::Future if today <= now => today + Duration::days(1),
            _ => today,
        });
    }
    let (day, time) = match words.split_once(' ').map(|(day, time)| (day, time_of_day(time))) {
        Some((day, Some(time))) => (day, Some(time)),
        _ => (words, None),
    };
    let date = match day {
        "today" => now.date_naive(),
        "yesterday" => now.date_naive() - Duration::days(1),
        "tomorrow" => now.date_naive() + Duration::days(1),
        _ => match day.parse::<Weekday>() {
            Ok(weekday) => nearest(now.date_naive(), weekday, toward),
            Err(_) => NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?,
        },
    };
    // A day without a time means its beginning if it is past, and its end if it is promised.
    let time = time.or(match toward {
        Toward::Past => NaiveTime::from_hms_opt(0, 0, 0),
        Toward::Future => NaiveTime::from_hms_opt(23, 59, 0),
    })?;
    Some(date.and_time(time).and_utc())
}

fn nearest(today: NaiveDate, weekday: Weekday, toward: Toward) -> NaiveDate {
    let ahead = i64::from((7 + weekday.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7);
    match toward {
        Toward::Future => today + Duration::days(if ahead == 0 { 7 } else { ahead }),
        Toward::Past => today - Duration::days(if ahead == 0 { 7 } else { 7 - ahead }),
    }
}

fn time_of_day(words: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(words.trim(), "%H:%M").ok()
}

fn span(words: &str) -> Option<Duration> {
    let split = words.find(|c: char| !c.is_ascii_digit()).filter(|split| *split > 0)?;
    let (number, unit) = words.split_at(split);
    let number: i64 = number.parse().ok().filter(|number| *number <= 100_000)?;
    match unit.trim() {
        "m" | "min" | "mins" | "minute" | "minutes" => Duration::try_minutes(number),
        "h" | "hour" | "hours" => Duration::try_hours(number),
        "d" | "day" | "days" => Duration::try_days(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_times_in_many_ways() {
        // A Monday.
        let now: Time = "2026-11-23T06:18:00Z".parse().expect("a time");
        let read = |words: &str, toward| parse(words, now, toward).map(|at| at.format("%m-%d %H:%M").to_string());
        for (words, past, future) in [
            ("06:10", Some("11-23 06:10"), Some("11-24 06:10")),
            ("15:00", Some("11-22 15:00"), Some("11-23 15:00")),
            ("2h ago", Some("11-23 04:18"), None),
            ("30m", Some("11-23 05:48"), Some("11-23 06:48")),
            ("in 3 days", Some("11-26 06:18"), Some("11-26 06:18")),
            ("friday", Some("11-20 00:00"), Some("11-27 23:59")),
            ("monday", Some("11-16 00:00"), Some("11-30 23:59")),
            ("yesterday 22:15", Some("11-22 22:15"), None),
            ("2026-12-01", Some("12-01 00:00"), Some("12-01 23:59")),
            ("2026-11-20T05:00:00Z", Some("11-20 05:00"), None),
            ("2016-01-01", None, None),
            ("-262143-01-01T00:00:00Z", None, None),
            ("99999h", None, None),
            ("now", Some("11-23 06:18"), Some("11-23 06:18")),
            ("soon", None, None),
            ("", None, None),
            ("25:00", None, None),
            ("99999999999999999999h", None, None),
        ] {
            assert_eq!(read(words, Toward::Past).as_deref(), past, "{words}");
            assert_eq!(read(words, Toward::Future).as_deref(), future, "{words}");
        }
    }

    #[test]
    fn what_looks_like_a_time_is_told_from_a_sentence() {
        for words in ["99:99", "at 25:00", "999999999h", "2026-13-01", "2026-11-31 06:10", "30", "6:7 UTC"] {
            assert!(looks_like_one(words), "{words}");
        }
        for words in ["run", "3 loads", "at noon", "2nd try", "", "at 3 nodes the disk was full", "10%"] {
            assert!(!looks_like_one(words), "{words}");
        }
    }
}
