//! The Slack lane: the channel, what is said in it, and what is kept true in place.

use super::{Fault, Turn, Worker};
use crate::domain::captured::{Captured, said_at};
use crate::domain::incident::{Channel, MessageRef, Slot};
use crate::domain::{Command, Effect, Incident};
use crate::render::{Rendered, views};
use crate::slack::client::{SlackError, Verdict};
use crate::slack::markup;

/// The most pages of a channel's history that a draft reads.
const MAX_HISTORY_PAGES: usize = 50;
/// So often a file below a message is tried again before what follows goes on without it.
const WHOLE_TRIES: u32 = 3;
/// So many open tasks stand on the card; `tasks` shows all.
const CARD_TASKS: usize = 5;

/// A file to be uploaded.
pub(super) struct File {
    pub(super) name: String,
    pub(super) title: String,
    /// Its type, and its bytes.
    pub(super) content: (&'static str, Vec<u8>),
    /// What is said with it.
    pub(super) comment: String,
}

impl Worker {
    pub(super) async fn post(&self, turn: &Turn, incident: &Incident, effect: &Effect) -> Result<(), Fault> {
        match effect {
            Effect::OpenChannel => self.open_channel(turn, incident).await,
            Effect::LinkChannel { channel, by } => self.link_channel(turn, incident, channel, by).await,
            Effect::ArchiveChannel { channel } => self.archive_channel(turn, incident, channel).await,
            Effect::Direct { person, event } => self.direct(turn, incident, person, event).await,
            Effect::Tell { recipient, notice } => self.tell(turn, incident, recipient, notice).await,
            Effect::ShowAnnouncement => {
                let names = |id: &str| self.app.name(id);
                let strangers = self.app.announces_to_strangers();
                let message = views::announcement(&self.app.templates, incident, strangers, &names, self.app.now());
                let channel = self.app.config.slack.announce_channel.clone();
                self.keep_true(turn, incident, Slot::Announcement, (&channel, None), &message).await
            }
            _ => match self.post_here(turn, incident, effect).await {
                Err(Fault::NoChannel { code, why }) => self.lost_channel(turn, incident, &code, why).await,
                other => other,
            },
        }
    }

    /// What is said and shown in the incident's own channel.
    async fn post_here(&self, turn: &Turn, incident: &Incident, effect: &Effect) -> Result<(), Fault> {
        let names = |id: &str| self.app.name(id);
        let (templates, now) = (&self.app.templates, self.app.now());
        // Without a channel (Slack refused to make one) there is nowhere to say it; that was told when it was refused.
        let Some(channel) = &incident.channel else {
            return Ok(self.app.commit(turn.end()).await?);
        };
        let place = (channel.id.as_str(), channel.thread.as_deref());
        match effect {
            // A thread has no topic and no bookmarks of its own; whoever has a role there is invited to its channel.
            Effect::ShowTopic | Effect::Bookmark { .. } if !channel.is_whole() => {
                Ok(self.app.commit(turn.end()).await?)
            }
            Effect::ShowTopic if channel.linked => Ok(self.app.commit(turn.end()).await?),
            Effect::ShowCard => {
                let tasks: Vec<_> =
                    self.app.tasks(&incident.uid).await?.into_iter().filter(|task| task.done_at.is_none()).collect();
                let mut tasks = self.app.task_views(&tasks);
                tasks.truncate(CARD_TASKS);
                let message = views::card(templates, incident, &tasks, &names, now);
                self.keep_true(turn, incident, Slot::Card, place, &message).await
            }
            Effect::ShowChecklist => {
                let Some(list) = &incident.checklist else {
                    return Ok(self.app.commit(turn.end()).await?);
                };
                let message = views::checklist(templates, incident, list, &names);
                self.keep_true(turn, incident, Slot::Checklist, place, &message).await
            }
            Effect::ShowTopic => {
                self.slack.set_topic(&channel.id, &views::topic(templates, incident, &names, now)).await?;
                Ok(self.app.commit(turn.end()).await?)
            }
            Effect::Invite { people } => {
                let people = self.spelled_out(people, incident).await?;
                if !people.is_empty() {
                    self.slack.invite(&channel.id, &people).await?;
                }
                Ok(self.app.commit(turn.end()).await?)
            }
            Effect::Brief { person, role } => {
                let (words, buttons) = self.app.role_card(incident, *role, person).await?;
                let said = self.slack.whisper(&channel.id, person, &Rendered::new(&words, &buttons)).await;
                self.or_do_without(turn, said, "the words on a role").await
            }
            Effect::Mark { message, on } => {
                let marked = self.slack.mark(message, "white_check_mark", *on).await;
                self.or_do_without(turn, marked, "a mark below a message").await
            }
            Effect::Pin { slot } => {
                let pinned = match (slot, incident.slots.get(slot)) {
                    (Slot::Card, Some(at)) => self.slack.pin(at).await,
                    // Whoever comes late finds the steps by the bookmark.
                    (Slot::Checklist, Some(at)) => {
                        let title = incident.checklist.as_ref().map(|list| list.title.as_str()).unwrap_or_default();
                        self.slack.bookmark(&at.channel, &format!("Runbook: {title}"), &self.app.link(at)).await
                    }
                    _ => Ok(()),
                };
                self.or_do_without(turn, pinned, "a pin or bookmark of a message").await
            }
            Effect::Bookmark { title, url } => {
                self.slack.bookmark(&channel.id, title, url).await?;
                Ok(self.app.commit(turn.end()).await?)
            }
            Effect::Say { event, actor } => {
                let message = views::said(templates, event, actor, incident, &names, now);
                // What is only of passing interest stands below the card, and leaves the channel to people.
                let below = incident.slots.get(&Slot::Card).map(|card| card.ts.as_str()).filter(|_| event.is_chatter());
                self.post_once(turn, place.0, place.1.or(below), &message).await?;
                Ok(self.app.commit(turn.end()).await?)
            }
            Effect::ShowPicture => self.show_picture(turn, incident, channel).await,
            Effect::PostPostmortem => self.post_postmortem(turn, incident, channel).await,
            _ => Ok(self.app.commit(turn.end()).await?),
        }
    }

