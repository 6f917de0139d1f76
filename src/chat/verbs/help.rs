//! `help`: how verbs are used, and who may do what.

use crate::chat::line::{Intent, Verb};

pub(crate) static VERB: Verb = Verb {
    words: &["help", "?", ""],
    arguments: "[topic]",
    help: "show this help; `help who` shows who may do what",
    parse: |line| {
        let intent = match line.rest.to_lowercase().as_str() {
            "who" | "permissions" => Intent::Permissions,
            _ => Intent::Help(line.optional()),
        };
        line.understood(intent)
    },
};
