//! Matchers of alerts, as used in silences, maintenance windows and routes. Pure. `app::correlate` and `app::silences` decide
//! what becomes of an alert that matches.
//!
//! A matcher is a list of words: `asset=warehouse.orders* pillar=freshness|volume source!=staging team=orders`. All must hold. A value is
//! a glob that ignores case, or several globs between bars. A word without `=` is a glob for the asset. A name that is no field is a label.

use std::fmt;

use chrono::{Datelike as _, LocalResult, NaiveDate, NaiveTime, TimeZone as _, Weekday};
use chrono_tz::Tz;
use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::{Signal, Time};

#[derive(Debug, Clone)]
pub struct Matcher {
    text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
struct Term {
    field: String,
    negated: bool,
    globs: Vec<GlobMatcher>,
}

/// Why some words are not a matcher, for the person who wrote them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unmatchable(pub String);

/// Splits text at its blanks, but not inside quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '"' | '“' | '”' => quoted = !quoted,
            letter if letter.is_whitespace() && !quoted => words.push(String::new()),
            letter => words.last_mut().into_iter().for_each(|word| word.push(letter)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The fields of a signal. Every other name is a label.
const FIELDS: [&str; 6] = ["asset", "source", "pillar", "severity", "title", "owner"];

/// The values that a field may have. `None` if it may have any.
fn values_of(field: &str) -> Vec<&'static str> {
    match field {
        "pillar" => super::Pillar::ALL.map(super::Pillar::as_str).to_vec(),
        "severity" | "level" => {
            use super::Level::{Critical, Error, Info, Warning};
            [Info, Warning, Error, Critical].map(super::Level::as_str).to_vec()
        }
        _ => Vec::new(),
    }
}

fn is_value_of(field: &str, value: &str) -> bool {
    let values = values_of(field);
    values.is_empty()
        || value.contains(['*', '?', '[', '{'])
        || values.iter().any(|known| known.eq_ignore_ascii_case(value))
}

/// Whether a name looks like a misspelled field: a letter wrong or missing. Labels that are longer than a field do not count.
fn is_slip_of(name: &str, field: &str) -> bool {
    name.len() <= field.len() && strsim::damerau_levenshtein(name, field) == 1
}

impl Matcher {
    /// Reads a matcher.
    ///
    /// # Errors
    /// The text is empty, a value is no glob or not allowed for its field, or a name is nearly a field's.
    pub fn parse(text: &str) -> Result<Self, Unmatchable> {
        // As it is stored: blanks at the end belong to no value, not even after an unclosed quote.
        let text = text.trim();
        let mut terms = Vec::new();
        let words = words(text);
        if words.iter().filter(|word| !word.contains('=')).count() > 1 {
            return Err(Unmatchable(format!(
                "“{text}” has more than one word without a field; a word alone is an asset, everything else is written with =, for example source=dq"
            )));
        }
        for word in words {
            let (field, negated, value) = match word.split_once('=') {
                Some((field, value)) => match field.strip_suffix('!') {
                    Some(field) => (field.to_owned(), true, value.to_owned()),
                    None => (field.to_owned(), false, value.to_owned()),
                },
                None => ("asset".to_owned(), false, word.clone()),
            };
            if field.is_empty() || value.is_empty() || value.starts_with('=') {
                return Err(Unmatchable(format!(
                    "“{word}” is no matcher; write for example asset=warehouse.orders* or team=orders"
                )));
            }
            if let Some(wrong) = value.split('|').find(|value| !is_value_of(&field, value)) {
                return Err(Unmatchable(format!(
                    "“{wrong}” is no {field}; there are {values}",
                    values = values_of(&field).join(", ")
                )));
            }
            if let Some(meant) = FIELDS.iter().find(|known| is_slip_of(&field, known)) {
                return Err(Unmatchable(format!("Is “{field}” meant to be {meant}?")));
            }
            let glob = |value: &str| {
                let glob = GlobBuilder::new(value).case_insensitive(true).literal_separator(false).build();
                glob.map(|glob| glob.compile_matcher())
                    .map_err(|error| Unmatchable(format!("“{value}” is no pattern: {error}")))
            };
            let globs = value.split('|').map(glob).collect::<Result<Vec<_>, _>>()?;
            terms.push(Term { field, negated, globs });
        }
        if terms.is_empty() {
            return Err(Unmatchable(
                "A matcher says what is meant, for example asset=warehouse.orders* pillar=freshness".to_owned(),
            ));
        }
        Ok(Self { text: text.to_owned(), terms })
    }

