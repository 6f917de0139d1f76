//! `unsilence`: a silence ends now.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::{Verb, numbered};
use crate::chat::reply::Reply;
use crate::domain::permission;

pub(crate) static VERB: Verb = Verb {
    words: &["unsilence"],
    arguments: "<n>",
    help: "end a silence now",
    parse: |line| match numbered(line.rest) {
        Some(number) => line.act(permission::Verb::Triage, move |chat, _| Box::pin(said(chat, number))),
        None => Err(line.unclear("Which silence? `/incident silences` gives their numbers.")),
    },
};

async fn said(chat: &Chat<'_>, number: u64) -> Result<Reply, Failure> {
    let silence = chat.app.unsilence(number).await?;
    Ok(Reply::words(&format!(
        "Silence {number} (`{}`) is over. What it hid and still fires opens an incident now.",
        silence.matcher
    )))
}
