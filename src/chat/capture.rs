//! What people say in an incident's channel is kept, and a pushpin puts it on the timeline.

use std::collections::BTreeMap;

use super::asker::Chat;
use crate::app::{App, Change, DeliveryId, Failure, RequestMeta, decided};
use crate::domain::captured::{Captured, said_at};
use crate::domain::incident::MessageRef;
use crate::domain::{ChannelId, Command, IncidentId, UserId};
use crate::records::outbox::{EntryId, Job};
use crate::records::{OfChannel, Pinned};
use crate::slack::markup;
use crate::store::{Batch, Expect, Id};

/// What was said, changed (then with the timestamp of the change), or deleted (then without an author).
pub(super) struct Said {
    pub(super) channel: ChannelId,
    pub(super) thread: Option<String>,
    pub(super) ts: String,
    pub(super) author: Option<UserId>,
    pub(super) text: String,
    pub(super) edited: String,
}

/// Keeps what people say in an incident's channel. A message without an author was deleted.
pub(super) async fn capture(app: &App, said: Said, guard: Batch) -> Result<(), Failure> {
    let mut uid = app.uid_of_channel(&said.channel).await?;
    // A message that was changed or deleted was kept when it was said, so it is found by itself.
    for thread in said.thread.iter().chain([&said.ts]) {
        if uid.is_none() {
            uid = app.uid_of_thread(&said.channel, thread).await?;
        }
    }
    let Some(uid) = uid else { return Ok(()) };
    let turn = app.turn(&uid);
    let _turn = turn.lock().await;
    app.make(&Capturing { uid: &uid, said: &said, guard }).await
}

/// Keeps what people said in an incident's channel while Muster was not listening.
pub async fn capture_history(app: &App, uid: &IncidentId, messages: Vec<Captured>) -> Result<(), Failure> {
    app.make(&Overhearing { uid, messages }).await
}

/// A pushpin was put on a message, or taken off.
pub(super) async fn pushpin(
    app: &App,
    event_id: &str,
    message: MessageRef,
    user: &UserId,
    author: UserId,
    added: bool,
) -> Result<(), Failure> {
    let Some(uid) = uid_of_message(app, &message).await? else {
        return Ok(());
    };
    let standing = app.met_or_later(user).await?;
    let chat = Chat { app, user, standing, channel: None, delivery: Some(delivery(event_id)) };
    let command = if added {
        let Some(captured) = app.captured(&uid, &message.ts).await?.filter(|captured| !captured.deleted) else {
            let id = EntryId::pin(&message);
            let job = Job::Pin { message, user: user.to_owned(), event: event_id.to_owned() };
            return app.enqueue(&id, job).await;
        };
        Command::Pin { message, author: if author.is_empty() { captured.author } else { author }, text: captured.text }
    } else {
        Command::Unpin { message }
    };
    chat.decide(&uid, command).await.map(|_| ())
}

/// The incident of a message's channel, or of the thread that the message is in.
async fn uid_of_message(app: &App, message: &MessageRef) -> Result<Option<IncidentId>, Failure> {
    match app.uid_of_channel(&message.channel).await? {
        Some(uid) => Ok(Some(uid)),
        None => app.uid_of_thread(&message.channel, &message.ts).await,
    }
}

/// Puts a message that was looked up on the timeline.
pub async fn pin_found(
    app: &App,
    message: MessageRef,
    user: &UserId,
    event: &str,
    (author, text): (UserId, String),
) -> Result<(), Failure> {
    let Some(uid) = uid_of_message(app, &message).await? else {
        return Ok(());
    };
    let chat = Chat { app, user, standing: app.standing(user, None), channel: None, delivery: Some(delivery(event)) };
    match chat.decide(&uid, Command::Pin { message, author, text }).await {
        Err(Failure::Duplicate | Failure::Refused(_)) => Ok(()),
        other => other.map(|_| ()),
    }
}

/// What makes an event of the workspace count once.
pub(super) fn delivery(event_id: &str) -> DeliveryId {
    DeliveryId(format!("event/{event_id}"))
}

/// Keeps what was said, and updates its line on the timeline.
struct Capturing<'a> {
    uid: &'a IncidentId,
    said: &'a Said,
    guard: Batch,
}

impl Change for Capturing<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let Said { channel, thread, ts, author, text, edited } = self.said;
        let (uid, mut batch) = (self.uid, self.guard.clone());
        if thread.is_some() {
            // If an incident lives in a thread, each message of the thread is found by itself.
            batch.put(&Id::<OfChannel>::of_thread(channel, ts), Expect::Any, &OfChannel::to(uid));
        }
        let id = Id::<Captured>::of(uid, ts);
        let (before, expect) = app.to_change(&id).await?;
        let deleted = author.is_none();
        // Slack keeps no order. So a deleted message stays deleted, and an older text never replaces a changed one.
        if before.as_ref().is_some_and(|before| before.deleted || (!deleted && before.edited >= *edited)) {
            return Ok((batch, ()));
        }
        let author = author.clone().or_else(|| before.map(|before| before.author)).unwrap_or_default();
        let message = MessageRef { channel: channel.clone(), ts: ts.clone() };
        let at = said_at(&message).unwrap_or_else(|| app.now());
        let text: String = markup::named(text, &|id| app.name(id)).chars().take(8000).collect();
        let edited = edited.clone();
        let captured = Captured { message: message.clone(), author, at, text: text.clone(), deleted, edited };
        batch.put(&id, expect, &captured);
        let pin = Id::<Pinned>::of(&message);
        let (pinned, still) = app.to_change(&pin).await?;
        batch.check(&pin, still);
        if pinned.is_none() {
            return Ok((batch, ()));
        }
        let command = Command::EditPin { message, text: (!deleted).then_some(text) };
        let request = RequestMeta::by_muster(batch);
        let (batch, _) = decided::Decided { uid, command: &command, request: &request }.decide(app).await?;
        Ok((batch, ()))
    }
}

/// Keeps messages of the history that are not known yet. For a known one, the history has nothing new.
struct Overhearing<'a> {
    uid: &'a IncidentId,
    messages: Vec<Captured>,
}

impl Change for Overhearing<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let mut batch = Batch::new();
        let by_time: BTreeMap<_, _> = self.messages.iter().map(|captured| (&captured.message.ts, captured)).collect();
        for (ts, captured) in by_time {
            let id = Id::<Captured>::of(self.uid, ts);
            if app.store.get(&id).await?.is_none() {
                batch.put(&id, Expect::Absent, captured);
            }
        }
        Ok((batch, ()))
    }
}
