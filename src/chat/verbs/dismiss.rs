//! `dismiss`: it is over, because it was no incident.

use crate::chat::line::Verb;
use crate::domain::Command;
use crate::domain::incident::Ending;

pub(crate) static VERB: Verb = Verb {
    words: &["dismiss"],
    arguments: "<false-positive|expected|duplicate> <reason>",
    help: "end it as no incident, and say why",
    parse: |line| {
        let (why, reason) = line.split();
        let ending = match why.trim_end_matches(':').to_lowercase().replace(['-', '_'], "").as_str() {
            "falsepositive" | "falsealarm" | "false" => Some(Ending::FalseAlarm),
            "expected" => Some(Ending::Expected),
            "duplicate" | "dup" => Some(Ending::Duplicate),
            _ => None,
        };
        match ending {
            Some(ending) if !reason.is_empty() => {
                line.command(Command::Resolve { text: Some(reason.to_owned()), ending })
            }
            Some(_) => Err(line.unclear("Why? Whoever reads it later wants to know.")),
            None => Err(line.unclear("It is a false positive, expected, or a duplicate.")),
        }
    },
};
