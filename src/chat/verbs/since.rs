//! `since`: from when the data is bad.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["since"],
    arguments: "<time>",
    help: "since when the data is bad: `06:10`, `2h ago`, `7pm`, `yesterday 22:15`, by your own clock",
    parse: |line| line.command(Command::Since { at: line.past(line.rest)? }),
};
