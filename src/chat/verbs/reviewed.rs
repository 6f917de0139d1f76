//! `reviewed`: the people concerned have read the post-mortem together.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["reviewed", "review"],
    arguments: "",
    help: "the post-mortem was read with those concerned; the channel is archived some days later, where that is configured",
    parse: |line| line.command(Command::Review),
};
