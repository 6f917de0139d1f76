//! Tells people outside the incident, in Slack. Later messages go into the thread of the first one.

use super::{Carrier, Fault, Tried, Turn};
use crate::domain::effect::Notice;
use crate::domain::incident::{MessageRef, Notification, Recipient};
use crate::domain::{Actor, Command, Event, Incident, Undelivered, UserId, is_person};
use crate::render::{Button, Press, Rendered, views};
use crate::store::Id;

impl Carrier {
    /// The record of somebody who still is to hear this. `None` if they want to hear no more, or if it is not so any more.
    pub(super) async fn listening(
        &self,
        turn: &Turn,
        incident: &Incident,
        recipient: &Recipient,
        notice: &Notice,
    ) -> Tried<Option<Notification>> {
        let id = Id::<Notification>::of(&incident.uid, &recipient.key);
        let told = self.app.store.value(&id).await.map_err(crate::app::Failure::from)?;
        let is_open = incident.status.is_open();
        Ok(told.filter(|told| match notice {
            _ if told.muted => false,
            // Whoever never heard that it is bad is not told how it goes on.
            Notice::First { .. } => is_open || turn.maybe_done(),
            Notice::AllClear { .. } => !is_open && !told.is_unreached(),
            Notice::Update { .. } | Notice::Merged { .. } | Notice::Reopened { .. } => !told.is_unreached(),
        }))
    }

    /// Ends a message that is not sent. If it was the first one, the record says that it never came.
    pub(super) async fn unsent(&self, turn: &Turn, incident: &Incident, to: &Recipient, notice: &Notice) -> Tried {
        if !matches!(notice, Notice::First { .. }) || incident.status.is_open() {
            return self.done(turn).await;
        }
        let (recipient, notice) = (to.clone(), notice.clone());
        let over = Command::NoticeRefused { recipient, notice, why: Undelivered::Over, mailed: true };
        self.outcome(turn, &incident.uid, &over).await
    }

    pub(super) async fn tell(&self, turn: &Turn, incident: &Incident, recipient: &Recipient, notice: &Notice) -> Tried {
        let told = self.listening(turn, incident, recipient, notice).await?;
        let (Some(told), Some(channel)) = (told, &recipient.slack) else {
            return self.unsent(turn, incident, recipient, notice).await;
        };
        if told.gets_mail_instead() {
            let (recipient, notice) = (recipient.clone(), notice.clone());
            let why = told.refused.last().cloned().unwrap_or(Undelivered::NoMailServer);
            let by_mail = Command::NoticeRefused { recipient, notice, why, mailed: false };
            return self.outcome(turn, &incident.uid, &by_mail).await;
        }
        // What was said there before the strangers came stays. Nothing more is said.
        if self.app.is_external(channel) {
            return Err(Fault::Permanent { why: Undelivered::Strangers { channel: channel.to_owned() } });
        }
        let markdown = self.noticed(incident, recipient, notice, false).await?;
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
        if is_first && !incident.status.is_open() && before.is_none() && !is_person(channel) {
            return self.unsent(turn, incident, recipient, notice).await;
        }
        let at = self.post_unless_found(turn, before, place, thread, &message).await?;
        if !is_first {
            return self.done(turn).await;
        }
        let command = Command::NoticeDelivered { recipient: recipient.key.clone(), message: at };
        self.outcome(turn, &incident.uid, &command).await
    }

    /// What they read, by what is so now.
    pub(super) async fn noticed(
        &self,
        incident: &Incident,
        to: &Recipient,
        notice: &Notice,
        by_mail: bool,
    ) -> Tried<String> {
        let known = match notice {
            Notice::AllClear { .. } => Some(self.app.all_clear(incident, to).await?),
            _ => None,
        };
        let names = |id: &str| self.app.name(id);
        let sent = views::Sent { by_mail, known };
        Ok(views::notice(&self.app.templates, notice, to, incident, &names, self.app.now(), &sent))
    }

    /// Tells one person of something.
    pub(super) async fn direct(&self, turn: &Turn, incident: &Incident, person: &UserId, event: &Event) -> Tried {
        let names = |id: &str| self.app.name(id);
        let message = views::said(&self.app.templates, event, &Actor::Muster, incident, &names, self.app.now());
        let said = self.slack.post_message(person, None, &message, turn.rec.id.as_str()).await.map(drop);
        self.or_do_without(turn, said, "a direct message").await
    }
}
