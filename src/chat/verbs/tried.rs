//! `tried`, `ruled-out`: what was tried, and what is not the cause.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["tried", "attempt", "ruled-out", "ruledout", "rule-out", "ruled", "rule"],
    arguments: "<text>",
    help: "write down what was tried, and what came of it; `ruled-out <text>` for what is not the cause",
    parse: |line| {
        let text = match line.word {
            "ruled" | "rule" => line.rest.trim_start_matches("out").trim(),
            _ => line.rest,
        };
        line.command(Command::Tried { text: text.to_owned(), ruled_out: line.word.starts_with("rule") })
    },
};
