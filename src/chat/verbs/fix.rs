//! `fix`: what fixed it.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["fix"],
    arguments: "<text>",
    help: "what mended it",
    parse: |line| line.command(Command::Fix { text: line.rest.to_owned() }),
};
