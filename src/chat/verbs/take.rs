//! `take`, `join`: somebody takes a role. The name of a role alone (`/incident scribe`) does too.

use crate::chat::line::{Line, Read, Verb};
use crate::domain::{Command, Role};

pub(crate) static VERB: Verb = Verb {
    words: &["take", "join"],
    arguments: "<role>",
    help: "take a role: commander, deputy, responder, scribe, liaison; `take command` asks whoever has it",
    parse: |line| match Role::parse(line.rest) {
        _ if line.word == "join" => role(&line, Role::Responder),
        Some(of) => role(&line, of),
        None => Err(line.unclear("Which role?")),
    },
};

pub(crate) fn role(line: &Line<'_>, role: Role) -> Read {
    line.command(Command::Take { role })
}
