//! `list`: the incidents. `search` finds some of them.

use super::search::{self, Search};
use crate::chat::line::{Line, Verb};
use crate::domain::permission;

pub(crate) static VERB: Verb = Verb {
    words: &["list", "ls"],
    arguments: "[open|mine|all]",
    help: "which incidents there are",
    parse: |line| {
        let search = match line.rest.to_lowercase().as_str() {
            "" | "open" => Search { open: true, ..Search::default() },
            "mine" => Search { open: true, mine: true, ..Search::default() },
            "all" => Search::default(),
            _ => search::read(&Line { verb: &search::VERB, ..line.clone() })?,
        };
        line.act(permission::Verb::Read, move |chat, _| Box::pin(search::said(chat, search)))
    },
};
