//! `why`: answers a why, the last one or the n-th.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::{Verb, numbered};
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, form};
use crate::domain::{Command, Event, Incident, timeline};
use crate::render::{Form, ModalInput, escape};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["why"],
    arguments: "[n] <text>",
    help: "answer a why, the last one or the n-th; five in a row usually reach the cause",
    parse: |line| {
        if line.rest.is_empty() {
            return line.ask(Form::Why);
        }
        let (number, text) = line.split();
        match numbered(number) {
            Some(of) => line.command(Command::Why { answers: Some(of), text: text.to_owned() }),
            None => line.command(Command::Why { answers: None, text: line.rest.to_owned() }),
        }
    },
};

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let incident = asked.incident_for(Command::Why { answers: None, text: SOME.to_owned() }).await?;
    let mut inputs: Vec<_> = last(asked.chat, &incident).await?.map(ModalInput::Words).into_iter().collect();
    inputs.push(ModalInput::text("text", "Why did that happen?", "the loader had no retry"));
    Ok(Questions::about(&incident, "Why?", "Write down", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    asked.give(Command::Why { answers: None, text: view.text("text").unwrap_or_default() }).await
}

/// The last why, which the form repeats.
async fn last(chat: &Chat<'_>, incident: &Incident) -> Result<Option<String>, Failure> {
    let entries = chat.app.entries(&incident.uid, 0, usize::MAX).await?;
    let last = timeline::corrected(&entries).into_iter().rev().find_map(|one| match one.entry.event {
        Event::Why { number, text, .. } => Some((number, text)),
        _ => None,
    });
    Ok(last.map(|(number, text)| escape(&format!("Why {number}: {text}"))))
}
