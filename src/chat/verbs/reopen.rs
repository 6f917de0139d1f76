//! `reopen`: it is not over.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::questions::{Questions, SOME};
use crate::domain::{Command, Incident, permission};
use crate::render::ModalInput;
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["reopen"],
    arguments: "<reason>",
    help: "it is not over",
    may: permission::Verb::Status,
    parse: |line| line.command(Command::Reopen { reason: line.rest.to_owned() }),
};

pub(crate) async fn form(chat: &Chat<'_>, incident: &Incident) -> Result<Questions, Failure> {
    chat.would(incident, Command::Reopen { reason: SOME.to_owned() }).await?;
    let inputs = vec![ModalInput::text("text", "Why is it not over?", "orders went stale again")];
    Ok(Questions { title: "Reopen", submit: "Reopen", inputs })
}

pub(crate) fn sent(view: &View) -> Command {
    Command::Reopen { reason: view.text("text").unwrap_or_default() }
}
