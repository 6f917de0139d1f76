//! `drill`: opens an incident for practice.

use super::declare;
use crate::chat::line::{Line, Verb};
use crate::domain::command::Declaration;
use crate::domain::permission;

pub(crate) static VERB: Verb = Verb {
    words: &["drill"],
    arguments: "[title]",
    help: "practise: nobody is paged, nobody outside is told, and it counts in no figure",
    parse: |line| {
        let (declaration, _) = declare::read(&Line { verb: &declare::VERB, ..line.clone() }, line.rest)?;
        let mut drill = Declaration { drill: true, ..declaration };
        line.act(permission::Verb::Declare, move |chat, _| {
            if drill.title.is_empty() {
                drill.title = chat.app.templates.words("drill_title", &());
            }
            Box::pin(declare::said(chat, drill, true))
        })
    },
};