    /// Whether it matches a signal. If the signal does not have a field, only a negated value matches.
    pub fn matches(&self, signal: &Signal) -> bool {
        self.terms.iter().all(|term| {
            let value = match term.field.as_str() {
                "asset" => signal.asset.as_ref().map(super::AssetName::as_str),
                "source" => Some(signal.source.as_str()),
                "pillar" => Some(signal.pillar.as_str()),
                "severity" | "level" => Some(signal.level.as_str()),
                "title" => Some(signal.title.as_str()),
                "key" => Some(signal.key.as_str()),
                "owner" => signal.owner.as_deref(),
                label => signal.labels.get(label).map(String::as_str),
            };
            value.is_some_and(|value| term.globs.iter().any(|glob| glob.is_match(value))) != term.negated
        })
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for Matcher {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
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

/// Why an alert opens nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Suppression {
    Silenced {
        number: u64,
    },
    /// A maintenance window hides it.
    Maintenance {
        name: String,
    },
    /// Its route waits a while, in case it goes away by itself.
    Pending,
    /// An asset upstream was mended a moment ago, so this one may recover soon too.
    Recovering {
        asset: String,
        incident: String,
    },
    Flapping,
    /// Its route asks a person first.
    AskingPerson,
}

/// An alert that opens nothing yet. When its time is over and it has not resolved, Muster decides again where it belongs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuppressedAlert {
    pub signal: Signal,
    pub hold: Suppression,
    pub since: Time,
    /// Until when. `None` until somebody decides.
    pub until: Option<Time>,
}

/// What a route does with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteAction {
    #[default]
    Open,
    /// A card asks people what to do.
    Ask,
    /// The alert is counted, but opens nothing.
    Ignore,
}

/// What becomes of alerts that match. The first route that matches counts.
#[derive(Debug, Clone)]
pub struct Route {
    pub name: String,
    /// Which alerts. If there is no matcher, all.
    pub matcher: Option<Matcher>,
    /// The service that is paged, instead of the asset's.
    pub service: Option<String>,
    pub severity: Option<super::Severity>,
    pub action: RouteAction,
    /// Where a card is posted, instead of the announcement channel.
    pub channel: Option<String>,
    /// Teams that are invited and told, besides the service's own.
    pub teams: Vec<String>,
    /// How many minutes to wait, in case the alert goes away.
    pub pending_minutes: u32,
}

impl Route {
    /// Whether it matches a signal.
    pub fn matches(&self, signal: &Signal) -> bool {
        self.matcher.as_ref().is_none_or(|matcher| matcher.matches(signal))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AssetName, Pillar};

    fn signal() -> Signal {
        Signal {
            asset: AssetName::new("warehouse.Orders_daily"),
            pillar: Pillar::Freshness,
            labels: [("team".to_owned(), "Orders".to_owned())].into(),
            ..Signal::new("prom", "k", "orders are late", Time::default())
        }
    }

    #[test]
    fn matchers_say_what_is_meant() {
        for (text, matches) in [
            ("warehouse.orders*", true),
            ("asset=warehouse.*", true),
            ("asset=finance.*|warehouse.*", true),
            ("asset=finance.*", false),
            ("asset!=finance.* team=orders", true),
            ("pillar=freshness source=prom severity=error", true),
            ("pillar=volume|freshness", true),
            ("pillar!=freshness", false),
            ("team=orders env=prod", false),
            ("env!=prod", true),
            ("title=\"orders are*\"", true),
        ] {
            assert_eq!(Matcher::parse(text).expect("a matcher").matches(&signal()), matches, "{text}");
        }
        let slips = ["asset staging", "asset==", "aset=staging", "pillar=frshness", "severity=SEV1"];
        for wrong in ["", "  ", "=x", "asset=", "asset=[z"].into_iter().chain(slips) {
            assert!(Matcher::parse(wrong).is_err(), "{wrong}");
        }
    }

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

    #[test]
    fn blanks_behind_an_open_quote_are_no_value() {
        assert!(Matcher::parse("\"team= ").is_err());
        let matcher = Matcher::parse("\"team=orders eu  ").expect("a matcher");
        assert_eq!(matcher.to_string(), "\"team=orders eu");
        assert!(Matcher::parse(&matcher.to_string()).is_ok());
    }

    proptest! {
        #[test]
        fn no_words_break_it_and_what_is_written_down_reads_the_same(text in "\\PC{0,60}") {
            if let Ok(matcher) = Matcher::parse(&text) {
                let again = Matcher::parse(&matcher.to_string()).expect("it was one");
                prop_assert_eq!(matcher.matches(&signal()), again.matches(&signal()));
            }
        }
    }
}
