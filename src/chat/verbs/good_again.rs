//! `good-again`: from when the data is good again.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["good-again", "good"],
    arguments: "<time>",
    help: "since when the data is good again downstream: `06:10`, `an hour ago`",
    parse: |line| line.command(Command::GoodAgain { at: line.past(line.rest)? }),
};
