//! The draft of a post-mortem. The channel's history is read first. Then the draft is posted as a canvas and as a file.

use super::{Carrier, Fault, Tried, Turn};
use crate::chat::capture_history;
use crate::delivery::posting::MAX_HISTORY_PAGES;
use crate::domain::captured::{Captured, said_at};
use crate::domain::incident::{Channel, MessageRef};
use crate::domain::{Command, Incident};
use crate::slack::client::{FailureKind, File, SlackError};
use crate::slack::markup;

impl Carrier {
    pub(super) async fn post_postmortem(&self, turn: &Turn, incident: &Incident, channel: &Channel) -> Tried {
        self.pace(turn)?;
        match self.fetch_history(incident, channel).await {
            // Messages that were captured as people said them are there anyway.
            Err(Fault::Permanent { why }) => {
                tracing::warn!(incident = incident.name(), error = why.to_string(), "the history cannot be read")
            }
            other => other?,
        }
        let text = self.app.postmortem(incident).await?;
        let name = incident.name();
        // The canvas comes first: repeated tries make only one canvas, but several files.
        let canvas = self.as_canvas(incident, channel, &text).await?;
        let comment = self.app.templates.words("postmortem_note", &serde_json::json!({"name": name}));
        let file = File {
            name: format!("{}-postmortem.md", name.to_lowercase()),
            title: format!("Post-mortem of {name} (draft)"),
            content: ("text/markdown", text.into_bytes()),
            comment,
        };
        self.upload_once(turn, channel, file, None).await?;
        self.outcome(turn, &incident.uid, &Command::PostmortemPosted { canvas }).await
    }

    /// Puts the draft into the channel's canvas, with a bookmark to it. `None` if the workspace has no canvases.
    async fn as_canvas(&self, incident: &Incident, channel: &Channel, text: &str) -> Tried<Option<String>> {
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
                if matches!(error.verdict, FailureKind::Retry { .. } | FailureKind::Unknown)
                    && error.code != "missing_scope" =>
            {
                return Err(Fault::Retry { after: None, why: error.to_string().into() });
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

    /// The canvas that the channel has already. It is ours if the answer to making it was lost.
    async fn replace_canvas(&self, channel: &Channel, text: &str) -> Result<String, SlackError> {
        let info = self.slack.channel_info(&channel.id).await?;
        let Some(canvas) = info.canvas else {
            return Err(SlackError {
                method: "conversations.canvases.create",
                code: "channel_canvas_already_exists".to_owned(),
                verdict: FailureKind::Permanent,
            });
        };
        self.slack.edit_canvas(&canvas, text).await.map(|()| canvas)
    }

    /// What people said while Muster was not listening.
    async fn fetch_history(&self, incident: &Incident, channel: &Channel) -> Tried {
        let oldest = format!("{}.000000", incident.opened_at.timestamp());
        let place = (&channel.id, channel.thread.as_deref());
        let mut cursor = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let (messages, next) =
                self.slack.history(place, &oldest, self.app.config.slack.history_page, cursor).await?;
            let mut said = Vec::new();
            for message in messages {
                let Some(author) = message.author else { continue };
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
            capture_history(&self.app, &incident.uid, said).await?;
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}