    /// Ends the entry; what is only a kindness is let go when Slack refuses it.
    pub(super) async fn or_do_without(
        &self,
        turn: &Turn,
        done: Result<(), SlackError>,
        what: &str,
    ) -> Result<(), Fault> {
        match done {
            Err(error) if error.verdict == Verdict::Permanent => tracing::warn!(what, %error, "not delivered"),
            other => other?,
        }
        Ok(self.app.commit(turn.end()).await?)
    }

    /// Edits the message in place, or posts it if it is not there (any more).
    pub(super) async fn keep_true(
        &self,
        turn: &Turn,
        incident: &Incident,
        slot: Slot,
        (channel, thread): (&str, Option<&str>),
        message: &Rendered,
    ) -> Result<(), Fault> {
        if let Some(at) = incident.slots.get(&slot) {
            match self.slack.update_message(at, message).await {
                Ok(()) => return Ok(self.app.commit(turn.end()).await?),
                Err(error) if error.code == "message_not_found" => {}
                // Showing the same thing twice is harmless, so an unknown outcome is a failure like any other.
                Err(error) if error.verdict == Verdict::Unknown => {
                    return Err(Fault::Retry { after: None, why: error.to_string() });
                }
                Err(error) => return Err(error.into()),
            }
        }
        let at = self.post_once(turn, channel, thread, message).await?;
        self.outcome(turn, &incident.uid, &Command::MessagePosted { slot, message: at }).await
    }

    /// Posts, unless an earlier try did: then that post is adopted.
    pub(super) async fn post_once(
        &self,
        turn: &Turn,
        channel: &str,
        thread: Option<&str>,
        message: &Rendered,
    ) -> Result<MessageRef, Fault> {
        let before = match turn.maybe_done() {
            true => self.find_own_post(turn, channel, thread).await?,
            false => None,
        };
        let at = match before {
            Some(at) => at,
            None => {
                self.pace(turn)?;
                self.slack.post_in(channel, thread, message, turn.rec.id.as_str()).await?
            }
        };
        if !message.whole {
            self.add_the_whole(turn, &at, thread, message).await?;
        }
        Ok(at)
    }

    /// What a message had no room for, as a file below it; rather twice than not at all.
    async fn add_the_whole(
        &self,
        turn: &Turn,
        at: &MessageRef,
        thread: Option<&str>,
        message: &Rendered,
    ) -> Result<(), Fault> {
        let bytes = crate::render::plain(&message.markdown).into_bytes();
        let place = (at.channel.as_str(), Some(thread.unwrap_or(&at.ts)));
        let title = "The whole message".to_owned();
        match self.slack.upload(place, "message.txt", &title, ("text/plain", bytes), &title).await {
            Ok(_) => Ok(()),
            Err(error) if error.verdict == Verdict::Permanent || turn.rec.value.attempts >= WHOLE_TRIES => {
                tracing::warn!(%error, "the whole of a long message is no file");
                Ok(())
            }
            // The message itself stands, and is found again.
            Err(error) => Err(Fault::Unknown { why: error.to_string() }),
        }
    }

    pub(super) async fn find_own_post(
        &self,
        turn: &Turn,
        channel: &str,
        thread: Option<&str>,
    ) -> Result<Option<MessageRef>, Fault> {
        // The announcement channel is known by its name until the first answer brings its id, and Muster can write there
        // without being in it, but not read.
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
            id => id.to_owned(),
        };
        let channel = channel.as_str();
        let oldest = format!("{}.000000", (turn.rec.value.at - chrono::Duration::minutes(1)).timestamp());
        let mut cursor = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let (messages, next) =
                self.slack.history((channel, thread), &oldest, self.app.config.slack.history_page, cursor).await?;
            if let Some(found) =
                messages.into_iter().find(|message| message.outbox_id.as_deref() == Some(turn.rec.id.as_str()))
            {
                return Ok(Some(MessageRef { channel: channel.to_owned(), ts: found.ts }));
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(None)
    }

