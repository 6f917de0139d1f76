//! `mute`, `unmute`: a team hears no more of an incident, or hears of it again.

use crate::chat::line::{Verb, unquote};
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["mute", "unmute"],
    arguments: "<team>",
    help: "tell a team no more of this incident; `unmute <team>` again",
    parse: |line| match unquote(line.rest) {
        recipient if recipient.is_empty() => Err(line.unclear("Which team?")),
        recipient => line.command(Command::Mute { recipient, muted: line.word == "mute" }),
    },
};
