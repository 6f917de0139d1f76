//! The life of an incident's channel in Slack. It is made, linked, lost, archived. If nobody may make channels, a thread replaces it.

use super::{Carrier, Fault, Tried, Turn};
use crate::app::{Failure, RequestMeta};
use crate::domain::effect::OWN_CHANNEL;
use crate::domain::incident::{Channel, Slot};
use crate::domain::reason::ChannelLoss;
use crate::domain::{ChannelId, Command, Incident, Undelivered, UserId};
use crate::records::OfChannel;
use crate::render::Rendered;
use crate::slack::client::FailureKind;
use crate::store::{Batch, Expect, Id};

/// Slack's limit for a channel's name.
const MAX_CHANNEL_NAME: usize = 80;

impl Carrier {
    pub(super) async fn open_channel(&self, turn: &Turn, incident: &Incident) -> Tried {
        let base = channel_name(&self.app.config.slack.channel_name, incident);
        for attempt in 1..=9 {
            let name = match attempt {
                1 => base.clone(),
                n => {
                    let suffix = format!("-{n}");
                    format!("{}{suffix}", base.chars().take(MAX_CHANNEL_NAME - suffix.len()).collect::<String>())
                }
            };
            let (id, name) = match self.slack.create_channel(&name, incident.private).await {
                Ok(made) => made,
                Err(error) if error.code == "name_taken" => {
                    // The channel is ours if an earlier try made it and the answer was lost. Otherwise it belongs to somebody else.
                    let ours = if turn.maybe_done() { self.slack.channel_named(&name, true).await? } else { None };
                    match ours {
                        Some(id) if self.app.uid_of_channel(&id).await?.is_none() => (id, name),
                        _ => continue,
                    }
                }
                // Slack forbids or refuses it, for whatever reason. The incident gets a place anyway.
                Err(error) if error.verdict == FailureKind::Permanent => {
                    return self.open_thread(turn, incident, &error.code).await;
                }
                Err(error) => return Err(error.into()),
            };
            let channel = Channel::own(id, name);
            return self.outcome(turn, &incident.uid, &Command::ChannelReady { channel }).await;
        }
        Err(Fault::Permanent { why: Undelivered::NamesTaken { name: base } })
    }

    /// The workspace does not let Muster make a channel. The incident lives in the thread of its announcement, which says why.
    async fn open_thread(&self, turn: &Turn, incident: &Incident, code: &str) -> Tried {
        let home = self.app.config.slack.announce_channel.clone();
        if home.is_empty() || incident.private || self.app.announces_to_strangers() {
            return Err(Fault::Permanent { why: Undelivered::NoThread { code: code.to_owned() } });
        }
        let at = match incident.slots.get(&Slot::Announcement) {
            Some(at) => at.clone(),
            None => self.post_once(turn, &home, None, &self.announcement(incident)).await?,
        };
        // Only members of the channel receive what people say there.
        if let Err(error) = self.slack.join(&at.channel).await {
            tracing::warn!(%error, "what is said in the incident's thread cannot be heard; invite Muster to the channel");
        }
        let name = home.trim_start_matches('#').to_owned();
        let channel = Channel { id: at.channel.clone(), name, thread: Some(at.ts.clone()), linked: false };
        if !incident.slots.contains_key(&Slot::Announcement) {
            let posted = Command::MessagePosted { slot: Slot::Announcement, message: at };
            self.also(incident, &posted).await?;
        }
        let why = Undelivered::OnlyThread { code: code.to_owned() };
        let told = Command::GiveUp { what: OWN_CHANNEL.to_owned(), why, say: true };
        self.outcome(turn, &incident.uid, &Command::ChannelReady { channel }).await?;
        self.also(incident, &told).await
    }

