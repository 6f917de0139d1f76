//! `leave`: somebody gives back one role, or all of them.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["leave", "drop", "unassign"],
    arguments: "[role]",
    help: "give a role back",
    parse: |line| {
        let role = if line.rest.is_empty() { None } else { Some(line.role()?) };
        line.command(Command::Leave { role })
    },
};
