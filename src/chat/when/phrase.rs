//! The grammar of times: a span (`1h30m ago`), or a day, a time of day and a zone in any usual order (`tomorrow 9am CET`).

use chrono::{Datelike as _, Duration, NaiveDate, NaiveTime, Weekday};

use super::clock::{LocalClock, Zone};
use super::not_a_time::{NotATime, Toward};
use crate::domain::Time;

/// Words before a time that say nothing of it. Those of [`BEFORE_A_CLOCK`] do: a bare number behind them is an hour.
const FILLERS: [&str; 5] = ["for", "on", "the", "approximately", "within"];
const BEFORE_A_CLOCK: [&str; 9] = ["at", "since", "from", "around", "about", "by", "until", "till", "before"];
const NUMBERS: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The part of a day that somebody names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Morning,
    Afternoon,
    Evening,
    Night,
}

impl Part {
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "morning" => Self::Morning,
            "afternoon" => Self::Afternoon,
            "evening" => Self::Evening,
            "night" => Self::Night,
            _ => return None,
        })
    }

    /// When it is meant, if no hour is named: its beginning if it is past, and some way into it if it is promised.
    fn hour(self, toward: Toward) -> u32 {
        let (begins, within) = match self {
            Self::Morning => (6, 9),
            Self::Afternoon => (12, 15),
            Self::Evening => (18, 19),
            Self::Night => (22, 22),
        };
        if toward == Toward::Past { begins } else { within }
    }
}

/// The day that somebody names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// So many days from today.
    From(i64),
    On(NaiveDate),
    /// `next` or `last`, or neither.
    Week(Weekday, Option<Toward>),
}

/// What was read of a day and a time. Each may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Named {
    day: Option<Day>,
    part: Option<Part>,
    time: Option<NaiveTime>,
}

pub(super) fn read(words: &str, clock: LocalClock, toward: Toward) -> Result<Time, NotATime> {
    let words = words.trim();
    if let Ok(at) = words.to_uppercase().parse::<Time>() {
        return Ok(at);
    }
    let lower = words.to_lowercase().replace("a.m.", "am").replace("p.m.", "pm").replace(',', " ");
    let mut tokens: Vec<&str> = lower.split_whitespace().collect();
    let mut hour_alone = toward == Toward::Past;
    while let [first, _, ..] = tokens[..]
        && (FILLERS.contains(&first) || BEFORE_A_CLOCK.contains(&first))
    {
        hour_alone |= BEFORE_A_CLOCK.contains(&first);
        tokens.remove(0);
    }
    if matches!(tokens[..], ["now"] | ["right", "now"]) {
        return Ok(clock.now);
    }
    if let Some(at) = from_now(&tokens, clock, toward) {
        return at;
    }
    if let Some(split) = tokens.iter().find(|token| is_dotted(token)) {
        return Err(NotATime::ask(format!(
            "“{split}” may be a time or a day. Write a time with a colon, such as `03:10`, and a day as `2026-12-01`."
        )));
    }
    let (tokens, zone) = zoned(&tokens);
    let mut named = None;
    for at in 0..=tokens.len() {
        let (first, second) = tokens.split_at(at);
        named = named
            .or_else(|| both(first, second, hour_alone || !first.is_empty()))
            .or_else(|| both(second, first, hour_alone || !second.is_empty()));
    }
    let named = named.ok_or_else(|| NotATime::no_time(words))?;
    let day = if let Some(Day::On(day)) = named.day { Some(day) } else { None };
    let zone = match zone {
        None => clock.own(),
        Some(word) => clock.zone_of(&word, day).unwrap_or_else(|| Err(NotATime::no_time(words)))?,
    };
    moment(named, clock, zone, toward)
}

/// `3.10`.
fn is_dotted(word: &str) -> bool {
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    word.split_once('.').is_some_and(|(one, two)| digits(one) && digits(two.trim_end_matches('.')))
}

