//! Times as people type them: `06:10`, `7pm`, `2h ago`, `1h30m`, `friday`, `tomorrow 9am`, `2026-12-01 06:10 CET`. They are read by the clocks
//! of the person who types them ([`LocalClock`]), and the answer says which moment was understood. `phrase` has the grammar.

mod clock;
mod not_a_time;
mod phrase;

pub(crate) use clock::LocalClock;
pub(crate) use not_a_time::{NotATime, Toward};

use crate::domain::Time;

/// The most words that a time has, where it stands among others: `the day after tomorrow at 9:30 pm UTC+2`.
const MAX_WORDS: usize = 9;

/// The moment.
///
/// # Errors
/// The words are no time, or not one that anybody means: a promise in the past, or a moment more than ten years away.
pub(crate) fn parse(words: &str, clock: LocalClock, toward: Toward) -> Result<Time, NotATime> {
    let at = phrase::read(words, clock, toward)?;
    if (at - clock.now).num_days().abs() > clock::MAX_DAYS {
        return Err(NotATime::too_far());
    }
    if toward == Toward::Future && at < clock.now {
        return Err(NotATime::ask(format!("“{}” is {}, which has passed already.", words.trim(), clock.said(at))));
    }
    Ok(at)
}

/// The time with which a run of words begins, and how many words it has. The longest counts.
pub(crate) fn leading(words: &[&str], clock: LocalClock, toward: Toward) -> Option<(usize, Time)> {
    let most = words.len().min(MAX_WORDS);
    (1..=most).rev().find_map(|count| Some((count, parse(&words[..count].join(" "), clock, toward).ok()?)))
}

/// The time with which a run of words ends, and how many words it has. The longest counts. An hour alone is no time there: it may be a count.
pub(crate) fn trailing(words: &[&str], clock: LocalClock, toward: Toward) -> Option<(usize, Time)> {
    let most = words.len().min(MAX_WORDS);
    let is_number = |word: &&str| word.chars().all(|c| c.is_ascii_digit());
    (1..=most).rev().find_map(|count| {
        let run = &words[words.len() - count..];
        if count <= 2 && run.last().is_some_and(is_number) {
            return None;
        }
        Some((count, parse(&run.join(" "), clock, toward).ok()?))
    })
}

#[cfg(test)]
mod tests {
    //! Phrases by zones, daylight saving, and that what is said back means the same.

    use chrono::{Duration, TimeZone as _};
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::not_a_time::looks_like_one;
    use super::{LocalClock, Toward, leading, parse, trailing};

    const ZONES: [Tz; 5] =
        [Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Asia__Kolkata, Tz::Pacific__Auckland];

    /// A Monday morning in Berlin and London, and a Monday evening in Auckland.
    const NOW: &str = "2026-11-23T06:18:00Z";

    fn clock(now: &str, zone: Tz) -> LocalClock {
        LocalClock::new(now.parse().expect("a time"), Some(zone))
    }

    fn read(words: &str, clock: LocalClock, toward: Toward) -> String {
        parse(words, clock, toward).map_or_else(|unclear| unclear.words, |at| clock.said(at))
    }

