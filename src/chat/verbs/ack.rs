//! `ack`: somebody has it.

use crate::chat::line::Verb;
use crate::domain::{Command, permission};

pub(crate) static VERB: Verb = Verb {
    words: &["ack", "acknowledge", "investigating", "claim"],
    arguments: "",
    help: "say that you have it",
    may: permission::Verb::Acknowledge,
    parse: |line| line.command(Command::Acknowledge),
};
