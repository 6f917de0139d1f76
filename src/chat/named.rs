//! Which incident a line names. What is named is what is acted on, wherever `INC-n` stands in the line. Where that is not sure, the person is
//! asked, and nothing is done: several are named, another one than the channel's is named for a change of status, or the name may be part
//! of a text.

use crate::domain::incident::number;

/// Words after which `INC-n` is what something is compared with.
const MENTIONING: [&str; 14] = [
    "of",
    "as",
    "like",
    "see",
    "than",
    "by",
    "from",
    "with",
    "cf",
    "cf.",
    "unlike",
    "duplicates",
    "related",
    "similar",
];
/// Words before an incident's name that belong to the name: `ack in INC-2`.
const TARGETING: [&str; 7] = ["for", "in", "on", "at", "to", "about", "incident"];
/// Which incident a line names, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Nobody,
    /// In front of the verb. There it is never a word of a text.
    InFront(u64),
    /// In the rest of the line, where it may be something else.
    InRest(u64, Place),
    Several(Vec<u64>),
}

/// Where in the rest of a line an incident's name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At its beginning or its end.
    Edge,
    /// Between words.
    Within,
    /// After a word that compares: `same as INC-2`.
    Mention,
}

/// How much harm it does to act on the wrong incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It reads, or opens a form that names its incident.
    Shows,
    Changes,
    /// It changes how the incident stands, so people act on it.
    Decides,
}

impl Named {
    /// The incident in front of the verb.
    pub fn in_front(&self) -> Option<u64> {
        match self {
            Self::InFront(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether it must be known in which channel the line was typed.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::InRest(..) | Self::Several(_))
    }
}

/// Reads the incident that the rest of a line names. If its name stands at the edge, the rest comes back without it.
pub(crate) fn read(rest: &str) -> (&str, Named) {
    let words = words(rest);
    let lower = |at: usize| words.get(at).map(|(_, word)| bare(word).to_lowercase()).unwrap_or_default();
    let mut found: Vec<(usize, u64)> = Vec::new();
    for (at, (_, word)) in words.iter().enumerate() {
        // "A duplicate of INC-3" says what the channel's incident is.
        let is_of_duplicate = (0..at).any(|before| lower(before).starts_with("dup"));
        if let Some(number) = name(word).filter(|_| !is_of_duplicate) {
            found.push((at, number));
        }
    }
    let numbers: Vec<u64> = found.iter().map(|(_, number)| *number).collect();
    let (at, number) = match (found.first(), numbers.iter().all(|one| Some(one) == numbers.first())) {
        (None, _) => return (rest, Named::Nobody),
        (Some(first), true) => *first,
        (Some(_), false) => {
            let mut each = numbers;
            each.sort_unstable();
            each.dedup();
            return (rest, Named::Several(each));
        }
    };
    let before = at.checked_sub(1).map(lower).unwrap_or_default();
    if MENTIONING.contains(&before.as_str()) {
        return (rest, Named::InRest(number, Place::Mention));
    }
    let belongs = usize::from(TARGETING.contains(&before.as_str()));
    let begins = |at: usize| words.get(at).map_or(rest.len(), |(begin, _)| *begin);
    let is_punctuation = |c: char| c.is_whitespace() || ":,;-–—.".contains(c);
    if at == belongs {
        let after = rest.get(begins(at + 1)..).unwrap_or_default();
        return (after.trim_start_matches(is_punctuation), Named::InRest(number, Place::Edge));
    }
    if at + 1 == words.len() {
        let before = rest.get(..begins(at - belongs)).unwrap_or_default();
        return (before.trim_end(), Named::InRest(number, Place::Edge));
    }
    (rest, Named::InRest(number, Place::Within))
}

/// The words of a text, and where each begins. `INC 2` is one word.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut begin = 0;
    let place = |word: &str| {
        let here = begin;
        begin += word.len();
        here
    };
    let mut place = place;
    let mut words: Vec<(usize, &str)> = Vec::new();
    let parts = text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&'));
    for (begin, word) in parts.map(|word| (place(word), word.trim())).filter(|(_, word)| !word.is_empty()) {
        match words.last_mut() {
            Some((before, inc)) if bare(inc).eq_ignore_ascii_case("inc") && bare(word).parse::<u32>().is_ok() => {
                *inc = &text[*before..begin + word.len()];
            }
            _ => words.push((begin, word)),
        }
    }
    words
}