/// `2h ago`, `in half an hour`, `1h30m`, `90 minutes from now`.
fn from_now(tokens: &[&str], clock: LocalClock, toward: Toward) -> Option<Result<Time, NotATime>> {
    let (amount, toward) = match tokens {
        [amount @ .., "ago"] => (amount, Toward::Past),
        ["in", amount @ ..] | [amount @ .., "from", "now"] => (amount, Toward::Future),
        amount => (amount, toward),
    };
    let vague = |word: &&str| ["couple", "few", "several", "some"].contains(word);
    if amount.iter().any(vague) && amount.iter().any(|word| unit(word).is_some()) {
        // "Over the next few hours" is the end of a sentence.
        let meant = amount.len() < tokens.len();
        let words = format!("How much is “{}”? Write it as a number, such as `2h` or `90m`.", amount.join(" "));
        return Some(Err(NotATime { words, meant }));
    }
    let span = span(amount)?;
    let at = match toward {
        Toward::Past => clock.now.checked_sub_signed(span),
        Toward::Future => clock.now.checked_add_signed(span),
    };
    Some(at.ok_or_else(NotATime::too_far))
}

/// How many seconds a unit has.
fn unit(word: &str) -> Option<f64> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

/// Numbers and units in turn, written together or apart.
fn span(tokens: &[&str]) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut number: Option<f64> = None;
    let mut last_unit = None;
    let mut pieces = tokens.iter().flat_map(|token| pieces(token)).peekable();
    while let Some((piece, begins)) = pieces.next() {
        let counted = NUMBERS.iter().position(|word| *word == piece).and_then(|place| u8::try_from(place + 1).ok());
        match (number, piece) {
            // `an hour and a half`.
            (None, "and") if last_unit.is_some() => {
                if pieces.peek().is_some_and(|(next, _)| matches!(*next, "a" | "half")) {
                    let rest: Vec<_> = pieces.by_ref().map(|(piece, _)| piece).collect();
                    if !matches!(rest[..], ["a", "half"] | ["half"]) {
                        return None;
                    }
                    seconds += last_unit? / 2.0;
                }
            }
            (None, "a" | "an") => number = Some(1.0),
            (None, "half") => number = Some(0.5),
            (Some(half), "a" | "an") if (half - 0.5).abs() < f64::EPSILON => {}
            (None, _) if counted.is_some() => number = counted.map(f64::from),
            (None, digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                let amount: f64 = digits.parse().ok().filter(|amount| *amount <= 100_000.0)?;
                // `1h30`: what follows hours at once, to the end, is minutes.
                if !begins && last_unit == Some(3600.0) && amount < 60.0 && pieces.peek().is_none() {
                    seconds += amount * 60.0;
                } else {
                    number = Some(amount);
                }
            }
            (Some(amount), word) => {
                last_unit = Some(unit(word)?);
                seconds += amount * last_unit?;
                number = None;
            }
            _ => return None,
        }
    }
    if number.is_some() || last_unit.is_none() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "each number is at most 100,000, and a word has few of them")]
    Duration::try_seconds(seconds.round() as i64)
}

/// The numbers and words of a token: `1h30m` has four. Each says whether it begins the token.
fn pieces<'a>(token: &&'a str) -> Vec<(&'a str, bool)> {
    let token = *token;
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let mut found = Vec::new();
    let mut from = 0;
    for (place, c) in token.char_indices().skip(1) {
        let before = token[..place].chars().next_back().is_some_and(is_number);
        if before != is_number(c) {
            found.push((&token[from..place], from == 0));
            from = place;
        }
    }
    found.push((&token[from..], from == 0));
    found
}