    /// Reports what else came of it. The entry goes on.
    async fn also(&self, incident: &Incident, command: &Command) -> Tried {
        match self.app.execute(&incident.uid, command, RequestMeta::by_muster(Batch::new())).await {
            Ok(_) | Err(Failure::Duplicate) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Starts to work in a channel that exists already, unless strangers read it.
    pub(super) async fn link_channel(&self, turn: &Turn, incident: &Incident, id: &ChannelId, by: &UserId) -> Tried {
        let refuse = async |reason: &str| {
            let view = serde_json::json!({"name": incident.name(), "reason": reason});
            let message = Rendered::new(&self.app.templates.render("cannot_link", &view), &[]);
            self.slack.post_message(by, None, &message, turn.rec.id.as_str()).await?;
            self.done(turn).await
        };
        let info = match self.slack.channel_info(id).await {
            Ok(info) if info.shared => return refuse("strangers").await,
            Ok(info) if incident.private && !info.private => return refuse("public").await,
            Ok(info) => info,
            Err(error) if error.verdict == FailureKind::Permanent => return refuse("hidden").await,
            Err(error) => return Err(error.into()),
        };
        // Another incident may have come to the channel meanwhile. If two come at once, the second must look again.
        let pointer = self.app.store.get(&Id::<OfChannel>::of(id)).await.map_err(Failure::from)?;
        if self.app.at_home_in(id).await?.is_some_and(|other| other != incident.uid) {
            return refuse("taken").await;
        }
        if !info.member {
            self.slack.join(id).await?;
        }
        let expect = pointer.map_or(Expect::Absent, |rec| Expect::Ver(rec.ver));
        let mut still = Batch::new();
        still.check(&Id::<OfChannel>::of(id), expect);
        let channel = Channel { id: id.to_owned(), name: info.name, thread: None, linked: true };
        self.outcome_if(turn, &incident.uid, &Command::ChannelReady { channel }, still).await
    }

    /// Archives the channel. If Slack does not allow it, Muster says so there, and the channel stays the incident's.
    pub(super) async fn archive_channel(&self, turn: &Turn, incident: &Incident, id: &ChannelId) -> Tried {
        // The incident may have been reopened while this waited.
        if incident.status.is_open() {
            return self.done(turn).await;
        }
        self.slack.archive(id).await?;
        self.outcome(turn, &incident.uid, &Command::ChannelArchived { channel: id.to_owned() }).await
    }

    /// Handles a lost channel of an incident, when a call shows that nothing can be said there any more. An open incident goes on elsewhere. If
    /// Muster is only not a member, it joins the channel.
    pub(super) async fn lost_channel(&self, turn: &Turn, incident: &Incident, code: &str, why: Undelivered) -> Tried {
        let Some(channel) = incident.channel.as_ref().filter(|_| incident.status.is_open()) else {
            return Err(Fault::Permanent { why });
        };
        if code == "not_in_channel" {
            return match self.slack.join(&channel.id).await {
                Ok(()) => Err(Fault::Retry { after: None, why }),
                Err(_) => self.went(turn, incident, channel, ChannelLoss::Removed).await,
            };
        }
        let loss = if code == "is_archived" { ChannelLoss::FoundArchived } else { ChannelLoss::Hidden };
        self.went(turn, incident, channel, loss).await
    }

    async fn went(&self, turn: &Turn, incident: &Incident, channel: &Channel, why: ChannelLoss) -> Tried {
        let command = Command::ChannelGone { channel: channel.id.clone(), why };
        self.also(incident, &command).await?;
        // The message is said where the incident goes on. In the queue, it comes after the opening of the new channel.
        Ok(self.app.commit(turn.behind(self.app.now(), &self.app.clock.fresh_id())).await?)
    }
}

/// A channel's name by the operator's pattern: lower-case letters, digits, `-` and `_`, at most 80 characters (Slack's rule), with room for a
/// number at the end.
fn channel_name(pattern: &str, incident: &Incident) -> String {
    let values = [
        ("{{number}}", incident.number.to_string()),
        ("{{title}}", incident.title.clone()),
        ("{{date}}", incident.opened_at.format("%Y-%m-%d").to_string()),
        ("{{severity}}", incident.severity.to_string()),
        ("{{service}}", incident.service.clone().unwrap_or_default()),
    ];
    let filled = values.into_iter().fold(pattern.to_owned(), |name, (key, value)| name.replace(key, &value));
    let kind = if incident.drill { "drill-" } else { "" };
    let mut slug = String::new();
    for c in format!("{kind}{filled}").chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let name = slug.chars().take(MAX_CHANNEL_NAME - 20).collect::<String>().trim_end_matches('-').to_owned();
    if name.is_empty() { incident.name().to_lowercase() } else { name }
}
