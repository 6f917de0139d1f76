//! `postmortem`: makes the draft from the record.

use crate::chat::line::Verb;
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["postmortem", "post-mortem", "pm"],
    arguments: "",
    help: "draft the post-mortem from the record",
    parse: |line| line.command(Command::DraftPostmortem),
};
