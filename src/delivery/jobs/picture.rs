//! The picture of the lineage, posted again when it shows something new.

use super::{Carrier, Fault, Tried, Turn};
use crate::domain::incident::{Channel, Picture};
use crate::domain::{Command, Incident};
use crate::render::picture::Drawing;
use crate::slack::client::{FailureKind, File};

/// Drawing runs on a thread that nobody else waits for.
pub(super) async fn pixels(drawing: Drawing) -> Result<Vec<u8>, String> {
    tokio::task::spawn_blocking(move || drawing.png()).await.map_err(|error| error.to_string())?
}

impl Carrier {
    /// Posts the picture if it shows something new, and deletes the old one.
    pub(super) async fn show_picture(&self, turn: &Turn, incident: &Incident, channel: &Channel) -> Tried {
        let Some(drawing) = self.app.drawing(incident).await? else { return self.done(turn).await };
        let digest = drawing.digest();
        if incident.picture.as_ref().is_some_and(|picture| picture.digest == digest) {
            return self.done(turn).await;
        }
        let words = drawing.words();
        let png = pixels(drawing).await.map_err(|why| Fault::Permanent { why: why.into() })?;
        self.pace(turn)?;
        let name = incident.name();
        let comment = self.app.templates.words("picture", &serde_json::json!({"name": name, "words": words}));
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
            && error.verdict != FailureKind::Permanent
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
