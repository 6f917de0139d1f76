//! `fix`: what fixed it.

use crate::chat::line::Verb;
use crate::domain::{Command, permission};

pub(crate) static VERB: Verb = Verb {
    words: &["fix"],
    arguments: "<text>",
    help: "what mended it",
    may: permission::Verb::Stamp,
    parse: |line| line.command(Command::Fix { text: line.rest.to_owned() }),
};