    #[test]
    fn people_write_times_in_many_ways() {
        let clock = clock(NOW, Tz::UTC);
        let read =
            |words: &str, toward| parse(words, clock, toward).ok().map(|at| at.format("%m-%d %H:%M").to_string());
        for (words, past, future) in [
            ("06:10", Some("11-23 06:10"), Some("11-24 06:10")),
            ("15:00", Some("11-22 15:00"), Some("11-23 15:00")),
            ("7pm", Some("11-22 19:00"), Some("11-23 19:00")),
            ("7 pm", Some("11-22 19:00"), Some("11-23 19:00")),
            ("7:30 p.m.", Some("11-22 19:30"), Some("11-23 19:30")),
            ("12am", Some("11-23 00:00"), Some("11-24 00:00")),
            ("6.10", None, None),
            ("3.10", None, None),
            ("13pm", None, None),
            ("noon", Some("11-22 12:00"), Some("11-23 12:00")),
            ("midnight", Some("11-23 00:00"), Some("11-24 00:00")),
            ("6", Some("11-23 06:00"), None),
            ("at 6", Some("11-23 06:00"), Some("11-24 06:00")),
            ("6 o'clock", Some("11-23 06:00"), Some("11-24 06:00")),
            ("2h ago", Some("11-23 04:18"), None),
            ("an hour ago", Some("11-23 05:18"), None),
            ("half an hour ago", Some("11-23 05:48"), None),
            ("15 minutes ago", Some("11-23 06:03"), None),
            ("two days ago", Some("11-21 06:18"), None),
            ("an hour and a half ago", Some("11-23 04:48"), None),
            ("1.5h", Some("11-23 04:48"), Some("11-23 07:48")),
            ("1h30m", Some("11-23 04:48"), Some("11-23 07:48")),
            ("1h30", Some("11-23 04:48"), Some("11-23 07:48")),
            ("1 h 30 min", Some("11-23 04:48"), Some("11-23 07:48")),
            ("a couple of hours ago", None, None),
            ("30m", Some("11-23 05:48"), Some("11-23 06:48")),
            ("for 2h", Some("11-23 04:18"), Some("11-23 08:18")),
            ("in 3 days", Some("11-26 06:18"), Some("11-26 06:18")),
            ("20 minutes from now", Some("11-23 06:38"), Some("11-23 06:38")),
            ("friday", Some("11-20 00:00"), Some("11-27 23:59")),
            ("monday", Some("11-16 00:00"), Some("11-30 23:59")),
            ("monday 3pm", Some("11-16 15:00"), Some("11-23 15:00")),
            ("monday 3am", Some("11-23 03:00"), Some("11-30 03:00")),
            ("next tuesday 9am", Some("11-24 09:00"), Some("11-24 09:00")),
            ("next monday", Some("11-30 00:00"), Some("11-30 23:59")),
            ("last friday at 18:00", Some("11-20 18:00"), None),
            ("yesterday 22:15", Some("11-22 22:15"), None),
            ("22:15 yesterday", Some("11-22 22:15"), None),
            ("yesterday 6", Some("11-22 06:00"), None),
            ("yesterday at 6am", Some("11-22 06:00"), None),
            ("the day before yesterday at noon", Some("11-21 12:00"), None),
            ("last night", Some("11-22 22:00"), None),
            ("3 last night", Some("11-23 03:00"), None),
            ("11 last night", Some("11-22 23:00"), None),
            ("this morning", Some("11-23 06:00"), Some("11-23 09:00")),
            ("tomorrow morning", Some("11-24 06:00"), Some("11-24 09:00")),
            ("9 this evening", Some("11-23 21:00"), Some("11-23 21:00")),
            ("tonight", Some("11-23 22:00"), Some("11-23 22:00")),
            ("eod", Some("11-22 23:59"), Some("11-23 23:59")),
            ("tomorrow eod", Some("11-24 23:59"), Some("11-24 23:59")),
            ("end of day", Some("11-22 23:59"), Some("11-23 23:59")),
            ("2026-12-01", Some("12-01 00:00"), Some("12-01 23:59")),
            ("2026-12-01 06:10 CET", Some("12-01 05:10"), Some("12-01 05:10")),
            ("03:10 CET", Some("11-23 02:10"), Some("11-24 02:10")),
            ("6:10 UTC+2", Some("11-23 04:10"), Some("11-24 04:10")),
            ("6:10 utc +2", Some("11-23 04:10"), Some("11-24 04:10")),
            ("06:10+05:30", Some("11-23 00:40"), Some("11-24 00:40")),
            ("06:10Z", Some("11-23 06:10"), Some("11-24 06:10")),
            ("06:10 UTC", Some("11-23 06:10"), Some("11-24 06:10")),
            ("9am Europe/Berlin", Some("11-22 08:00"), Some("11-23 08:00")),
            ("06:10 IST", None, None),
            ("06:10 CST", None, None),
            ("06:10 BST", None, None),
            ("2026-11-20T05:00:00Z", Some("11-20 05:00"), None),
            ("2016-01-01", None, None),
            ("-262143-01-01T00:00:00Z", None, None),
            ("99999h", None, None),
            ("now", Some("11-23 06:18"), Some("11-23 06:18")),
            ("soon", None, None),
            ("the next run", None, None),
            ("10:00 run", None, None),
            ("", None, None),
            ("25:00", None, None),
            ("99999999999999999999h", None, None),
        ] {
            assert_eq!(read(words, Toward::Past).as_deref(), past, "past: {words}");
            assert_eq!(read(words, Toward::Future).as_deref(), future, "future: {words}");
        }
    }

