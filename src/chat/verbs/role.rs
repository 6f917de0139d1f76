//! `role`: what a role asks of the person who has it.

use super::show;
use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::{Role, permission};
use crate::render::Rendered;

pub(crate) static VERB: Verb = Verb {
    words: &["role", "roles"],
    arguments: "<role>",
    help: "what a role asks of you now",
    parse: |line| {
        if line.rest.is_empty() {
            return line.act(permission::Verb::Read, |chat, number| Box::pin(show::said(chat, number)));
        }
        let role = line.role()?;
        line.act(permission::Verb::Read, move |chat, number| Box::pin(said(chat, number, role)))
    },
};

async fn said(chat: &Chat<'_>, number: Option<u64>, role: Role) -> Result<Reply, Failure> {
    let incident = chat.incident(number).await?;
    let (words, buttons) = chat.app.role_card(&incident, role, chat.user).await?;
    Ok(Rendered::new(&words, &buttons).into())
}
