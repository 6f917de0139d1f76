//! The sentences that are no templates: answers, refusals, labels, lines of the timeline. Each is found by its English text, which
//! stands in `message-templates/words.toml` too; a `words.toml` in the operator's folder says what is to be said instead. Templates with
//! values and layout are `messages`' business.
//!
//! The sentences in force are the process's, since an error says itself wherever it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

/// What is said instead of the English text; nothing where that is said.
static INSTEAD: RwLock<BTreeMap<String, String>> = RwLock::new(BTreeMap::new());

/// The shipped sentences, all of them.
pub const SHIPPED: &str = include_str!("../message-templates/words.toml");

/// A sentence with its values: `tr!("There is no INC-{number}.", number = 7)`. The text must stand in `words.toml`; a test sees to it.
#[macro_export]
macro_rules! tr {
    ($text:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::words::say($text, &[$((stringify!($name), &($value).to_string())),*])
    };
}

/// A sentence in force, with its values put in.
pub fn say(text: &str, values: &[(&str, &str)]) -> String {
    let instead = INSTEAD.read().unwrap_or_else(PoisonError::into_inner);
    let mut rest = instead.get(text).map_or(text, String::as_str);
    let mut said = String::with_capacity(rest.len() + 32);
    // One pass, so that a value that looks like a place is not filled in itself.
    while let Some(start) = rest.find('{') {
        said.push_str(&rest[..start]);
        rest = &rest[start..];
        let found = rest.find('}').and_then(|end| {
            let value = values.iter().find(|(name, _)| *name == &rest[1..end])?;
            Some((end, value.1))
        });
        match found {
            Some((end, value)) => {
                said.push_str(value);
                rest = &rest[end + 1..];
            }
            None => {
                said.push('{');
                rest = &rest[1..];
            }
        }
    }
    said.push_str(rest);
    said
}

/// A label, as it is in force.
pub fn label(text: &str) -> String {
    say(text, &[])
}

fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

/// Reads what is said instead, and checks that each replaces a sentence of ours and names no value that this one has not.
///
/// # Errors
/// What is wrong, with the sentence.
pub fn check(text: &str) -> Result<BTreeMap<String, String>, String> {
    let shipped = read(SHIPPED)?;
    let instead = read(text)?;
    for (sentence, said) in &instead {
        if !shipped.contains_key(sentence) {
            return Err(format!("replaces no sentence of Muster: {sentence:?}"));
        }
        if let Some(unknown) = places(said).difference(&places(sentence)).next() {
            return Err(format!("{{{unknown}}} is no value of the sentence {sentence:?}"));
        }
    }
    Ok(instead)
}

/// Puts sentences in force.
pub fn install(instead: BTreeMap<String, String>) {
    *INSTEAD.write().unwrap_or_else(PoisonError::into_inner) = instead;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_once() {
        assert_eq!(say("{a} and {b}", &[("a", "{b}"), ("b", "2")]), "{b} and 2");
        assert_eq!(say("{unknown} {", &[]), "{unknown} {");
    }

    #[test]
    fn every_sentence_says_itself_and_a_wrong_one_is_refused() {
        for (sentence, said) in read(SHIPPED).expect("the shipped sentences") {
            assert_eq!(sentence, said);
        }
        let wrong = |text: &str| check(text).expect_err("wrong");
        assert!(wrong("\"There is no such sentence.\" = \"x\"").contains("replaces no sentence"));
        assert!(wrong("\"Join {incident}\" = \"{who}\"").contains("{who} is no value"));
        // What is said instead is said wherever the sentence is.
        install(check("\"Join {incident}\" = \"Komm zu {incident}\"").expect("right words"));
        assert_eq!(tr!("Join {incident}", incident = "INC-4"), "Komm zu INC-4");
        install(BTreeMap::new());
    }
}
