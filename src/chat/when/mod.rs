//! Times as people type them: `06:10`, `7pm`, `2h ago`, `1h30m`, `friday`, `tomorrow 9am`, `2026-12-01 06:10 CET`. They are read by the clocks
//! of the person who types them ([`LocalClock`]), and the answer says which moment was understood. `phrase` has the grammar.

mod clock;
mod phrase;

pub(crate) use clock::LocalClock;

use crate::domain::Time;

/// Whether a bare time of day means the last such time or the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// `since 06:10`: the last time it was 06:10; `2h` means two hours ago.
    Past,
    /// `next 15:00`: the next time it is 15:00; `2h` means in two hours.
    Future,
}

/// Words of which no moment can be made, and why, for the person who typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotATime {
    pub(crate) words: String,
    /// Whether they are a time that cannot be used. Otherwise they may be anything, such as the end of a sentence.
    pub(crate) meant: bool,
}

impl NotATime {
    fn no_time(words: &str) -> Self {
        Self { words: format!("“{words}” is not a time I understand."), meant: looks_like_one(words) }
    }

    /// It must be said more clearly. The words say how.
    fn ask(words: String) -> Self {
        Self { words, meant: true }
    }

    fn too_far() -> Self {
        Self::ask("That is more than ten years away.".to_owned())
    }
}

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

/// Whether words look like a time. If they are not one, that is a mistake and not a sentence: `25:00`, `9999h`, `at 06:70`.
fn looks_like_one(words: &str) -> bool {
    let words = words.trim().trim_start_matches("at ").trim_end_matches("UTC").trim();
    let first = words.split_whitespace().next().unwrap_or_default();
    let is_clock = |word: &str| {
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        digits > 0 && word[digits..].chars().all(|c| c.is_ascii_digit() || ":-./tzmhd".contains(c.to_ascii_lowercase()))
    };
    is_clock(first) && words.split_whitespace().skip(1).all(is_clock)
}

#[cfg(test)]
mod tests;
