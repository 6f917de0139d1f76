//! The Slack lane: the channel, what is said in it, and what is kept true in place.

use super::{Fault, Turn, Worker};
use crate::app::Failure;
use crate::domain::incident::{Channel, MessageRef, Slot};
use crate::domain::postmortem::{Captured, said_at};
use crate::domain::{Command, Effect, Incident};
use crate::messages::{Rendered, views};
use crate::slack::client::Verdict;
use crate::store::{Expect, Kind, Op};

/// The most pages of a channel's history that a draft reads.
const MAX_HISTORY_PAGES: usize = 50;
/// Slack's limit for a channel's name.
const MAX_CHANNEL_NAME: usize = 80;

impl Worker {
    pub(super) async fn post(&self, turn: &Turn, incident: &Incident, effect: &Effect) -> Result<(), Fault> {
        let names = |id: &str| self.app.name(id);
        let (templates, now) = (&self.app.templates, self.app.now());
        if let Effect::OpenChannel = effect {
            return self.open_channel(turn, incident).await;
        }
        if let Effect::Tell { recipient, notice } = effect {
            return self.tell(turn, incident, recipient, notice).await;
        }
        if let Effect::ShowAnnouncement = effect {
            let message = views::announcement(templates, incident, &names, now);
            let channel = self.app.config.slack.announce_channel.clone();
            return self.keep_true(turn, incident, Slot::Announcement, &channel, &message).await;
        }
        // Without a channel (Slack refused to make one) there is nowhere to say it; that was told when it was refused.
        let Some(channel) = &incident.channel else {
            return Ok(self.app.commit(vec![turn.end()]).await?);
        };
        match effect {
            Effect::ShowCard => {
                let message = views::card(templates, incident, &names, now);
                self.keep_true(turn, incident, Slot::Card, &channel.id, &message).await
            }
            Effect::ShowChecklist => {
                let Some(list) = &incident.checklist else {
                    return Ok(self.app.commit(vec![turn.end()]).await?);
                };
                let message = views::checklist(templates, incident, list, &names);
                self.keep_true(turn, incident, Slot::Checklist, &channel.id, &message).await
            }
            Effect::ShowTopic => {
                self.slack.set_topic(&channel.id, &views::topic(templates, incident, &names, now)).await?;
                Ok(self.app.commit(vec![turn.end()]).await?)
            }
            Effect::Invite { people } => {
                let people = self.spelled_out(people, incident).await?;
                if !people.is_empty() {
                    self.slack.invite(&channel.id, &people).await?;
                }
                Ok(self.app.commit(vec![turn.end()]).await?)
            }
            Effect::Bookmark { title, url } => {
                self.slack.bookmark(&channel.id, title, url).await?;
                Ok(self.app.commit(vec![turn.end()]).await?)
            }
            Effect::Say { event, actor } => {
                let message = views::said(templates, event, actor, incident, &names, now);
                self.post_once(turn, &channel.id, &message).await?;
                Ok(self.app.commit(vec![turn.end()]).await?)
            }
            Effect::ShowPicture => self.show_picture(turn, incident, channel).await,
            Effect::PostPostmortem => self.post_postmortem(turn, incident, channel).await,
            _ => Ok(self.app.commit(vec![turn.end()]).await?),
        }
    }

    async fn open_channel(&self, turn: &Turn, incident: &Incident) -> Result<(), Fault> {
        let base = channel_name(incident);
        for attempt in 1..=9 {
            let name = match attempt {
                1 => base.clone(),
                n => {
                    let suffix = format!("-{n}");
                    format!("{}{suffix}", base.chars().take(MAX_CHANNEL_NAME - suffix.len()).collect::<String>())
                }
            };
            let (id, name) = match self.slack.create_channel(&name).await {
                Ok(made) => made,
                Err(error) if error.code == "name_taken" => {
                    // Ours, if an earlier try was done and its answer lost; else somebody else's.
                    let ours = if turn.maybe_done() { self.slack.channel_named(&name, true).await? } else { None };
                    match ours {
                        Some(id) if self.app.uid_of_channel(&id)?.is_none() => (id, name),
                        _ => continue,
                    }
                }
                Err(error) => return Err(error.into()),
            };
            return self.outcome(turn, &incident.uid, &Command::ChannelReady { channel: Channel { id, name } }).await;
        }
        Err(Fault::Permanent { why: format!("all names from #{base} to #{base}-9 are taken") })
    }

