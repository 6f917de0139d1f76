//! The page lane: PagerDuty events, one after another per incident. They are tried until PagerDuty answers.

use serde_json::json;

use super::{Carrier, Fault, Tried, Turn};
use crate::domain::reason::PageText;
use crate::domain::{Command, Effect, Incident, Undelivered, UserId};
use crate::pagerduty::events::{PagerEvent, Trigger};
use crate::pagerduty::rest::PersonalPage;

impl Carrier {
    pub(super) async fn page(&self, turn: &Turn, incident: &Incident, effect: &Effect) -> Tried {
        if let Effect::Page { key, .. } | Effect::AcknowledgePage { key, .. } | Effect::ResolvePage { key, .. } = effect
            && let Some(person) = incident.pages.get(key).and_then(|page| page.person.clone())
        {
            return self.page_person(turn, incident, effect, key, &person).await;
        }
        let (key, target, event) = match effect {
            Effect::Page { key, target, text } => (key, target, self.trigger(incident, text)),
            Effect::AcknowledgePage { key, target } => (key, target, PagerEvent::Acknowledge),
            Effect::ResolvePage { key, target } => (key, target, PagerEvent::Resolve),
            _ => return Ok(()),
        };
        let Some(routing_key) = self.app.config.routing_key(target) else {
            return Err(Fault::Permanent { why: Undelivered::NoRoutingKey { target: target.clone() } });
        };
        self.pager.send(routing_key, key, &event).await?;
        match effect {
            Effect::Page { .. } => self.outcome(turn, &incident.uid, &Command::PageAccepted { key: key.clone() }).await,
            _ => self.done(turn).await,
        }
    }

    /// Pages one person, and ends such pages, through the REST API.
    async fn page_person(
        &self,
        turn: &Turn,
        incident: &Incident,
        effect: &Effect,
        key: &str,
        person: &UserId,
    ) -> Tried {
        let service = incident.service.as_deref().and_then(|name| {
            self.app.config.services.iter().find(|one| one.name == name)?.pagerduty_service_id.as_deref()
        });
        let (Some(rest), Some(service)) = (&self.rest, service) else {
            return Err(Fault::Permanent { why: Undelivered::NoService });
        };
        match effect {
            Effect::Page { text, .. } => {
                let Some(email) = self.app.address_of(person) else {
                    return Err(Fault::Permanent { why: Undelivered::NoAddress { name: self.app.name(person) } });
                };
                let title = self.page_words(incident, text);
                let details = incident.assets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                rest.page(&PersonalPage { key, service, email: &email, title: &title, details: &details }).await?;
                self.outcome(turn, &incident.uid, &Command::PageAccepted { key: key.to_owned() }).await
            }
            _ => {
                let wanted = if matches!(effect, Effect::AcknowledgePage { .. }) { "acknowledged" } else { "resolved" };
                rest.settle(key, wanted).await?;
                self.done(turn).await
            }
        }
    }

    /// The text that the paged person reads.
    fn page_words(&self, incident: &Incident, text: &PageText) -> String {
        let text = text.words(&|id| self.app.name(id));
        let view =
            json!({"incident": {"name": incident.name(), "severity": incident.severity.to_string()}, "text": text});
        self.app.templates.words("page_summary", &view)
    }

    fn trigger(&self, incident: &Incident, text: &PageText) -> PagerEvent {
        let summary = self.page_words(incident, text);
        let link = incident.channel.as_ref().map(|channel| {
            format!("https://slack.com/app_redirect?team={}&channel={}", self.app.config.slack.team_id, channel.id)
        });
        PagerEvent::Trigger(Trigger {
            summary,
            source: incident.assets.first().map_or_else(|| incident.name(), ToString::to_string),
            level: incident.severity.level(),
            at: incident.detected_at,
            class: incident.pillar.as_str().to_owned(),
            component: incident.service.clone(),
            details: json!({
                "muster_incident": incident.name(),
                "muster_uid": incident.uid,
                "severity": incident.severity.to_string(),
                "assets": incident.assets.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "alerts_firing": incident.firing,
                "source": incident.source,
            }),
            link,
        })
    }
}
