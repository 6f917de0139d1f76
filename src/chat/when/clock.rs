//! A person's clock: the present moment, and the time zone in which they read and type times.

use chrono::{
    DateTime, Duration, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone,
};
use chrono_tz::{OffsetName as _, TZ_VARIANTS, Tz};

use super::not_a_time::NotATime;
use crate::domain::Time;

/// The farthest moment of an incident or a promise, in days: ten years.
pub(super) const MAX_DAYS: i64 = 10 * 366;
/// Abbreviations that people also use in places whose clocks call themselves otherwise: Bangladesh, Arabia, Singapore.
const ALSO_ELSEWHERE: [&str; 3] = ["BST", "AST", "SST"];

/// The present moment, as a person reads it off their clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalClock {
    pub(crate) now: Time,
    /// `None` if Slack has not told it. Then times are read as UTC.
    zone: Option<Tz>,
}

/// By whose clocks a time was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    Named(Tz),
    Fixed(FixedOffset),
}

impl LocalClock {
    pub(crate) fn new(now: Time, zone: Option<Tz>) -> Self {
        Self { now, zone }
    }

    pub(super) fn own(self) -> Zone {
        Zone::Named(self.tz())
    }

    fn tz(self) -> Tz {
        self.zone.unwrap_or(Tz::UTC)
    }

    /// A question for a time, with the zone in which the answer is read.
    pub(crate) fn asks(self, question: &str) -> String {
        format!("{question} ({})", self.tz().name().trim_start_matches("Etc/"))
    }

    /// A moment by this clock, and in UTC: `2026-11-23 06:10 CET, 05:10 UTC`.
    pub(crate) fn said(self, at: Time) -> String {
        let (here, utc) = (self.here(at), at.format("%Y-%m-%d %H:%M UTC").to_string());
        if here == utc {
            return utc;
        }
        let same_day = at.with_timezone(&self.tz()).date_naive() == at.date_naive();
        let utc = if same_day { at.format("%H:%M UTC").to_string() } else { utc };
        let local = at.with_timezone(&self.tz()).naive_local();
        let twice = match self.tz().from_local_datetime(&local) {
            MappedLocalTime::Ambiguous(first, second) if first != second => {
                let which = if first == at { "first" } else { "second" };
                format!(" (the clocks go back then, and this is the {which} {})", local.format("%H:%M"))
            }
            _ => String::new(),
        };
        format!("{here}, {utc}{twice}")
    }

    /// A moment by this clock: `2026-11-23 06:10 CET`.
    pub(super) fn here(self, at: Time) -> String {
        let local = at.with_timezone(&self.tz());
        let name = local.offset().abbreviation().filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        let zone = name.map_or_else(|| format!("UTC{}", local.offset().fix()), str::to_owned);
        format!("{} {zone}", local.format("%Y-%m-%d %H:%M"))
    }

