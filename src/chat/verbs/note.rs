//! `note`: something for the timeline.

use crate::chat::line::Verb;
use crate::domain::{Command, permission};

pub(crate) static VERB: Verb = Verb {
    words: &["note"],
    arguments: "<text>",
    help: "put something on the timeline",
    may: permission::Verb::Note,
    parse: |line| line.command(Command::Note { text: line.rest.to_owned() }),
};
