//! `update`: tells people the state of the incident, and when they will hear again.

use crate::app::Failure;
use crate::chat::line::{Line, Unclear, Verb};
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, form, promised};
use crate::chat::when::Toward;
use crate::domain::{Command, Time};
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["update"],
    arguments: "<text> [next <30m|15:00>]",
    help: "tell people how it stands, and when they hear again",
    parse: |line| {
        if line.rest.is_empty() {
            return line.ask(Form::Update);
        }
        let (text, next) = trailing_next(&line)?;
        line.command(Command::Update { text, next, impact: None })
    },
};

/// `… next 30m` at the end of the text.
fn trailing_next(line: &Line<'_>) -> Result<(String, Option<Time>), Unclear> {
    let text = line.rest;
    // ASCII only, so that positions in the copy are positions in the text.
    let Some(at) = text.to_ascii_lowercase().rfind(" next ") else {
        return Ok((text.to_owned(), None));
    };
    let (words, when) = (text.get(..at).unwrap_or(text), text.get(at + 6..).unwrap_or_default());
    // "the next run" is a sentence, not a promise.
    match line.perhaps(when, Toward::Future)? {
        Some(next) => Ok((words.trim().to_owned(), Some(next))),
        None => Ok((text.to_owned(), None)),
    }
}

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let incident = asked.incident_for(Command::Update { text: SOME.to_owned(), next: None, impact: None }).await?;
    let changed = "What changed? Consumers read this too.";
    let means = "What does it mean for those who use the data?";
    let inputs = vec![
        ModalInput::text("text", changed, "The load runs again; orders are good by 09:00."),
        ModalInput::line("impact", means, "yesterday's figures are right; today's are missing").if_any(),
        ModalInput::line("next", asked.chat.clock().asks("When do they hear again?"), "30m, or 15:00").if_any(),
    ];
    Ok(Questions::about(&incident, "Post an update", "Post", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let next = promised(view, "next", asked.chat.clock(), "30m, 2h or 15:00")?;
    let text = view.text("text").unwrap_or_default();
    asked.give(Command::Update { text, next, impact: view.text("impact") }).await
}
