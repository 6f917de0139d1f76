//! `brief`: what a commander needs to know now.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::permission;
use crate::render::Rendered;

pub(crate) static VERB: Verb = Verb {
    words: &["brief", "summary"],
    arguments: "",
    help: "what a commander must know now: since when, root, reach, tasks, what is due",
    parse: |line| line.act(permission::Verb::Read, |chat, number| Box::pin(said(chat, number))),
};

async fn said(chat: &Chat<'_>, number: Option<u64>) -> Result<Reply, Failure> {
    let incident = chat.incident(number).await?;
    Ok(Rendered::new(&chat.app.brief(&incident).await?, &[]).into())
}
