//! Text that people typed, held to its limits, and times as people read them.

use crate::domain::times::clock;
use crate::domain::{Refusal, Time};

/// The longest title. With the incident's name, it must fit a Slack header (150).
pub const MAX_TITLE: usize = 120;
/// The longest text of a note, update, fix or reason. This is Slack's limit for a section.
pub const MAX_TEXT: usize = 3000;

/// A text that people typed. It is trimmed, and must not be empty or longer than [`MAX_TEXT`].
pub(super) fn words(what: &'static str, example: &'static str, text: &str) -> Result<String, Refusal> {
    at_most(MAX_TEXT, what, example, text)
}

/// As [`words`], with another limit.
pub(super) fn at_most(max: usize, what: &'static str, example: &'static str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() {
        return Err(Refusal::Empty { what, example });
    }
    if length > max {
        return Err(Refusal::TooLong { what, max, length });
    }
    Ok(text.to_owned())
}

/// As [`words`], for text that may be missing.
pub(super) fn optional(what: &'static str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => words(what, "", text).map(Some),
    }
}

/// `06:10 (2026-11-23)`: a time in a sentence for people.
pub(super) fn moment(at: Time) -> String {
    format!("{at} UTC ({date})", at = clock(at), date = at.format("%Y-%m-%d"))
}
