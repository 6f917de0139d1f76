//! `page`: pages a service's people, or one person, through PagerDuty.

use crate::chat::line::{Verb, mentions};
use crate::domain::Command;

pub(crate) static VERB: Verb = Verb {
    words: &["page"],
    arguments: "<service|@user> [text]",
    help: "page a service's people, or one person, through PagerDuty",
    parse: |line| {
        let (target, text) = line.split();
        let text = (!text.is_empty()).then(|| text.to_owned());
        match mentions(target).into_iter().next() {
            Some(person) => line.command(Command::PagePerson { person, text }),
            None if target.is_empty() => Err(line.unclear("Whom do you want to page?")),
            None => line.command(Command::Page { target: target.to_owned(), text }),
        }
    },
};
