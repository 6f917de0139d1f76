//! The person who asks, and where: what they may do, which incident they mean, and the commands that they give.

use serde_json::json;

use super::reply::Reply;
use super::when::LocalClock;
use crate::app::queries::Filter;
use crate::app::{App, DeliveryId, Failure, RequestMeta};
use crate::domain::decide::permitted;
use crate::domain::permission::{self, Standing};
use crate::domain::reason::PageText;
use crate::domain::times::{clock, stamp};
use crate::domain::{Actor, ChannelId, Command, Decision, Event, Incident, IncidentId, Refusal, Time, UserId};
use crate::render::timeline;
use crate::slack::markup;
use crate::store::Batch;

/// A person who asks, and where.
pub struct Chat<'a> {
    pub app: &'a App,
    pub user: &'a UserId,
    pub standing: Standing,
    pub channel: Option<&'a ChannelId>,
    pub delivery: Option<DeliveryId>,
}

impl Chat<'_> {
    /// Whether somebody may do something. It is checked again where it is done.
    pub fn may(&self, verb: permission::Verb, incident: Option<&Incident>) -> Result<(), Failure> {
        Ok(permitted(verb, self.standing, Some(self.user), incident, &self.app.policy, self.app)?)
    }

    /// The incident that is meant: the one that is named, else the channel's.
    pub async fn target(&self, number: Option<u64>) -> Result<IncidentId, Failure> {
        let here = match self.channel {
            Some(channel) => self.app.uid_of_channel(channel).await?,
            None => None,
        };
        let Some(number) = number else {
            return here.ok_or(Failure::WhichIncident);
        };
        let uid = self.app.uid_of_number(number).await?;
        // Everybody in a private incident's channel may see it. Others do not even learn that it exists.
        let seen = here.as_ref() == Some(&uid) || self.app.may_see(&uid, self.user).await?;
        if seen { Ok(uid) } else { Err(Failure::no_such(number)) }
    }

    /// The same, with the whole incident.
    pub async fn incident(&self, number: Option<u64>) -> Result<Incident, Failure> {
        self.app.must(&self.target(number).await?).await
    }

    pub fn request(&self) -> RequestMeta {
        RequestMeta {
            actor: Actor::Person { id: self.user.to_owned() },
            standing: self.standing,
            delivery: self.delivery.clone(),
            also: Batch::new(),
        }
    }

    /// The clock by which the person reads and types times.
    pub(crate) fn clock(&self) -> LocalClock {
        LocalClock::new(self.app.now(), self.app.zone_of(self.user))
    }

    pub async fn act(&self, uid: &IncidentId, command: Command) -> Result<Reply, Failure> {
        let typed = command.moment(self.app.now());
        let about = match &command {
            Command::Subscribe => "subscribe",
            Command::Unsubscribe => "unsubscribe",
            Command::Remind { minutes: Some(_) } => "remind",
            Command::Remind { minutes: None } => "remind_off",
            Command::PagePerson { .. } => "page_instead",
            _ => "",
        };
        match self.decide(uid, command).await {
            Ok(decision) => {
                let more = self.answer_more(about, &decision);
                let answer = match self.sentence(&decision) {
                    None if !more.is_empty() => format!("{}: {more}", decision.case.incident.name()),
                    _ => format!("{} {more}", self.decided(&decision)),
                };
                Ok(Reply::words(&self.with_moment(answer.trim().to_owned(), typed)))
            }
            Err(Failure::Refused(refusal)) if refusal.is_about_a_moment() => {
                Err(Failure::Invalid(self.with_moment(refusal.to_string(), typed)))
            }
            Err(failure) => Err(failure),
        }
    }

    /// An answer, with the moment that was understood, by the person's clock and in UTC, unless the answer has it.
    pub(crate) fn with_moment(&self, answer: String, typed: Option<Time>) -> String {
        let Some(at) = typed else { return answer };
        let (said, caveat) = (self.clock().said(at), self.clock().caveat());
        let in_utc = said == stamp(at) && answer.contains(&format!("{} UTC", clock(at)));
        if in_utc || answer.contains(&said) {
            return format!("{answer}{caveat}");
        }
        format!("{answer} I read the time as {said}.{caveat}")
    }

    /// Whether a command would be refused. A form and its button ask this first, so the refusal is written only once, where it is decided.
    /// What is still empty is no obstacle: the form asks for it.
    pub async fn would(&self, incident: &Incident, command: Command) -> Result<(), Failure> {
        match self.app.would(&incident.uid, &command, self.request()).await {
            Err(Failure::Refused(Refusal::Empty { .. })) => Ok(()),
            other => other,
        }
    }

    /// The incidents that somebody may see, newest first.
    pub async fn visible(&self, filter: &Filter, limit: usize) -> Result<Vec<Incident>, Failure> {
        let filter = Filter { viewer: self.app.viewer(self.user).await?, ..filter.clone() };
        Ok(self.app.list(&filter, None, limit).await?.incidents)
    }

    /// The uid of an open incident that the person may see.
    pub async fn open_one(&self, number: u64) -> Result<IncidentId, Failure> {
        let uid = self.app.uid_of_number(number).await?;
        let seen = self.app.may_see(&uid, self.user).await?;
        match self.app.incident(&uid).await?.filter(|_| seen) {
            Some(incident) if incident.status.is_open() => Ok(uid),
            Some(incident) => Err(Failure::NotFound(format!(
                "{} is {}; name one that is open. `/incident list` shows them.",
                incident.name(),
                incident.status
            ))),
            None => Err(Failure::no_such(number)),
        }
    }

    /// Refuses to move something public to where only a private incident's people see it, or something real into a drill.
    pub async fn may_go(&self, from: &IncidentId, into: &IncidentId) -> Result<(), Failure> {
        let (Some(from), Some(into)) = (self.app.incident(from).await?, self.app.incident(into).await?) else {
            return Ok(());
        };
        if into.private && !from.private {
            return Err(Failure::Invalid(format!(
                "{into} is private and {from} is not: whoever follows {from} would hear nothing more of what goes there. Merge {into} into {from}, or close this one with `/incident dismiss duplicate <reason>`.",
                into = into.name(),
                from = from.name()
            )));
        }
        if into.drill && !from.drill {
            return Err(Failure::Invalid(format!(
                "{} is a drill, in which nobody is paged or told; nothing real goes there.",
                into.name()
            )));
        }
        Ok(())
    }

    /// Decides what somebody said, with names in place of Slack's ids.
    pub async fn decide(&self, uid: &IncidentId, mut command: Command) -> Result<Decision, Failure> {
        for person in command.gives_to() {
            self.app.met(person, None).await;
        }
        for text in command.texts() {
            *text = markup::named(text, &|id| self.app.name(id));
        }
        self.app.execute(uid, &command, self.request()).await
    }

    /// What a person may take a decision for, and what it is. Empty for most.
    fn answer_more(&self, about: &str, decision: &Decision) -> String {
        let instead = decision.entries.iter().find_map(|entry| match &entry.event {
            Event::PageRequested { target, text: PageText::For { person, .. }, .. } => {
                Some(json!({"about": about, "target": target, "whom": self.app.name(person.as_str())}))
            }
            _ => None,
        });
        match (about, instead) {
            ("page_instead", None) => String::new(),
            (_, view) => self.app.templates.words("answer_more", &view.unwrap_or_else(|| json!({"about": about}))),
        }
    }

    /// The first line that a decision adds to the timeline.
    fn sentence(&self, decision: &Decision) -> Option<String> {
        let names = |id: &str| self.app.name(id);
        decision.entries.iter().find_map(|entry| timeline::sentence(&self.app.templates, entry, &names))
    }

    /// A decision in one sentence, for the person who asked.
    pub fn decided(&self, decision: &Decision) -> String {
        let incident = decision.case.incident.name();
        match self.sentence(decision) {
            Some(first) => format!("{incident}: {first}."),
            None if decision.effects.is_empty() => format!("{incident}: nothing changed."),
            None => format!("{incident}: asked for; what comes of it shows in a moment."),
        }
    }
}
