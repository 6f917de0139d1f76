//! `asset`: one table, model or dashboard.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::{Verb, unquote};
use crate::chat::reply::Reply;
use crate::domain::permission;

pub(crate) static VERB: Verb = Verb {
    words: &["asset"],
    arguments: "<name>",
    help: "one table, model or dashboard: how it is, whose, what it is made of, what it feeds",
    parse: |line| match unquote(line.rest) {
        name if name.is_empty() => Err(line.unclear("Which asset?")),
        name => line.act(permission::Verb::Read, move |chat, _| Box::pin(said(chat, name))),
    },
};

async fn said(chat: &Chat<'_>, name: String) -> Result<Reply, Failure> {
    let shown = chat.app.meant(&name)?;
    Ok(chat.app.asset_card(&shown).await?.into())
}
