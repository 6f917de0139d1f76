//! `leave`: somebody gives back one role, or all of them.

use crate::chat::line::Verb;
use crate::domain::{Command, Role};

pub(crate) static VERB: Verb = Verb {
    words: &["leave", "drop", "unassign"],
    arguments: "[role]",
    help: "give a role back",
    parse: |line| match Role::parse(line.rest) {
        None if !line.rest.is_empty() => Err(line.unclear(&format!("“{}” is not a role.", line.rest))),
        role => line.command(Command::Leave { role }),
    },
};