    /// What people in each zone mean by it, and what they are told.
    #[test]
    fn phrases_are_read_by_ones_own_clock() {
        let mut table = String::new();
        for (words, toward) in [
            ("06:10", Toward::Past),
            ("6", Toward::Past),
            ("7pm", Toward::Past),
            ("noon", Toward::Future),
            ("midnight", Toward::Past),
            ("2h ago", Toward::Past),
            ("last night", Toward::Past),
            ("this morning", Toward::Past),
            ("yesterday at 6am", Toward::Past),
            ("monday 3pm", Toward::Future),
            ("next tuesday 9am", Toward::Future),
            ("tomorrow morning", Toward::Future),
            ("eod", Toward::Future),
            ("friday", Toward::Future),
            ("06:10 UTC", Toward::Past),
            ("03:10 CET", Toward::Past),
            ("06:10 IST", Toward::Past),
            ("06:10 EST", Toward::Past),
        ] {
            table.push_str(&format!("{words} ({toward:?})\n"));
            for zone in ZONES {
                table.push_str(&format!("  {:<17} {}\n", zone.name(), read(words, clock(NOW, zone), toward)));
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn when_the_clocks_change_the_answer_says_which_hour_or_asks() {
        let (spring, autumn) = ("2026-03-29T10:00:00Z", "2026-10-25T10:00:00Z");
        let berlin = |now, words| read(words, clock(now, Tz::Europe__Berlin), Toward::Past);
        insta::assert_snapshot!(berlin(spring, "02:30"), @"There is no 02:30 on 2026-03-29 in Europe/Berlin, because the clocks go forward then. Write a time before or after that.");
        insta::assert_snapshot!(berlin(autumn, "02:30"), @"2026-10-25 02:30 CEST, 00:30 UTC (the clocks go back then, and this is the first 02:30)");
        insta::assert_snapshot!(berlin(autumn, "02:30 CET"), @"2026-10-25 02:30 CET, 01:30 UTC (the clocks go back then, and this is the second 02:30)");
        // In Santiago the clocks go forward at midnight, so that day begins at one.
        let santiago = clock("2026-09-06T12:00:00Z", Tz::America__Santiago);
        assert_eq!(read("today", santiago, Toward::Past), "2026-09-06 01:00 UTC-03:00, 04:00 UTC");
    }

    #[test]
    fn what_cannot_be_used_is_said_as_what_it_is() {
        let utc = |words, toward| read(words, clock(NOW, Tz::UTC), toward);
        insta::assert_snapshot!(utc("06:10 IST", Toward::Past), @"“IST” is the time of several places. Write the difference to UTC instead, such as `06:10 UTC+2`, or the place, such as `06:10 Europe/Berlin`.");
        insta::assert_snapshot!(utc("a couple of hours ago", Toward::Past), @"How much is “a couple of hours”? Write it as a number, such as `2h` or `90m`.");
        insta::assert_snapshot!(utc("3.10", Toward::Past), @"“3.10” may be a time or a day. Write a time with a colon, such as `03:10`, and a day as `2026-12-01`.");
        insta::assert_snapshot!(utc("yesterday 10:00", Toward::Future), @"“yesterday 10:00” is 2026-11-22 10:00 UTC, which has passed already.");
        insta::assert_snapshot!(utc("99999h", Toward::Future), @"That is more than ten years away.");
    }

    #[test]
    fn a_time_is_found_among_other_words() {
        let clock = clock(NOW, Tz::UTC);
        for (line, first) in [
            ("2h backfill is running", Some(1)),
            ("until tomorrow 9am the load is moved", Some(3)),
            ("friday 18:00 UTC the load is moved", Some(3)),
            ("rows are missing", None),
        ] {
            let words: Vec<_> = line.split_whitespace().collect();
            assert_eq!(leading(&words, clock, Toward::Future).map(|found| found.0), first, "{line}");
        }
        for (line, last) in [
            ("add a check friday", Some(1)),
            ("add a check by next tuesday 9am", Some(4)),
            ("count the 3 loads of 6", None),
            ("wait for node 7", None),
            ("ask them at 6", None),
            ("say why it broke last night", None),
        ] {
            let words: Vec<_> = line.split_whitespace().collect();
            assert_eq!(trailing(&words, clock, Toward::Future).map(|found| found.0), last, "{line}");
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

    fn words() -> impl Strategy<Value = String> {
        let word = proptest::sample::select(vec![
            "6",
            "06:10",
            "7pm",
            "7",
            "pm",
            "noon",
            "midnight",
            "eod",
            "2h",
            "1h30m",
            "half",
            "an",
            "hour",
            "and",
            "a",
            "ago",
            "in",
            "next",
            "last",
            "this",
            "monday",
            "friday",
            "yesterday",
            "tomorrow",
            "today",
            "tonight",
            "night",
            "morning",
            "evening",
            "at",
            "since",
            "utc",
            "+2",
            "utc+5:30",
            "cet",
            "ist",
            "z",
            "+",
            "-",
            "2026-12-01",
            "3.10",
            "99999",
            "minutes",
            "from",
            "now",
            "europe/berlin",
            "/",
            "day",
            "before",
            "é",
            "−5",
            "+é",
        ]);
        prop_oneof![proptest::collection::vec(word, 0..6).prop_map(|words| words.join(" ")), "\\PC{0,40}"]
    }

    proptest! {
        #[test]
        fn nothing_panics(words in words(), zone in proptest::sample::select(TZ_OF_TESTS.to_vec()), minute in 0i64..20_000_000) {
            let now = chrono::DateTime::UNIX_EPOCH + Duration::days(12_000) + Duration::minutes(minute);
            for toward in [Toward::Past, Toward::Future] {
                if let Ok(at) = parse(&words, LocalClock::new(now, Some(zone)), toward) {
                    prop_assert!(toward == Toward::Past || at >= now);
                }
            }
        }

        /// The moment said back, by one's own clock or in UTC, is the same moment.
        #[test]
        fn what_is_said_back_means_the_same(zone in proptest::sample::select(TZ_OF_TESTS.to_vec()), minute in 0i64..4_000_000, ahead in 0i64..2_000_000) {
            let now = chrono::Utc.with_ymd_and_hms(2022, 1, 1, 0, 0, 0).single().expect("a time") + Duration::minutes(minute);
            let clock = LocalClock::new(now, Some(zone));
            let at = now + Duration::minutes(ahead);
            prop_assert_eq!(parse(&clock.here(at), clock, Toward::Future), Ok(at), "{}", clock.here(at));
            prop_assert_eq!(parse(&at.format("%Y-%m-%d %H:%M UTC").to_string(), clock, Toward::Future), Ok(at));
        }
    }

    const TZ_OF_TESTS: [Tz; 8] = [
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Asia__Kolkata,
        Tz::Pacific__Auckland,
        Tz::Australia__Lord_Howe,
        Tz::America__Santiago,
        Tz::Europe__London,
    ];
}
