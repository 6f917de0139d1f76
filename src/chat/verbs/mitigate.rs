//! `mitigate`: consumers are protected, but the cause may still be there.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["mitigate", "mitigated"],
    arguments: "[text]",
    help: "consumers are protected, the cause may still be there",
    parse: |line| line.command(Command::Mitigate { text: line.optional() }),
};
