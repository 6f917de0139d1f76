//! Tells people outside the incident, in Slack. Later messages go into the thread of the first one.

use super::{Carrier, Fault, Tried, Turn};
use crate::domain::effect::Notice;
use crate::domain::incident::{MessageRef, Notification, Recipient};
use crate::domain::{Actor, Command, Event, Incident, Undelivered, UserId, is_person};
use crate::render::{Button, Press, Rendered, views};
use crate::store::Id;

impl Carrier {
    /// The record of a person who was told. `None` if they want to hear no more.
    pub(super) async fn listening(&self, incident: &Incident, recipient: &Recipient) -> Tried<Option<Notification>> {
        let id = Id::<Notification>::of(&incident.uid, &recipient.key);
        let told = self.app.store.value(&id).await.map_err(crate::app::Failure::from)?;
        Ok(told.filter(|told| !told.muted))
    }

    pub(super) async fn tell(&self, turn: &Turn, incident: &Incident, recipient: &Recipient, notice: &Notice) -> Tried {
        let (Some(told), Some(channel)) = (self.listening(incident, recipient).await?, &recipient.slack) else {
            return self.done(turn).await;
        };
        // What was said there before the strangers came stays. Nothing more is said.
        if self.app.is_external(channel) {
            return Err(Fault::Permanent { why: Undelivered::Strangers { channel: channel.to_owned() } });
        }
        let names = |id: &str| self.app.name(id);
        let markdown = views::notice(&self.app.templates, notice, recipient, incident, &names, self.app.now(), false);
        let is_first = matches!(notice, Notice::First { .. });
        let buttons = match (is_first, is_person(channel)) {
            (true, false) => vec![Button::on(&incident.name(), Press::Subscribe, "Tell me too")],
            (true, true) => vec![Button::on(&incident.name(), Press::Unsubscribe, "No more of this")],
            (false, _) => Vec::new(),
        };
        let message = Rendered::new(&markdown, &buttons);
        let (place, thread) = match &told.message {
            Some(MessageRef { channel, ts }) if !is_first => (channel.as_str(), Some(ts.as_str())),
            _ => (channel.as_str(), None),
        };
        // Muster cannot search its messages to one person, so they may read it twice. But nobody is left out.
        let before = if turn.maybe_done() && !is_person(channel) {
            self.find_own_post(turn, place, thread).await.unwrap_or_default()
        } else {
            None
        };
        let at = self.post_unless_found(turn, before, place, thread, &message).await?;
        if !is_first {
            return self.done(turn).await;
        }
        let command = Command::NoticeDelivered { recipient: recipient.key.clone(), message: at };
        self.outcome(turn, &incident.uid, &command).await
    }

    /// Tells one person of something.
    pub(super) async fn direct(&self, turn: &Turn, incident: &Incident, person: &UserId, event: &Event) -> Tried {
        let names = |id: &str| self.app.name(id);
        let message = views::said(&self.app.templates, event, &Actor::Muster, incident, &names, self.app.now());
        let said = self.slack.post_message(person, None, &message, turn.rec.id.as_str()).await.map(drop);
        self.or_do_without(turn, said, "a direct message").await
    }
}
