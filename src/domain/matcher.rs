//! Matchers of alerts, as used in silences, maintenance windows and routes.
//!
//! A matcher is a list of words: `asset=warehouse.orders* pillar=freshness|volume source!=staging team=orders`. All must hold. A value is
//! a glob that ignores case, or several globs between bars. A word without `=` is a glob for the asset. A name that is no field is a label.

use derive_where::derive_where;
use globset::{GlobBuilder, GlobMatcher};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::Signal;

#[derive_where(PartialEq)]
#[derive(Debug, Clone, derive_more::Display, SerializeDisplay, DeserializeFromStr)]
#[display("{text}")]
pub struct Matcher {
    text: String,
    #[derive_where(skip)]
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
        "severity" | "level" => super::Level::ALL.map(super::Level::as_str).to_vec(),
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
            let (field, value) = word.split_once('=').unwrap_or(("asset", word.as_str()));
            let (field, negated) = field.strip_suffix('!').map_or((field, false), |field| (field, true));
            if field.is_empty() || value.is_empty() || value.starts_with('=') {
                return Err(Unmatchable(format!(
                    "“{word}” is no matcher; write for example asset=warehouse.orders* or team=orders"
                )));
            }
            if let Some(wrong) = value.split('|').find(|value| !is_value_of(field, value)) {
                let values = values_of(field).join(", ");
                return Err(Unmatchable(format!("“{wrong}” is no {field}; there are {values}")));
            }
            if let Some(meant) = FIELDS.iter().find(|known| is_slip_of(field, known)) {
                return Err(Unmatchable(format!("Is “{field}” meant to be {meant}?")));
            }
            let glob = |value: &str| {
                let glob = GlobBuilder::new(value).case_insensitive(true).literal_separator(false).build();
                glob.map(|glob| glob.compile_matcher())
                    .map_err(|error| Unmatchable(format!("“{value}” is no pattern: {error}")))
            };
            let globs = value.split('|').map(glob).collect::<Result<Vec<_>, _>>()?;
            terms.push(Term { field: field.to_owned(), negated, globs });
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

impl std::str::FromStr for Matcher {
    type Err = Unmatchable;

    fn from_str(text: &str) -> Result<Self, Unmatchable> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AssetName, Pillar, Time};

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
