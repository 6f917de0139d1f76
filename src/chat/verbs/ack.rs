//! `ack`: somebody has it.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["ack", "acknowledge", "investigating", "claim"],
    arguments: "",
    help: "say that you have it",
    parse: |line| line.command(Command::Acknowledge),
};
