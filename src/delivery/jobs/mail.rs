//! Tells people outside the incident by e-mail.

use super::picture::pixels;
use super::{Carrier, Fault, Tried, Turn};
use crate::domain::effect::Notice;
use crate::domain::incident::Recipient;
use crate::domain::{Command, Incident, Undelivered};
use crate::mail::Letter;

impl Carrier {
    pub(super) async fn mail(&self, turn: &Turn, incident: &Incident, recipient: &Recipient, notice: &Notice) -> Tried {
        let told = self.listening(turn, incident, recipient, notice).await?;
        let (Some(_), Some(address)) = (told, &recipient.email) else {
            return self.unsent(turn, incident, recipient, notice).await;
        };
        let Some(mailer) = &self.mailer else {
            return Err(Fault::Permanent { why: Undelivered::NoMailServer });
        };
        let markdown = self.noticed(incident, recipient, notice, true).await?;
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
        if !first {
            return self.done(turn).await;
        }
        let (recipient, address) = (recipient.key.clone(), address.clone());
        self.outcome(turn, &incident.uid, &Command::NoticeMailed { recipient, address }).await
    }
}
