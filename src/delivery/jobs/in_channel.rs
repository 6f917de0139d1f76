//! What Muster says and shows in the incident's own channel, and the line in the announcement channel.

use super::{Carrier, Fault, Tried, Turn};
use crate::domain::incident::Slot;
use crate::domain::{Command, Effect, Incident, Principal, UserId};
use crate::render::{Rendered, views};
use crate::slack::client::FailureKind;

/// How many open tasks the card shows. `tasks` shows all of them.
const CARD_TASKS: usize = 5;

impl Carrier {
    /// Says something there. If the channel turns out to be gone, the incident moves.
    pub(super) async fn in_channel(&self, turn: &Turn, incident: &Incident, effect: &Effect) -> Tried {
        match self.post_here(turn, incident, effect).await {
            Err(Fault::NoChannel { code, why }) => self.lost_channel(turn, incident, &code, why).await,
            other => other,
        }
    }

    /// The line in the announcement channel.
    pub(super) fn announcement(&self, incident: &Incident) -> Rendered {
        let names = |id: &str| self.app.name(id);
        let strangers = self.app.announces_to_strangers();
        views::announcement(&self.app.templates, incident, strangers, &names, self.app.now())
    }

    pub(super) async fn show_announcement(&self, turn: &Turn, incident: &Incident) -> Tried {
        let place = (self.app.config.slack.announce_channel.as_str(), None);
        self.keep_true(turn, incident, Slot::Announcement, place, &self.announcement(incident)).await
    }

    /// What is said and shown in the incident's own channel.
    async fn post_here(&self, turn: &Turn, incident: &Incident, effect: &Effect) -> Tried {
        let names = |id: &str| self.app.name(id);
        let (templates, now) = (&self.app.templates, self.app.now());
        // Without a channel (Slack refused to make one), there is nowhere to say it. People were told of that when Slack refused.
        let Some(channel) = &incident.channel else { return self.done(turn).await };
        let place = (channel.id.as_str(), channel.thread.as_deref());
        match effect {
            // A thread has no topic and no bookmarks. A person who gets a role there is invited to its channel.
            Effect::ShowTopic | Effect::Bookmark { .. } if !channel.is_whole() => self.done(turn).await,
            Effect::ShowTopic if channel.linked => self.done(turn).await,
            Effect::ShowCard => {
                let tasks: Vec<_> =
                    self.app.tasks(&incident.uid).await?.into_iter().filter(|task| task.done_at.is_none()).collect();
                let mut tasks = self.app.task_views(&tasks);
                tasks.truncate(CARD_TASKS);
                let allows = |command: Command| self.app.allows(incident, &command);
                let message = views::card(templates, incident, &tasks, &allows, &names, now);
                self.keep_true(turn, incident, Slot::Card, place, &message).await
            }
            Effect::ShowChecklist => {
                let Some(list) = &incident.checklist else { return self.done(turn).await };
                let message = views::checklist(templates, incident, list, &names);
                self.keep_true(turn, incident, Slot::Checklist, place, &message).await
            }
            Effect::ShowTopic => {
                let topic = views::topic(templates, incident, &names, now);
                if self.topics.lock().get(&channel.id) != Some(&topic) {
                    self.slack.set_topic(&channel.id, &topic).await?;
                    let mut topics = self.topics.lock();
                    if topics.len() > 1000 {
                        // After this, a topic may be set once more.
                        topics.clear();
                    }
                    topics.insert(channel.id.clone(), topic);
                }
                self.done(turn).await
            }
            Effect::Invite { people } => {
                let people = self.spelled_out(people, incident).await?;
                if !people.is_empty() {
                    self.slack.invite(&channel.id, &people).await?;
                }
                self.done(turn).await
            }
            Effect::Brief { person, role } => {
                let (words, buttons) = self.app.role_card(incident, *role, person).await?;
                let said = self.slack.post_ephemeral(&channel.id, person, &Rendered::new(&words, &buttons)).await;
                self.or_do_without(turn, said, "the words on a role").await
            }
            Effect::Mark { message, on } => {
                let marked = self.slack.mark(message, "white_check_mark", *on).await;
                self.or_do_without(turn, marked, "a mark below a message").await
            }
            Effect::Pin { slot } => {
                let pinned = match (slot, incident.slots.get(slot)) {
                    (Slot::Card, Some(at)) => self.slack.pin(at).await,
                    // People who come late find the steps through the bookmark.
                    (Slot::Checklist, Some(at)) => {
                        let title = incident.checklist.as_ref().map(|list| list.title.as_str()).unwrap_or_default();
                        self.slack.bookmark(&at.channel, &format!("Runbook: {title}"), &self.app.link(at)).await
                    }
                    _ => Ok(()),
                };
                self.or_do_without(turn, pinned, "a pin or bookmark of a message").await
            }
            Effect::Bookmark { title, url } => {
                self.slack.bookmark(&channel.id, title, url).await?;
                self.done(turn).await
            }
            Effect::Say { event, actor } => {
                let message = views::said(templates, event, actor, incident, &names, now);
                // News of passing interest goes below the card, so that the channel is left to people.
                let below = incident.slots.get(&Slot::Card).map(|card| card.ts.as_str()).filter(|_| event.is_chatter());
                self.post_once(turn, place.0, place.1.or(below), &message).await?;
                self.done(turn).await
            }
            Effect::ShowPicture => self.show_picture(turn, incident, channel).await,
            Effect::PostPostmortem => self.post_postmortem(turn, incident, channel).await,
            _ => self.done(turn).await,
        }
    }

    /// The people to invite, with the members of user groups.
    async fn spelled_out(&self, people: &[Principal], of: &Incident) -> Tried<Vec<UserId>> {
        let mut all = Vec::new();
        for one in people {
            match one {
                Principal::Person(id) => all.push(id.clone()),
                Principal::Group(id) => match self.slack.group(id).await {
                    Ok(members) => all.extend(members),
                    Err(error) if error.verdict == FailureKind::Permanent => {
                        tracing::warn!(incident = of.name(), group = id, %error, "a team's user group cannot be read");
                    }
                    Err(error) => return Err(error.into()),
                },
            }
        }
        all.sort();
        all.dedup();
        Ok(all)
    }
}
