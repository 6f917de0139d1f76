//! `escalate`: nobody answers, so those who answer for the incident are paged again.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["escalate"],
    arguments: "[text]",
    help: "nobody answers: page those who answer for it again, as a new page",
    parse: |line| line.command(Command::Escalate { text: line.optional() }),
};