    /// Edits the message in place, or posts it if it is not there (any more).
    async fn keep_true(
        &self,
        turn: &Turn,
        incident: &Incident,
        slot: Slot,
        channel: &str,
        message: &Rendered,
    ) -> Result<(), Fault> {
        if let Some(at) = incident.slots.get(&slot) {
            match self.slack.update_message(at, message).await {
                Ok(()) => return Ok(self.app.commit(vec![turn.end()]).await?),
                Err(error) if error.code == "message_not_found" => {}
                // Showing the same thing twice is harmless, so an unknown outcome is a failure like any other.
                Err(error) if error.verdict == Verdict::Unknown => {
                    return Err(Fault::Retry { after: None, why: error.to_string() });
                }
                Err(error) => return Err(error.into()),
            }
        }
        let at = self.post_once(turn, channel, message).await?;
        let beside = match slot {
            Slot::Card => self.slack.pin(&at).await,
            // Whoever comes late finds the steps by the bookmark.
            Slot::Checklist => {
                let title = incident.checklist.as_ref().map(|list| list.title.as_str()).unwrap_or_default();
                self.slack.bookmark(&at.channel, &format!("Runbook: {title}"), &self.app.link(&at)).await
            }
            Slot::Announcement => Ok(()),
        };
        if let Err(error) = beside {
            match error.verdict {
                Verdict::Permanent => {
                    tracing::warn!(incident = incident.name(), %error, "a message cannot be pinned or bookmarked");
                }
                _ => return Err(Fault::Unknown { why: error.to_string() }),
            }
        }
        self.outcome(turn, &incident.uid, &Command::MessagePosted { slot, message: at }).await
    }

    /// Posts, unless an earlier try did: then that post is adopted.
    async fn post_once(&self, turn: &Turn, channel: &str, message: &Rendered) -> Result<MessageRef, Fault> {
        if turn.maybe_done()
            && let Some(at) = self.find_own_post(turn, channel).await?
        {
            return Ok(at);
        }
        self.pace(turn)?;
        Ok(self.slack.post_message(channel, message, &turn.rec.id).await?)
    }

    pub(super) async fn find_own_post(&self, turn: &Turn, channel: &str) -> Result<Option<MessageRef>, Fault> {
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
        let oldest = format!("{}.000000", (turn.entry.at - chrono::Duration::minutes(1)).timestamp());
        let mut cursor = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let (messages, next) =
                self.slack.history(channel, &oldest, self.app.config.slack.history_page, cursor).await?;
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
        self.fetch_history(incident, channel).await?;
        let text = self.app.postmortem(incident)?;
        let name = incident.name();
        let comment =
            crate::messages::plain(&self.app.templates.render("postmortem_note", &serde_json::json!({"name": name})));
        self.pace(turn)?;
        self.slack
            .upload(
                &channel.id,
                &format!("{}-postmortem.md", name.to_lowercase()),
                &format!("Post-mortem of {name} (draft)"),
                ("text/markdown", text.into_bytes()),
                &comment,
            )
            .await?;
        self.outcome(turn, &incident.uid, &Command::PostmortemPosted).await
    }

    /// What was said while Muster was not listening.
    async fn fetch_history(&self, incident: &Incident, channel: &Channel) -> Result<(), Fault> {
        let oldest = format!("{}.000000", incident.opened_at.timestamp());
        let mut cursor = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let (messages, next) =
                self.slack.history(&channel.id, &oldest, self.app.config.slack.history_page, cursor).await?;
            let mut ops = Vec::new();
            for message in messages {
                let Some(author) = message.author else {
                    continue;
                };
                let at = MessageRef { channel: channel.id.clone(), ts: message.ts.clone() };
                let captured = Captured {
                    v: 1,
                    at: said_at(&at).unwrap_or(incident.opened_at),
                    message: at,
                    author,
                    text: message.text.chars().take(8000).collect(),
                    deleted: false,
                };
                // What was captured as it was said is kept: the history knows no more.
                if self.app.captured(&incident.uid, &message.ts)?.is_none() {
                    let body = serde_json::to_value(captured).unwrap_or_default();
                    ops.push(Op::put(Kind::Message, format!("{}/{}", incident.uid, message.ts), Expect::Any, body));
                }
            }
            if !ops.is_empty() {
                match self.app.commit(ops).await {
                    Ok(()) | Err(Failure::Duplicate) => {}
                    Err(failure) => return Err(failure.into()),
                }
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// `inc-42-orders-are-late`: lower-case letters, digits and `-`, at most 80 characters (Slack's rule).
fn channel_name(incident: &Incident) -> String {
    let mut slug = String::new();
    for c in incident.title.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let name = format!("{}-{slug}", incident.name().to_lowercase());
    name.chars().take(MAX_CHANNEL_NAME - 20).collect::<String>().trim_end_matches('-').to_owned()
}
