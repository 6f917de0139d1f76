//! `drill`: opens an incident for practice.

use super::declare;
use crate::chat::line::{Line, Verb};
use crate::domain::command::Declaration;
use crate::domain::permission;

pub(crate) static VERB: Verb = Verb {
    words: &["drill"],
    arguments: "[title]",
    help: "practise: nobody is paged, nobody outside is told, no figure counts it",
    parse: |line| {
        let title = if line.rest.is_empty() { "practice" } else { line.rest };
        let drill = Declaration { drill: true, ..declare::read(&Line { verb: &declare::VERB, ..line }, title)? };
        line.act(permission::Verb::Declare, move |chat, _| Box::pin(declare::said(chat, drill, true)))
    },
};
