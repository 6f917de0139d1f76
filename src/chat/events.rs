//! Events of the workspace. What people say is captured, a pushpin puts it on the timeline, and people and their names are kept up to date.

use std::collections::BTreeMap;

use serde_json::json;

use super::asker::Chat;
use super::reply::Reply;
use crate::app::{App, Change, DeliveryId, Failure, RequestMeta, decided};
use crate::domain::captured::{Captured, said_at};
use crate::domain::incident::{Channel, MessageRef};
use crate::domain::permission::Verb;
use crate::domain::reason::ChannelLoss;
use crate::domain::{ChannelId, Command, IncidentId, UserId};
use crate::records::outbox::{EntryId, Job, Outbox as _};
use crate::records::{OfChannel, Pinned};
use crate::render::{Button, again};
use crate::slack::inbound::SlackEvent;
use crate::slack::markup;
use crate::store::{Batch, Expect, Id};

/// What was said, changed (then with the timestamp of the change), or deleted (then without an author).
struct Said {
    channel: ChannelId,
    thread: Option<String>,
    ts: String,
    author: Option<UserId>,
    text: String,
    edited: String,
}

/// At most this many links of one message are shown.
const MAX_UNFURLED: usize = 5;

/// Handles an event of the workspace. A redelivery changes nothing.
///
/// # Errors
/// The store cannot write. Slack then sends the event again.
pub async fn slack_event(app: &App, event_id: &str, event: SlackEvent) -> Result<(), Failure> {
    let guard = app.once(Some(&DeliveryId(format!("event/{event_id}"))));
    let done = match event {
        SlackEvent::Said { channel, thread, ts, user, text } => {
            let said = Said { channel, thread, ts, author: Some(user), text, edited: String::new() };
            capture(app, said, guard).await
        }
        SlackEvent::Edited { channel, thread, ts, user, text, edited } => {
            let said = Said { channel, thread, ts, author: Some(user), text, edited };
            capture(app, said, guard).await
        }
        SlackEvent::Deleted { channel, thread, ts } => {
            let said = Said { channel, thread, ts, author: None, text: String::new(), edited: String::new() };
            capture(app, said, guard).await
        }
        SlackEvent::Gone { channel, why } => gone(app, channel, why, guard).await,
        SlackEvent::Shared { channel, shared } => {
            app.channel_shared(&channel, shared, if shared { Batch::new() } else { guard.clone() }).await?;
            // From now on, strangers read what is said there.
            match shared {
                true => gone(app, channel, ChannelLoss::Shared, guard).await,
                false => Ok(()),
            }
        }
        SlackEvent::Home { user } => app.home_opened(&user, guard).await,
        SlackEvent::Reaction { channel, ts, user, author, name, added } if name == "pushpin" => {
            pushpin(app, event_id, MessageRef { channel, ts }, &user, author, added).await
        }
        SlackEvent::Person(user) => match crate::slack::client::member(&user) {
            Some(member) => app.remember_people(vec![member], guard).await,
            None => Ok(()),
        },
        SlackEvent::Mentioned { channel, user, text } => mentioned(app, event_id, channel, &user, &text, guard).await,
        SlackEvent::Linked { channel, ts, user, links } => unfurl(app, channel, ts, &user, &links, guard).await,
        SlackEvent::Renamed { channel, name } => renamed(app, &channel, name, guard).await,
        SlackEvent::Reaction { .. } | SlackEvent::Other => Ok(()),
    };
    match done {
        Err(Failure::Duplicate | Failure::Refused(_)) | Ok(()) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Shows assets below links to their pages. Everybody in that channel can read what is shown.
async fn unfurl(
    app: &App,
    channel: ChannelId,
    ts: String,
    user: &UserId,
    links: &[String],
    mut ops: Batch,
) -> Result<(), Failure> {
    let chat = Chat { app, user, standing: app.met(user, None).await, channel: None, delivery: None };
    if chat.may(Verb::Read, None).is_err() {
        return Ok(());
    }
    let assets: BTreeMap<String, String> = links
        .iter()
        .filter_map(|link| Some((link.clone(), app.meant(&app.asset_of_page(link)?).ok()?)))
        .take(MAX_UNFURLED)
        .collect();
    if assets.is_empty() {
        return Ok(());
    }
    ops.enqueue(&EntryId::unfurl(&channel, &ts), Job::Unfurl { channel, ts, assets }, app.now());
    app.commit(ops).await
}

/// Keeps what people say in an incident's channel. A message without an author was deleted.
async fn capture(app: &App, said: Said, guard: Batch) -> Result<(), Failure> {
    let mut uid = app.uid_of_channel(&said.channel).await?;
    if let (None, Some(thread)) = (&uid, &said.thread) {
        uid = app.uid_of_thread(&said.channel, thread).await?;
    }
    if uid.is_none() {
        // Changed or deleted: the message was kept when it was said.
        uid = app.uid_of_thread(&said.channel, &said.ts).await?;
    }
    let Some(uid) = uid else {
        return Ok(());
    };
    let turn = app.turn(&uid);
    let _turn = turn.lock().await;
    app.make(&Capturing { uid: &uid, said: &said, guard }).await
}

/// Keeps what people said in an incident's channel while Muster was not listening.
pub async fn capture_history(app: &App, uid: &IncidentId, messages: Vec<Captured>) -> Result<(), Failure> {
    app.make(&Overhearing { uid, messages }).await
}

/// Somebody speaks to the bot. What follows its name is a line, and the answer is an ephemeral message.
async fn mentioned(
    app: &App,
    event_id: &str,
    channel: ChannelId,
    user: &UserId,
    text: &str,
    guard: Batch,
) -> Result<(), Failure> {
    let delivery = DeliveryId(format!("mention/{event_id}"));
    let chat =
        Chat { app, user, standing: app.met(user, None).await, channel: Some(&channel), delivery: Some(delivery) };
    // The bot's own name comes first, perhaps with a greeting before it.
    let line = text.split_once("<@").and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(_, line)| line).trim();
    let (markdown, buttons) = match chat.line(line).await {
        Reply::Say(message) => (message.markdown, message.buttons),
        Reply::Ephemeral(markdown, buttons) => (markdown, buttons),
        // A form can only be opened by a press.
        Reply::Open(_) | Reply::Instead(_) => {
            let words = app.templates.render("open_form", &json!({"line": line}));
            let button = again(0, "Open the form", line).map(Button::primary);
            (words, button.into_iter().collect())
        }
        Reply::Mistakes(_) | Reply::Nothing => return app.commit(guard).await,
    };
    let mut ops = guard;
    let job = Job::Ephemeral { channel: channel.clone(), user: user.to_owned(), markdown, buttons };
    ops.enqueue(&app.errand(), job, app.now());
    app.commit(ops).await
}

async fn pushpin(
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
    let chat = Chat {
        app,
        user,
        standing: app.met(user, None).await,
        channel: None,
        delivery: Some(DeliveryId(format!("event/{event_id}"))),
    };
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
    let chat = Chat {
        app,
        user,
        standing: app.standing(user, None),
        channel: None,
        delivery: Some(DeliveryId(format!("event/{event}"))),
    };
    match chat.decide(&uid, Command::Pin { message, author, text }).await {
        Err(Failure::Duplicate | Failure::Refused(_)) => Ok(()),
        other => other.map(|_| ()),
    }
}

/// An incident's channel is gone. If people still work on the incident, it goes on in another channel.
async fn gone(app: &App, channel: ChannelId, why: ChannelLoss, also: Batch) -> Result<(), Failure> {
    let Some(uid) = app.uid_of_channel(&channel).await? else {
        return app.commit(also).await;
    };
    let command = Command::ChannelGone { channel, why };
    app.execute(&uid, &command, RequestMeta::by_muster(also)).await.map(|_| ())
}

async fn renamed(app: &App, channel: &ChannelId, name: String, also: Batch) -> Result<(), Failure> {
    let Some(uid) = app.uid_of_channel(channel).await? else {
        return Ok(());
    };
    let before = app.incident(&uid).await?.and_then(|incident| incident.channel);
    // A channel that the incident has left belongs to others.
    let Some(before) = before.filter(|before| before.id == *channel) else {
        return Ok(());
    };
    let linked = before.linked;
    let channel = Channel { linked, ..Channel::own(channel.to_owned(), name) };
    app.execute(&uid, &Command::ChannelReady { channel }, RequestMeta::by_muster(also)).await.map(|_| ())
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