/// A word without what stands around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// The number of the incident that a word names: `INC-2`, `inc2`, `#inc-2`, `(INC-2):`, or its channel, as Slack writes it.
fn name(word: &str) -> Option<u64> {
    let channel = word.strip_prefix("<#").and_then(|mark| mark.split_once('|')).map(|(_, name)| name);
    let word = bare(channel.unwrap_or(word)).to_lowercase();
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(&word);
    let digits = || word.strip_prefix("inc").map(str::trim).filter(|digits| digits.len() < 7);
    let named = number(word).or_else(|| digits()?.parse().ok());
    // A channel's name goes on with the title: `inc-2-orders-are-late`.
    named.or_else(|| {
        channel?;
        word.strip_prefix("inc-")?.split('-').next()?.parse().ok()
    })
}

/// The incident that a line acts on if it is typed in the channel of `here`, or in none: a number, or nobody for the channel's own.
///
/// # Errors
/// The incidents that may be meant. The person must choose.
pub(crate) fn sure(named: &Named, weight: Weight, here: Option<u64>) -> Result<Option<u64>, Vec<u64>> {
    match (named, here) {
        (Named::Nobody, _) => Ok(None),
        (Named::InFront(number), _) => Ok(Some(*number)),
        (Named::Several(each), _) => Err(each.clone()),
        (Named::InRest(number, place), Some(here)) if here != *number => match (weight, place) {
            (Weight::Shows, _) | (Weight::Changes, Place::Edge) => Ok(Some(*number)),
            (Weight::Changes, Place::Mention) => Ok(None),
            (Weight::Changes, Place::Within) | (Weight::Decides, _) => Err(vec![*number, here]),
        },
        (Named::InRest(number, _), _) => Ok(Some(*number)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_anywhere_is_found() {
        let edge = |number| Named::InRest(number, Place::Edge);
        for (rest, left, named) in [
            ("INC-2 loader fixed", "loader fixed", edge(2)),
            ("loader fixed INC-2", "loader fixed", edge(2)),
            ("loader fixed in inc-2.", "loader fixed", edge(2)),
            ("for INC-2: loader fixed", "loader fixed", edge(2)),
            ("#inc-2", "", edge(2)),
            ("inc2 please", "please", edge(2)),
            ("<#C1|inc-2-orders-are-late>", "", edge(2)),
            ("1 INC-2", "1", edge(2)),
            ("INC 2 1", "1", edge(2)),
            ("INC-2,INC-3", "INC-2,INC-3", Named::Several(vec![2, 3])),
            ("we saw INC-2's loader stop", "we saw INC-2's loader stop", Named::InRest(2, Place::Within)),
            ("same as INC-2", "same as INC-2", Named::InRest(2, Place::Mention)),
            ("the load of INC-2 runs", "the load of INC-2 runs", Named::InRest(2, Place::Mention)),
            ("we wait until INC-2 ends", "we wait until INC-2 ends", Named::InRest(2, Place::Within)),
            ("duplicate of INC-3", "duplicate of INC-3", Named::Nobody),
            ("duplicate see INC-3", "duplicate see INC-3", Named::Nobody),
            ("INC-2 INC-3", "INC-2 INC-3", Named::Several(vec![2, 3])),
            ("INC-2 inc2", "inc2", edge(2)),
            ("incident increased by 3", "incident increased by 3", Named::Nobody),
        ] {
            assert_eq!(read(rest), (left, named), "{rest}");
        }
    }

    proptest! {
        #[test]
        fn no_rest_panics(rest in "(\\PC{0,20} ?(INC-2)? ?){0,4}") {
            let (left, _) = read(&rest);
            prop_assert!(rest.contains(left));
        }
    }
}