    /// What a reader must know of how their times were read, if Slack has not told their zone.
    pub(crate) fn caveat(self) -> &'static str {
        match self.zone {
            Some(_) => "",
            None => " Slack has not told me your time zone, so I read times as UTC.",
        }
    }

    /// The zone that a word behind a time names; `None` if it names none. `day` is the day that is meant, since a zone's names change with
    /// the year.
    pub(super) fn zone_of(self, word: &str, day: Option<NaiveDate>) -> Option<Result<Zone, NotATime>> {
        let word = word.to_uppercase();
        if let Some(fixed) = offset(&word) {
            return Some(Ok(Zone::Fixed(fixed)));
        }
        if word.contains('/') {
            let named = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&word));
            return named.map(|zone| Ok(Zone::Named(*zone)));
        }
        if !(3..=5).contains(&word.len()) || !word.chars().all(|c| c.is_ascii_alphabetic()) {
            return None;
        }
        let around = day.and_then(|day| day.and_hms_opt(12, 0, 0)).map_or(self.now, |noon| noon.and_utc());
        let own = called(&[self.tz()], &word, around);
        if let [one] = own[..] {
            return Some(Ok(Zone::Fixed(one)));
        }
        match called(&TZ_VARIANTS, &word, around)[..] {
            [] => None,
            [one] if !ALSO_ELSEWHERE.contains(&word.as_str()) => Some(Ok(Zone::Fixed(one))),
            _ => Some(Err(NotATime::ask(format!(
                "“{word}” is the time of several places. Write the difference to UTC instead, such as `06:10 UTC+2`, or the place, such as `06:10 Europe/Berlin`."
            )))),
        }
    }

    /// Today, by the clocks of a zone.
    pub(super) fn today(self, zone: Zone) -> NaiveDate {
        match zone {
            Zone::Named(zone) => self.now.with_timezone(&zone).date_naive(),
            Zone::Fixed(zone) => self.now.with_timezone(&zone).date_naive(),
        }
    }

    /// The moment at which the clocks of a zone show this. If they show it twice, the earlier.
    ///
    /// # Errors
    /// No clock shows it, because the clocks go forward then; or it is too far away.
    pub(super) fn moment(self, date: NaiveDate, time: NaiveTime, zone: Zone) -> Result<Time, NotATime> {
        if (date - self.now.date_naive()).num_days().abs() > MAX_DAYS {
            return Err(NotATime::too_far());
        }
        let local = date.and_time(time);
        let (found, name) = match zone {
            Zone::Named(zone) => (earlier(&zone, &local), zone.name().to_owned()),
            Zone::Fixed(zone) => (earlier(&zone, &local), zone.to_string()),
        };
        found.ok_or_else(|| {
            NotATime::ask(format!(
                "There is no {} on {date} in {name}, because the clocks go forward then. Write a time before or after that.",
                time.format("%H:%M")
            ))
        })
    }

    /// The moment at which a day begins.
    pub(super) fn begins(self, date: NaiveDate, zone: Zone) -> Result<Time, NotATime> {
        // Where the clocks go forward at midnight, the day begins later.
        let quarters = (0..8).filter_map(|quarter| NaiveTime::from_hms_opt(quarter / 2, quarter % 2 * 30, 0));
        let mut tried = quarters.map(|time| self.moment(date, time, zone));
        let first = tried.next().unwrap_or_else(|| Err(NotATime::too_far()));
        first.or_else(|error| tried.find_map(Result::ok).ok_or(error))
    }
}

fn earlier<Z: TimeZone>(zone: &Z, local: &NaiveDateTime) -> Option<Time> {
    zone.from_local_datetime(local).earliest().map(|at: DateTime<Z>| at.to_utc())
}

/// What clocks that call their time so are ahead of UTC, within a year of a moment. More than one where the name is used in several places.
fn called(zones: &[Tz], name: &str, around: Time) -> Vec<FixedOffset> {
    let seasons = [-91, 0, 91, 182].map(|days| around + Duration::days(days));
    let offsets = zones.iter().flat_map(|zone| seasons.iter().map(|at| zone.offset_from_utc_datetime(&at.naive_utc())));
    let mut found: Vec<_> = offsets.filter(|one| one.abbreviation() == Some(name)).map(|one| one.fix()).collect();
    found.sort_unstable_by_key(FixedOffset::local_minus_utc);
    found.dedup();
    found
}

/// `UTC`, `GMT`, `Z`, `UTC+2`, `GMT-3:30`, `+02:00`.
fn offset(word: &str) -> Option<FixedOffset> {
    let named = ["UTC", "GMT"].iter().find_map(|name| word.strip_prefix(name));
    let rest = match (named, word) {
        (Some(""), _) | (None, "Z") => return FixedOffset::east_opt(0),
        (Some(rest), _) => rest,
        (None, rest) => rest,
    };
    let (sign, digits) = match (rest.strip_prefix('+'), rest.strip_prefix(['-', '−'])) {
        (Some(digits), _) => (1, digits),
        (_, Some(digits)) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let number = |text: &str| text.parse::<i32>().ok().filter(|_| text.chars().all(|c| c.is_ascii_digit()));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)))?
}
