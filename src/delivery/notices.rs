//! Telling people outside, in Slack and by e-mail, and the picture. Later messages go into the thread of the first.

use super::posts::File;
use super::{Fault, Turn, Worker};
use crate::domain::effect::Notice;
use crate::domain::incident::{Channel, MessageRef, Notification, Picture, Recipient};
use crate::domain::{Command, Incident};
use crate::render::picture::Drawing;
use crate::render::{Button, Press, Rendered, views};
use crate::slack::client::Verdict;
use crate::store::Id;

/// Drawing is work for a thread that nobody else waits for.
async fn pixels(drawing: Drawing) -> Result<Vec<u8>, String> {
    tokio::task::spawn_blocking(move || drawing.png()).await.map_err(|error| error.to_string())?
}

impl Worker {
    /// The record of somebody who was told; `None` for one who wants to hear no more.
    async fn listening(&self, incident: &Incident, recipient: &Recipient) -> Result<Option<Notification>, Fault> {
        let id = Id::<Notification>::of(&incident.uid, &recipient.key);
        let told = self.app.store.value(&id).await.map_err(crate::app::Failure::from)?;
        Ok(told.filter(|told| !told.muted))
    }

    pub(super) async fn tell(
        &self,
        turn: &Turn,
        incident: &Incident,
        recipient: &Recipient,
        notice: &Notice,
    ) -> Result<(), Fault> {
        let (Some(told), Some(channel)) = (self.listening(incident, recipient).await?, &recipient.slack) else {
            return Ok(self.app.commit(turn.end()).await?);
        };
        // What was said there before they came is not taken back; nothing more is said.
        if self.app.strangers_read(channel) {
            return Err(Fault::Permanent { why: format!("people of another workspace read {channel}") });
        }
        let names = |id: &str| self.app.name(id);
        let markdown = views::notice(&self.app.templates, notice, recipient, incident, &names, self.app.now(), None);
        let is_first = matches!(notice, Notice::First { .. });
        let buttons = match (is_first, channel.starts_with(['U', 'W'])) {
            (true, false) => vec![Button::on(&incident.name(), Press::Subscribe, "Tell me too")],
            (true, true) => vec![Button::on(&incident.name(), Press::Unsubscribe, "No more of this")],
            (false, _) => Vec::new(),
        };
        let message = Rendered::new(&markdown, &buttons);
        if is_first {
            // Who cannot be looked up in their channel may read it twice; nobody is left out.
            let before = if turn.maybe_done() && !channel.starts_with(['U', 'W']) {
                self.find_own_post(turn, channel, None).await.unwrap_or_default()
            } else {
                None
            };
            let at = match before {
                Some(at) => at,
                None => {
                    self.pace(turn)?;
                    self.slack.post_message(channel, &message, turn.rec.id.as_str()).await?
                }
            };
            let command = Command::NoticeDelivered { recipient: recipient.key.clone(), message: at };
            return self.outcome(turn, &incident.uid, &command).await;
        }
        let (place, thread) = match &told.message {
            Some(MessageRef { channel, ts }) => (channel, Some(ts.as_str())),
            None => (channel, None),
        };
        // What was said to one person cannot be looked up; they may read it twice.
        let before = if turn.maybe_done() && !channel.starts_with(['U', 'W']) {
            self.find_own_post(turn, place, thread).await.unwrap_or_default()
        } else {
            None
        };
        if before.is_none() {
            self.pace(turn)?;
            self.slack.post_in(place, thread, &message, turn.rec.id.as_str()).await?;
        }
        Ok(self.app.commit(turn.end()).await?)
    }

    pub(super) async fn mail(
        &self,
        turn: &Turn,
        incident: &Incident,
        recipient: &Recipient,
        notice: &Notice,
    ) -> Result<(), Fault> {
        let (Some(_), Some(address)) = (self.listening(incident, recipient).await?, &recipient.email) else {
            return Ok(self.app.commit(turn.end()).await?);
        };
        let Some(mailer) = &self.mailer else {
            return Err(Fault::Permanent { why: "no mail server is configured ([mail] smtp_url)".to_owned() });
        };
        let names = |id: &str| self.app.name(id);
        let how = format!(
            "To hear no more of it, have somebody write /incident {incident} mute {name}.",
            incident = incident.name(),
            name = recipient.name
        );
        let markdown =
            views::notice(&self.app.templates, notice, recipient, incident, &names, self.app.now(), Some(&how));
        let first = matches!(notice, Notice::First { .. });
        let drawing = if first { self.app.drawing(incident).await? } else { None };
        let picture = match drawing {
            Some(drawing) => pixels(drawing).await.ok(),
            None => None,
        };
        let letter = crate::mail::Letter {
            to: address,
            subject: format!("[{}] {}", incident.name(), incident.title),
            markdown: &markdown,
            picture,
            thread: format!("{}.{}", incident.uid.to_lowercase(), recipient.key),
            id: (!first).then(|| turn.rec.id.to_string()),
        };
        mailer.send(&letter, self.app.now()).await.map_err(|error| match error.permanent {
            true => Fault::Permanent { why: error.why },
            false => Fault::Retry { after: None, why: error.why },
        })?;
        Ok(self.app.commit(turn.end()).await?)
    }

    /// Posts the picture if it shows something new, and takes the old one away.
    pub(super) async fn show_picture(&self, turn: &Turn, incident: &Incident, channel: &Channel) -> Result<(), Fault> {
        let Some(drawing) = self.app.drawing(incident).await? else {
            return Ok(self.app.commit(turn.end()).await?);
        };
        let digest = drawing.digest();
        if incident.picture.as_ref().is_some_and(|picture| picture.digest == digest) {
            return Ok(self.app.commit(turn.end()).await?);
        }
        let words = drawing.words();
        let png = pixels(drawing).await.map_err(|why| Fault::Permanent { why })?;
        self.pace(turn)?;
        let name = incident.name();
        let view = serde_json::json!({"name": name, "words": words});
        let comment = crate::render::plain(&self.app.templates.render("picture", &view));
        let file = File {
            name: format!("{}-lineage.png", name.to_lowercase()),
            title: format!("Lineage of {name}"),
            content: ("image/png", png),
            comment,
        };
        let file =
            self.upload_once(turn, channel, file, incident.picture.as_ref().map(|old| old.file.as_str())).await?;
        if let Some(old) = &incident.picture
            && let Err(error) = self.slack.delete_file(&old.file).await
            && error.verdict != Verdict::Permanent
        {
            tracing::warn!(incident = name, %error, "an old picture stays");
        }
        let picture = Picture {
            url: Some(format!(
                "{}/api/v1/incidents/{name}/lineage.svg",
                self.app.config.server.public_url.trim_end_matches('/')
            )),
            file,
            digest,
        };
        self.outcome(turn, &incident.uid, &Command::PictureShown { picture }).await
    }
}
