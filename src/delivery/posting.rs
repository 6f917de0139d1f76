//! Posts each message once: at Slack's pace, adopting what an earlier try may have posted, and editing in place.

use super::carrier::{Carrier, Turn};
use super::retry::{Fault, Tried};
use crate::domain::incident::{Channel, MessageRef, Slot};
use crate::domain::{ChannelId, Command, Incident};
use crate::render::Rendered;
use crate::slack::client::{FailureKind, File, HistoryMessage, SlackError};

/// Slack's pace for posting in one channel.
const PACE: chrono::Duration = chrono::Duration::seconds(1);
/// At most this many pages of a channel's history are read for a draft.
pub(super) const MAX_HISTORY_PAGES: usize = 50;
/// How often a file below a message is tried before the next messages go on without it.
const WHOLE_TRIES: u32 = 3;

impl Carrier {
    /// Whether a post may go out now in this queue. If so, that is noted.
    pub(super) fn pace(&self, turn: &Turn) -> Tried {
        let queue = turn.queue().map(|queue| queue.as_str().to_owned()).unwrap_or_default();
        let now = self.app.now();
        let mut last = self.last_post.lock();
        if last.len() > 1000 {
            last.retain(|_, at| now - *at < PACE);
        }
        if let Some(until) = last.get(&queue).map(|at| *at + PACE).filter(|until| *until > now) {
            return Err(Fault::NotYet { until });
        }
        last.insert(queue, now);
        Ok(())
    }

    /// Ends the entry. Best effort is dropped if Slack refuses it.
    pub(super) async fn or_do_without(&self, turn: &Turn, done: Result<(), SlackError>, what: &str) -> Tried {
        match done {
            Err(error) if error.verdict == FailureKind::Permanent => tracing::warn!(what, %error, "not delivered"),
            other => other?,
        }
        self.done(turn).await
    }

    /// Edits the message in place, or posts it if it is not there, or not any more.
    pub(super) async fn keep_true(
        &self,
        turn: &Turn,
        incident: &Incident,
        slot: Slot,
        (channel, thread): (&str, Option<&str>),
        message: &Rendered,
    ) -> Tried {
        if let Some(at) = incident.slots.get(&slot) {
            match self.slack.update_message(at, message).await {
                Ok(()) => return self.done(turn).await,
                Err(error) if error.code == "message_not_found" => {}
                // It is harmless to show the same thing twice. So an unknown outcome is a failure like any other.
                Err(error) if error.verdict == FailureKind::Unknown => {
                    return Err(Fault::Retry { after: None, why: error.to_string().into() });
                }
                Err(error) => return Err(error.into()),
            }
        }
        let at = self.post_once(turn, channel, thread, message).await?;
        self.outcome(turn, &incident.uid, &Command::MessagePosted { slot, message: at }).await
    }

    /// Posts the message. If an earlier try did so already, that post is adopted.
    pub(super) async fn post_once(
        &self,
        turn: &Turn,
        channel: &str,
        thread: Option<&str>,
        message: &Rendered,
    ) -> Tried<MessageRef> {
        let before = match turn.maybe_done() {
            true => self.find_own_post(turn, channel, thread).await?,
            false => None,
        };
        let at = self.post_unless_found(turn, before, channel, thread, message).await?;
        if !message.whole {
            self.add_the_whole(turn, &at, thread, message).await?;
        }
        Ok(at)
    }

    /// Posts the message at Slack's pace, unless it was found.
    pub(super) async fn post_unless_found(
        &self,
        turn: &Turn,
        found: Option<MessageRef>,
        channel: &str,
        thread: Option<&str>,
        message: &Rendered,
    ) -> Tried<MessageRef> {
        if let Some(at) = found {
            return Ok(at);
        }
        self.pace(turn)?;
        Ok(self.slack.post_message(channel, thread, message, turn.rec.id.as_str()).await?)
    }

    /// Posts what a message had no room for as a file below it. Twice is better than not at all.
    async fn add_the_whole(&self, turn: &Turn, at: &MessageRef, thread: Option<&str>, message: &Rendered) -> Tried {
        let bytes = crate::render::plain(&message.markdown).into_bytes();
        let place = (&at.channel, Some(thread.unwrap_or(&at.ts)));
        let title = self.app.templates.words("whole_message", &());
        let content = ("text/plain", bytes);
        let file = File { name: "message.txt".to_owned(), title: title.clone(), content, comment: title };
        match self.slack.upload(place, file).await {
            Ok(_) => Ok(()),
            Err(error) if error.verdict == FailureKind::Permanent || turn.rec.value.attempts >= WHOLE_TRIES => {
                tracing::warn!(%error, "the whole of a long message cannot be posted as a file");
                Ok(())
            }
            // The message itself stands, and will be found again.
            Err(error) => Err(Fault::Unknown { why: error.to_string().into() }),
        }
    }

    pub(super) async fn find_own_post(
        &self,
        turn: &Turn,
        channel: &str,
        thread: Option<&str>,
    ) -> Tried<Option<MessageRef>> {
        // The announcement channel is known by its name until the first answer brings its id. Muster can post there without being a member, but
        // cannot read.
        let channel = match channel.strip_prefix('#').unwrap_or(channel) {
            name if name.chars().any(|c| c.is_ascii_lowercase()) => {
                match self.slack.channel_named(name, false).await? {
                    Some(id) => {
                        self.slack.join(&id).await?;
                        id
                    }
                    None => return Ok(None),
                }
            }
            id => id.into(),
        };
        let oldest = format!("{}.000000", (turn.rec.value.at - chrono::Duration::minutes(1)).timestamp());
        let ours = |message: HistoryMessage| {
            (message.outbox_id.as_deref() == Some(turn.rec.id.as_str()))
                .then(|| MessageRef { channel: channel.clone(), ts: message.ts })
        };
        self.first_in_history((&channel, thread), &oldest, ours).await
    }

    /// The first match in what was said since.
    async fn first_in_history<T>(
        &self,
        place: (&ChannelId, Option<&str>),
        oldest: &str,
        mut find: impl FnMut(HistoryMessage) -> Option<T>,
    ) -> Tried<Option<T>> {
        let mut cursor = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let page = self.app.config.slack.history_page;
            let (messages, next) = self.slack.history(place, oldest, page, cursor).await?;
            let found = messages.into_iter().find_map(&mut find);
            cursor = next;
            if found.is_some() || cursor.is_none() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Uploads a file, and returns Slack's id of it. If an earlier try did so already, that file is adopted, unless its id is `known` already.
    pub(super) async fn upload_once(
        &self,
        turn: &Turn,
        channel: &Channel,
        file: File,
        known: Option<&str>,
    ) -> Tried<String> {
        let place = (&channel.id, channel.thread.as_deref());
        if turn.maybe_done() {
            let oldest = format!("{}.000000", turn.rec.value.at.timestamp());
            let adopted = |mut message: HistoryMessage| {
                message.files.remove(&file.name).filter(|found| Some(found.as_str()) != known)
            };
            if let Some(found) = self.first_in_history(place, &oldest, adopted).await? {
                return Ok(found);
            }
        }
        Ok(self.slack.upload(place, file).await?)
    }
}
