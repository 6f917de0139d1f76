//! Tells people outside the incident by e-mail.

use super::picture::pixels;
use super::{Carrier, Fault, Tried, Turn};
use crate::domain::effect::Notice;
use crate::domain::incident::Recipient;
use crate::domain::{Incident, Undelivered};
use crate::mail::Letter;
use crate::render::views;

impl Carrier {
    pub(super) async fn mail(&self, turn: &Turn, incident: &Incident, recipient: &Recipient, notice: &Notice) -> Tried {
        let (Some(_), Some(address)) = (self.listening(incident, recipient).await?, &recipient.email) else {
            return self.done(turn).await;
        };
        let Some(mailer) = &self.mailer else {
            return Err(Fault::Permanent { why: Undelivered::NoMailServer });
        };
        let names = |id: &str| self.app.name(id);
        let markdown = views::notice(&self.app.templates, notice, recipient, incident, &names, self.app.now(), true);
        let first = matches!(notice, Notice::First { .. });
        let drawing = if first { self.app.drawing(incident).await? } else { None };
        let picture = match drawing {
            Some(drawing) => pixels(drawing).await.ok(),
            None => None,
        };
        let letter = Letter {
            to: address,
            subject: format!("[{}] {}", incident.name(), incident.title),
            markdown: &markdown,
            picture,
            thread: format!("{}.{}", incident.uid.to_lowercase(), recipient.key),
            id: (!first).then(|| turn.rec.id.to_string()),
        };
        mailer.send(&letter, self.app.now()).await?;
        self.done(turn).await
    }
}
