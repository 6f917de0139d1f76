//! `judge`: whether the alerts were useful.

use crate::chat::line::Verb;
use crate::domain::Command;
use crate::domain::incident::Verdict;

pub(crate) static VERB: Verb = Verb {
    words: &["judge", "alert-was"],
    arguments: "<useful|expected|false>",
    help: "say whether its alerts were worth it; `stats` shows the noisiest monitors",
    parse: |line| match Verdict::parse(line.rest) {
        Some(verdict) => line.command(Command::Judge { verdict }),
        None => Err(line.unclear("What were its alerts?")),
    },
};
