//! `reopen`: it is not over.

use crate::app::Failure;
use crate::chat::line::Verb;
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, form};
use crate::domain::Command;
use crate::render::ModalInput;
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["reopen"],
    arguments: "<reason>",
    help: "it is not over",
    parse: |line| line.command(Command::Reopen { reason: line.rest.to_owned() }),
};

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let incident = asked.incident_for(Command::Reopen { reason: SOME.to_owned() }).await?;
    let inputs = vec![ModalInput::text("text", "Why is it not over?", "orders went stale again")];
    Ok(Questions::about(&incident, "Reopen", "Reopen", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    asked.give(Command::Reopen { reason: view.text("text").unwrap_or_default() }).await
}
