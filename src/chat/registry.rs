//! Which verb a line means.

use super::line::{Line, Read, Unclear, Verb, mentions, split};
use super::named::{self, Named};
use super::verbs::{VERBS, assign, sev, take};
use super::when::LocalClock;
use crate::domain::incident::number;
use crate::domain::{Role, Severity, Time};

/// Reads a line. Pure: the place where it was typed, and the permission, are checked later.
///
/// # Errors
/// What is unclear, and how to write it.
pub(super) fn parse(text: &str, clock: LocalClock) -> Read {
    let text = text.trim();
    let (first, rest) = split(text);
    let (in_front, word, rest) = match number(first.trim_end_matches(':')) {
        Some(incident) => {
            let (word, rest) = split(rest);
            (Some(incident), if word.is_empty() { "show" } else { word }, rest)
        }
        None => (None, first, rest),
    };
    let typed = word.to_lowercase();
    let line = |verb: &'static Verb| {
        let (rest, named) = match in_front {
            Some(incident) => (rest, Named::InFront(incident)),
            None if verb.is_about_whom_it_names() => named::read(rest),
            None => (rest, Named::Nobody),
        };
        Line { verb, word: &typed, rest, named, clock }
    };
    if let Some(verb) = VERBS.iter().find(|verb| verb.words.contains(&typed.as_str())) {
        return (verb.parse)(line(verb));
    }
    // `/incident sev1`, `/incident p2`.
    if typed.starts_with(['s', 'p']) && rest.is_empty() && Severity::parse(&typed).is_some() {
        return (sev::VERB.parse)(Line { rest: &typed, word: sev::VERB.name(), ..line(&sev::VERB) });
    }
    // `/incident scribe @chloe`, `/incident ic`.
    match (Role::parse(&typed), mentions(rest)) {
        (Some(role), people) if people.is_empty() && matches!(rest, "" | "me") => take::role(&line(&take::VERB), role),
        (Some(role), people) if !people.is_empty() => assign::role(&line(&assign::VERB), role, people),
        _ => Err(unknown(word, text)),
    }
}

/// The verb that a line means.
///
/// # Errors
/// What is unclear, and how to write it.
pub fn verb_of(text: &str, now: Time) -> Result<&'static Verb, Unclear> {
    parse(text, LocalClock::new(now, Some(chrono_tz::Tz::UTC))).map(|understood| understood.verb)
}

fn unknown(word: &str, line: &str) -> Unclear {
    let nearest = VERBS
        .iter()
        .map(|verb| verb.name())
        .map(|verb| (strsim::damerau_levenshtein(&word.to_lowercase(), verb), verb))
        .filter(|(distance, verb)| *distance <= (verb.len() / 3).max(1))
        .min();
    let (hint, meant) = match nearest {
        Some((_, verb)) => (format!(" Did you mean `/incident {verb}`?"), vec![line.replacen(word, verb, 1)]),
        None => (String::new(), Vec::new()),
    };
    let is_no_verb = meant.is_empty();
    Unclear { words: format!("I do not know “{word}”.{hint} `/incident help` lists all."), meant, is_no_verb }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::line::Intent;
    use super::*;
    use crate::domain::Command;

    fn now() -> LocalClock {
        LocalClock::new("2026-11-23T06:18:00Z".parse().expect("a time"), Some(chrono_tz::Tz::UTC))
    }

    fn command(text: &str) -> Command {
        match parse(text, now()).map(|understood| understood.intent) {
            Ok(Intent::Command(command)) => *command,
            _ => panic!("{text}: not a command"),
        }
    }

    #[test]
    fn every_verb_of_the_help_is_understood() {
        for verb in VERBS.iter().flat_map(|verb| verb.words) {
            let told = parse(verb, now()).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(!told.contains("I do not know"), "{verb}: {told}");
        }
    }

    #[test]
    fn lines_read_as_meant() {
        assert_eq!(
            command("update backfill runs next 30m"),
            Command::Update {
                text: "backfill runs".to_owned(),
                next: Some("2026-11-23T06:48:00Z".parse().expect("a time")),
                impact: None,
            }
        );
        assert_eq!(
            command("update waiting for the next run"),
            Command::Update { text: "waiting for the next run".to_owned(), next: None, impact: None }
        );
        assert_eq!(
            command("task add a check <@U1|ana> friday"),
            Command::AddTask {
                text: "add a check".to_owned(),
                assignee: Some("U1".into()),
                due: Some("2026-11-27T23:59:00Z".parse().expect("a time")),
            }
        );
        assert_eq!(
            command("assign responder <@U1|ana> <@U2>"),
            Command::Assign {
                roles: BTreeMap::from([(Role::Responder, vec!["U1".into(), "U2".into()])]),
                without: BTreeMap::new(),
            }
        );
        let named = parse("INC-12 resolve all good", now()).expect("a command");
        assert!(named.named == Named::InFront(12) && named.verb.name() == "resolve");
        let alone = parse("inc-12", now()).expect("an incident");
        assert!(alone.named == Named::InFront(12) && alone.verb.name() == "show");
        assert_eq!(
            command("runbook skip 3 no staging"),
            Command::StepSkip { step: 3, reason: "no staging".to_owned() }
        );
    }

    #[test]
    fn no_word_is_of_two_verbs() {
        let mut words: Vec<_> = VERBS.iter().flat_map(|verb| verb.words).collect();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
        assert!(words.iter().all(|word| word.to_lowercase() == **word));
    }

    #[test]
    fn a_slip_is_answered_with_the_likely_word() {
        insta::assert_snapshot!(parse("resovle", now()).err().expect("a slip"), @"I do not know “resovle”. Did you mean `/incident resolve`? `/incident help` lists all.");
        insta::assert_snapshot!(parse("orders are late", now()).err().expect("no verb"), @"I do not know “orders”. `/incident help` lists all.");
        insta::assert_snapshot!(parse("since soon", now()).err().expect("no time"), @"“soon” is not a time I understand. It is written `/incident since <time>`: since when the data is bad: `06:10`, `2h ago`, `7pm`, `yesterday 22:15`, by your own clock.");
    }

    proptest! {
        #[test]
        fn no_line_panics(text in "\\PC{0,200}") {
            let _ = parse(&text, now());
        }
    }
}
