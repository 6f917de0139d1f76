//! The page lane: PagerDuty events, one after another for one incident, for ever until PagerDuty answers.

use serde_json::json;

use super::{Fault, Turn, Worker};
use crate::domain::{Command, Effect, Incident};
use crate::pagerduty::events::{PagerError, PagerEvent, Trigger};
use crate::tr;

impl From<PagerError> for Fault {
    fn from(error: PagerError) -> Self {
        match error {
            // The key makes a repeat the same page, so "unknown" and "not done" are one.
            PagerError::Retry { after, why } => Self::Retry { after, why },
            PagerError::Permanent { why } => Self::Permanent { why },
        }
    }
}

impl Worker {
    pub(super) async fn page(&self, turn: &Turn, incident: &Incident, effect: &Effect) -> Result<(), Fault> {
        let (key, target, event) = match effect {
            Effect::Page { key, target, text } => (key, target, self.trigger(incident, text)),
            Effect::AcknowledgePage { key, target } => (key, target, PagerEvent::Acknowledge),
            Effect::ResolvePage { key, target } => (key, target, PagerEvent::Resolve),
            _ => return Ok(()),
        };
        let Some(routing_key) = self.app.config.routing_key(target) else {
            return Err(Fault::Permanent { why: tr!("no routing key is configured for {target}", target = target) });
        };
        self.pager.send(routing_key, key, &event).await?;
        match effect {
            Effect::Page { .. } => self.outcome(turn, &incident.uid, &Command::PageAccepted { key: key.clone() }).await,
            _ => Ok(self.app.commit(vec![turn.end()]).await?),
        }
    }

    fn trigger(&self, incident: &Incident, text: &str) -> PagerEvent {
        let view =
            json!({"incident": {"name": incident.name(), "severity": incident.severity.to_string()}, "text": text});
        // A page goes out whatever an operator's template does.
        let summary = match self.app.templates.try_render("page_summary", &view) {
            Ok(markdown) => crate::messages::plain(&markdown),
            Err(error) => {
                tracing::error!(
                    incident = incident.name(),
                    error,
                    "the template of a page failed; its plain words are used"
                );
                format!("[{}] {} {text}", incident.name(), incident.severity)
            }
        };
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
