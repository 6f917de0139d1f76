//! `merge`: an incident is part of another one, and goes on there.

use crate::app::{Failure, RequestMeta};
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::incident::number;
use crate::domain::{Command, permission};
use crate::records::Open;
use crate::store::{Batch, Expect, Id};

pub(crate) static VERB: Verb = Verb {
    words: &["merge"],
    arguments: "INC-n",
    help: "this incident is part of another, and goes on there",
    parse: |line| match number(line.rest.trim_start_matches("into ")) {
        Some(into) => line.act(permission::Verb::Triage, move |chat, number| Box::pin(said(chat, number, into))),
        None => Err(line.unclear("Into which incident?")),
    },
};

async fn said(chat: &Chat<'_>, number: Option<u64>, into: u64) -> Result<Reply, Failure> {
    let uid = chat.target(number).await?;
    let other = chat.open_one(into).await?;
    chat.may_go(&uid, &other).await?;
    // It must still be open when this one is merged into it. Otherwise both could end in each other.
    let open = Id::<Open>::of(into);
    let ver = chat.app.store.get(&open).await.map_err(Failure::from)?.map(|rec| rec.ver).unwrap_or_default();
    let mut still = Batch::new();
    still.check(&open, Expect::Ver(ver));
    let command = Command::Merge { into: other, name: format!("INC-{into}") };
    match chat.app.execute(&uid, &command, RequestMeta { also: still, ..chat.request() }).await {
        Ok(decision) => Ok(Reply::words(&chat.decided(&decision))),
        // The other incident ended a moment ago.
        Err(failure) => chat.open_one(into).await.and(Err(failure)),
    }
}
