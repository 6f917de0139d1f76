//! `note`: something for the timeline.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["note"],
    arguments: "<text>",
    help: "put something on the timeline",
    parse: |line| line.command(Command::Note { text: line.rest.to_owned() }),
};
