//! Events of the workspace: what is said is captured, a pushpin puts it on the timeline, people and names are followed.

use std::collections::BTreeMap;

use super::Caller;
use crate::app::job::Job;
use crate::app::{App, Asked, DeliveryId, Failure, records};
use crate::domain::Command;
use crate::domain::incident::MessageRef;
use crate::domain::permission::{Verb, allowed};
use crate::domain::postmortem::{Captured, said_at};
use crate::slack::inbound::SlackEvent;
use crate::store::{Expect, Kind, Op};

/// More links of one message are not shown.
const MAX_UNFURLED: usize = 5;

impl App {
    /// An event of the workspace. A redelivery changes nothing.
    ///
    /// # Errors
    /// The store cannot write; Slack sends it again then.
    pub async fn slack_event(&self, event_id: &str, event: SlackEvent) -> Result<(), Failure> {
        let guard = records::delivery_ops(&DeliveryId(format!("event/{event_id}")), self.now());
        let done = match event {
            SlackEvent::Said { channel, ts, user, text } => self.capture(channel, ts, Some(user), text, guard).await,
            SlackEvent::Edited { channel, ts, user, text } => self.capture(channel, ts, Some(user), text, guard).await,
            SlackEvent::Deleted { channel, ts } => self.capture(channel, ts, None, String::new(), guard).await,
            SlackEvent::Reaction { channel, ts, user, author, name, added } if name == "pushpin" => {
                self.pushpin(event_id, MessageRef { channel, ts }, &user, author, added).await
            }
            SlackEvent::Person(user) => match crate::slack::client::member(&user) {
                Some(member) => self.remember_people(vec![member], guard).await,
                None => Ok(()),
            },
            SlackEvent::Linked { channel, ts, user, links } => self.unfurl(channel, ts, &user, &links, guard).await,
            SlackEvent::Renamed { channel, name } => self.renamed(&channel, name, guard).await,
            SlackEvent::Reaction { .. } | SlackEvent::Other => Ok(()),
        };
        match done {
            Err(Failure::Duplicate | Failure::Refused(_)) | Ok(()) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Shows assets below links to their pages. What is told there is for everyone in that channel to read.
    async fn unfurl(
        &self,
        channel: String,
        ts: String,
        user: &str,
        links: &[String],
        mut ops: Vec<Op>,
    ) -> Result<(), Failure> {
        if !allowed(self.met(user, None).await, Verb::Read) {
            return Ok(());
        }
        let assets: BTreeMap<String, String> = links
            .iter()
            .filter_map(|link| Some((link.clone(), self.meant(&self.asset_of_page(link)?).ok()?)))
            .take(MAX_UNFURLED)
            .collect();
        if assets.is_empty() {
            return Ok(());
        }
        let name = format!("unfurl-{channel}-{ts}");
        ops.push(Job::Unfurl { channel, ts, assets }.enqueue(&name, self.now()));
        self.commit(ops).await?;
        self.wake.notify_waiters();
        Ok(())
    }

    /// Keeps what people say in an incident's channel; no author means that it was taken back.
    async fn capture(
        &self,
        channel: String,
        ts: String,
        author: Option<String>,
        text: String,
        mut ops: Vec<Op>,
    ) -> Result<(), Failure> {
        let Some(uid) = self.uid_of_channel(&channel)? else {
            return Ok(());
        };
        let before = self.captured(&uid, &ts)?;
        let deleted = author.is_none();
        let Some(author) = author.or_else(|| before.map(|before| before.author)) else {
            return Ok(());
        };
        let message = MessageRef { channel, ts: ts.clone() };
        let at = said_at(&message).unwrap_or_else(|| self.now());
        let text = text.chars().take(8000).collect();
        let captured = Captured { v: 1, message, author, at, text, deleted };
        ops.push(Op::put(
            Kind::Message,
            format!("{uid}/{ts}"),
            Expect::Any,
            serde_json::to_value(captured).unwrap_or_default(),
        ));
        self.commit(ops).await
    }

    async fn pushpin(
        &self,
        event_id: &str,
        message: MessageRef,
        user: &str,
        author: String,
        added: bool,
    ) -> Result<(), Failure> {
        let Some(uid) = self.uid_of_channel(&message.channel)? else {
            return Ok(());
        };
        let caller = Caller {
            user,
            standing: self.met(user, None).await,
            channel: None,
            delivery: Some(DeliveryId(format!("event/{event_id}"))),
        };
        let command = if added {
            let Some(captured) = self.captured(&uid, &message.ts)?.filter(|captured| !captured.deleted) else {
                tracing::info!(incident = uid, "a pushpin on a message that was not captured");
                return Ok(());
            };
            Command::Pin {
                message,
                author: if author.is_empty() { captured.author } else { author },
                text: captured.text,
            }
        } else {
            Command::Unpin { message }
        };
        self.decide_for(Some(&uid), &command, &caller).await.map(|_| ())
    }

    async fn renamed(&self, channel: &str, name: String, also: Vec<Op>) -> Result<(), Failure> {
        let Some(uid) = self.uid_of_channel(channel)? else {
            return Ok(());
        };
        let channel = crate::domain::incident::Channel { id: channel.to_owned(), name };
        self.execute(Some(&uid), &Command::ChannelReady { channel }, Asked::by_muster(also)).await.map(|_| ())
    }
}