/// Takes the zone from the end, if there is a word that may be one: behind a time, or grown together with it.
fn zoned<'a>(tokens: &[&'a str]) -> (Vec<&'a str>, Option<String>) {
    let all = tokens.to_vec();
    let is_offset = |word: &str| word.starts_with(['+', '-']) && word[1..].starts_with(|c: char| c.is_ascii_digit());
    match tokens {
        // `6:10 UTC +2`.
        [rest @ .., name @ ("utc" | "gmt"), offset] if !rest.is_empty() && is_offset(offset) => {
            (rest.to_vec(), Some(format!("{name}{offset}")))
        }
        [rest @ .., last] if !rest.is_empty() && may_be_zone(last) => (rest.to_vec(), Some((*last).to_owned())),
        [rest @ .., last] => {
            // `06:10Z`, `06:10+02:00`.
            let digits = last.find(|c: char| !c.is_ascii_digit() && c != ':').filter(|_| last.contains(':'));
            let Some((time, zone)) = digits.map(|at| last.split_at(at)) else { return (all, None) };
            if !zone.starts_with(['+', '-']) && !matches!(zone, "z" | "utc" | "gmt") {
                return (all, None);
            }
            let mut rest = rest.to_vec();
            rest.push(time);
            (rest, Some(zone.to_owned()))
        }
        [] => (all, None),
    }
}

/// Whether a word may name a zone. The words of days and times do not.
fn may_be_zone(word: &str) -> bool {
    let is_letters = (3..=5).contains(&word.len()) && word.chars().all(|c| c.is_ascii_alphabetic());
    let taken = word.parse::<Weekday>().is_ok()
        || Part::read(word).is_some()
        || ["today", "noon", "eod", "cob", "day"].contains(&word);
    word.contains('/')
        || word == "z"
        || word.starts_with(['+', '-'])
        || word.starts_with("utc")
        || word.starts_with("gmt")
        || (is_letters && !taken)
}

/// A day and a time, as two runs of words. Either may be empty.
fn both(day: &[&str], time: &[&str], hour_alone: bool) -> Option<Named> {
    if day.is_empty() && time.is_empty() {
        return None;
    }
    let mut named = if day.is_empty() { Named::default() } else { on_day(without_glue(day))? };
    if !time.is_empty() {
        let told = without_glue(time);
        named.time = Some(time_of_day(told, named.part, hour_alone || told.len() < time.len())?);
        // `3 last night` is in the night after yesterday's evening.
        if let (Some(Part::Night), Some(Day::From(days)), Some(time)) = (named.part, named.day, named.time)
            && time < NaiveTime::from_hms_opt(6, 0, 0)?
        {
            named.day = Some(Day::From(days + 1));
        }
    }
    Some(named)
}

fn without_glue<'a, 'b>(tokens: &'a [&'b str]) -> &'a [&'b str] {
    match tokens {
        ["at" | "on" | "of" | "the", rest @ ..] if !rest.is_empty() => without_glue(rest),
        other => other,
    }
}

fn on_day(tokens: &[&str]) -> Option<Named> {
    if let [before @ .., last] = tokens
        && let Some(part) = Part::read(last)
    {
        let day = match before {
            ["this"] => Day::From(0),
            ["last"] if part == Part::Night => Day::From(-1),
            [] | ["last" | "next"] => return None,
            day => on_day(day)?.day?,
        };
        return Some(Named { day: Some(day), part: Some(part), time: None });
    }
    let day = match tokens {
        ["today"] => Day::From(0),
        ["tonight"] => return Some(Named { day: Some(Day::From(0)), part: Some(Part::Night), time: None }),
        ["yesterday"] => Day::From(-1),
        ["tomorrow"] => Day::From(1),
        ["day", "before", "yesterday"] => Day::From(-2),
        ["day", "after", "tomorrow"] => Day::From(2),
        ["next", day] => Day::Week(day.parse().ok()?, Some(Toward::Future)),
        ["last", day] => Day::Week(day.parse().ok()?, Some(Toward::Past)),
        ["this", day] => Day::Week(day.parse().ok()?, None),
        [day] => match day.parse() {
            Ok(weekday) => Day::Week(weekday, None),
            Err(_) => Day::On(NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?),
        },
        _ => return None,
    };
    Some(Named { day: Some(day), ..Named::default() })
}