    async fn post_postmortem(&self, turn: &Turn, incident: &Incident, channel: &Channel) -> Result<(), Fault> {
        self.pace(turn)?;
        match self.fetch_history(incident, channel).await {
            // What was captured as it was said is there all the same.
            Err(Fault::Permanent { why }) => {
                tracing::warn!(incident = incident.name(), why, "the history cannot be read")
            }
            other => other?,
        }
        let text = self.app.postmortem(incident).await?;
        let name = incident.name();
        // The canvas first: it is one however often it is tried, and a file is not.
        let canvas = self.as_canvas(incident, channel, &text).await?;
        let comment =
            crate::render::plain(&self.app.templates.render("postmortem_note", &serde_json::json!({"name": name})));
        let file = File {
            name: format!("{}-postmortem.md", name.to_lowercase()),
            title: format!("Post-mortem of {name} (draft)"),
            content: ("text/markdown", text.into_bytes()),
            comment,
        };
        self.upload_once(turn, channel, file, None).await?;
        self.outcome(turn, &incident.uid, &Command::PostmortemPosted { canvas }).await
    }

    /// Uploads a file, unless an earlier try did: then that one is adopted, but not one that is `known` already. Slack's id of it.
    pub(super) async fn upload_once(
        &self,
        turn: &Turn,
        channel: &Channel,
        file: File,
        known: Option<&str>,
    ) -> Result<String, Fault> {
        let place = (channel.id.as_str(), channel.thread.as_deref());
        if turn.maybe_done() {
            let oldest = format!("{}.000000", turn.rec.value.at.timestamp());
            let mut cursor = None;
            for _ in 0..MAX_HISTORY_PAGES {
                let page = self.app.config.slack.history_page;
                let (messages, next) = self.slack.history(place, &oldest, page, cursor).await?;
                let found = messages.into_iter().find_map(|mut message| message.files.remove(&file.name));
                if let Some(found) = found.filter(|found| Some(found.as_str()) != known) {
                    return Ok(found);
                }
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        let File { name, title, content, comment } = file;
        Ok(self.slack.upload(place, &name, &title, content, &comment).await?)
    }

    /// The draft as the channel's canvas, with a bookmark to it; `None` where the workspace has no canvases.
    async fn as_canvas(&self, incident: &Incident, channel: &Channel, text: &str) -> Result<Option<String>, Fault> {
        if !channel.is_whole() || channel.linked {
            return Ok(None);
        }
        let written = match &incident.canvas {
            Some(canvas) => self.slack.edit_canvas(canvas, text).await.map(|()| canvas.clone()),
            None => match self.slack.create_canvas(&channel.id, text).await {
                Err(error) if error.code == "channel_canvas_already_exists" => self.replace_canvas(channel, text).await,
                other => other,
            },
        };
        let canvas = match written {
            Ok(canvas) => canvas,
            Err(error)
                if matches!(error.verdict, Verdict::Retry { .. } | Verdict::Unknown)
                    && error.code != "missing_scope" =>
            {
                return Err(Fault::Retry { after: None, why: error.to_string() });
            }
            Err(error) => {
                tracing::info!(incident = incident.name(), %error, "the post-mortem is a file only");
                return Ok(None);
            }
        };
        let link = self.app.canvas_link(&canvas);
        if let Err(error) = self.slack.bookmark(&channel.id, "Post-mortem", &link).await {
            tracing::warn!(incident = incident.name(), %error, "the post-mortem has no bookmark");
        }
        Ok(Some(canvas))
    }

    /// The canvas that the channel has already: ours, if the answer to making it was lost.
    async fn replace_canvas(&self, channel: &Channel, text: &str) -> Result<String, SlackError> {
        let info = self.slack.channel_info(&channel.id).await?;
        let Some(canvas) = info.canvas else {
            return Err(SlackError {
                method: "conversations.canvases.create",
                code: "channel_canvas_already_exists".to_owned(),
                verdict: Verdict::Permanent,
            });
        };
        self.slack.edit_canvas(&canvas, text).await.map(|()| canvas)
    }

    /// What was said while Muster was not listening.
    async fn fetch_history(&self, incident: &Incident, channel: &Channel) -> Result<(), Fault> {
        let oldest = format!("{}.000000", incident.opened_at.timestamp());
        let place = (channel.id.as_str(), channel.thread.as_deref());
        let mut cursor = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let (messages, next) =
                self.slack.history(place, &oldest, self.app.config.slack.history_page, cursor).await?;
            let mut said = Vec::new();
            for message in messages {
                let Some(author) = message.author else {
                    continue;
                };
                let at = MessageRef { channel: channel.id.clone(), ts: message.ts.clone() };
                said.push(Captured {
                    at: said_at(&at).unwrap_or(incident.opened_at),
                    message: at,
                    author,
                    text: markup::named(&message.text, &|id| self.app.name(id)).chars().take(8000).collect(),
                    deleted: false,
                    edited: String::new(),
                });
            }
            crate::chat::capture_history(&self.app, &incident.uid, said).await?;
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}
