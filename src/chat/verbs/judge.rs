//! `judge`: whether the alerts were useful.

use crate::chat::line::Verb;
use crate::domain::incident::Verdict;
use crate::domain::{Command, permission};

pub(crate) static VERB: Verb = Verb {
    words: &["judge", "alert-was"],
    arguments: "<useful|expected|false>",
    help: "say whether its alerts were worth it; `stats` shows the noisiest monitors",
    may: permission::Verb::Triage,
    parse: |line| match Verdict::parse(line.rest) {
        Some(verdict) => line.command(Command::Judge { verdict }),
        None => Err(line.unclear("What were its alerts?")),
    },
};