/// `06:10`, `7pm`, `7 pm`, `noon`, `midnight`, `eod`, and `6` where an hour alone is a time.
fn time_of_day(tokens: &[&str], part: Option<Part>, hour_alone: bool) -> Option<NaiveTime> {
    let (text, half) = match tokens {
        ["noon" | "midday"] => return NaiveTime::from_hms_opt(12, 0, 0),
        ["midnight"] => return NaiveTime::from_hms_opt(0, 0, 0),
        ["eod" | "cob"] | ["end", "of", "day"] | ["end", "of", "the", "day"] | ["close", "of", "business"] => {
            return NaiveTime::from_hms_opt(23, 59, 0);
        }
        [text, half @ ("am" | "pm")] => (*text, Some(*half)),
        [hour, "o'clock" | "oclock" | "o’clock"] => return time_of_day(&[hour], part, true),
        [text] => match (text.strip_suffix("am"), text.strip_suffix("pm")) {
            (Some(text), _) => (text, Some("am")),
            (_, Some(text)) => (text, Some("pm")),
            _ => (*text, None),
        },
        _ => return None,
    };
    let number =
        |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 2 && text.chars().all(|c| c.is_ascii_digit()));
    let (hour, minute, second, alone) = match text.split(':').collect::<Vec<_>>()[..] {
        [hour] => (number(hour)?, 0, 0, true),
        [hour, minute] if minute.len() == 2 => (number(hour)?, number(minute)?, 0, false),
        [hour, minute, second] if minute.len() == 2 && second.len() == 2 => {
            (number(hour)?, number(minute)?, number(second)?, false)
        }
        _ => return None,
    };
    let hour = match (half, part) {
        (Some(_), _) if !(1..=12).contains(&hour) => return None,
        (Some("am"), _) => hour % 12,
        (Some(_), _) => hour % 12 + 12,
        (None, _) if alone && !hour_alone => return None,
        (None, Some(Part::Afternoon | Part::Evening)) if hour < 12 => hour + 12,
        (None, Some(Part::Night)) if (6..12).contains(&hour) => hour + 12,
        (None, Some(Part::Morning)) if hour >= 12 => return None,
        (None, _) => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, second)
}

/// The moment that is meant by what was named.
fn moment(named: Named, clock: LocalClock, zone: Zone, toward: Toward) -> Result<Time, NotATime> {
    let today = clock.today(zone);
    let time = named.time.or_else(|| NaiveTime::from_hms_opt(named.part?.hour(toward), 0, 0));
    let fits = |at: Time| match toward {
        Toward::Past => at <= clock.now,
        Toward::Future => at > clock.now,
    };
    let date = match (named.day, time) {
        (Some(Day::From(days)), _) => today + Duration::days(days),
        (Some(Day::On(date)), _) => date,
        (Some(Day::Week(weekday, way)), time) => {
            // Today counts only if its time fits, and nobody said `next` or `last`.
            let is_today = way.is_none()
                && today.weekday() == weekday
                && time.is_some_and(|time| clock.moment(today, time, zone).is_ok_and(fits));
            if is_today { today } else { nearest(today, weekday, way.unwrap_or(toward)) }
        }
        (None, Some(time)) => {
            let at = clock.moment(today, time, zone)?;
            match toward {
                _ if fits(at) => return Ok(at),
                Toward::Past => today - Duration::days(1),
                Toward::Future => today + Duration::days(1),
            }
        }
        (None, None) => today,
    };
    // A day without a time means its beginning if it is past, and its end if it is promised.
    match (time, toward) {
        (Some(time), _) => clock.moment(date, time, zone),
        (None, Toward::Past) => clock.begins(date, zone),
        (None, Toward::Future) => {
            let end = NaiveTime::from_hms_opt(23, 59, 0).unwrap_or_default();
            clock.moment(date, end, zone).or_else(|_| clock.begins(date, zone))
        }
    }
}

fn nearest(today: NaiveDate, weekday: Weekday, toward: Toward) -> NaiveDate {
    let ahead = i64::from((7 + weekday.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7);
    match toward {
        Toward::Future => today + Duration::days(if ahead == 0 { 7 } else { ahead }),
        Toward::Past => today - Duration::days(if ahead == 0 { 7 } else { 7 - ahead }),
    }
}
