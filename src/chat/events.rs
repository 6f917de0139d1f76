//! Events of the workspace: what becomes of each. What people say is captured in `capture`, and links are shown by `unfurl`.

use serde_json::json;

use super::asker::Chat;
use super::capture::{Said, capture, delivery, pushpin};
use super::reply::Reply;
use super::unfurl::unfurl;
use crate::app::{App, DeliveryId, Failure, RequestMeta};
use crate::domain::incident::{Channel, MessageRef};
use crate::domain::reason::ChannelLoss;
use crate::domain::{ChannelId, Command, UserId};
use crate::records::outbox::Job;
use crate::render::{Button, again};
use crate::slack::inbound::SlackEvent;
use crate::store::Batch;

/// Handles an event of the workspace. A redelivery changes nothing.
///
/// # Errors
/// The store cannot write. Slack then sends the event again.
pub async fn slack_event(app: &App, event_id: &str, event: SlackEvent) -> Result<(), Failure> {
    let guard = app.once(Some(&delivery(event_id)));
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
