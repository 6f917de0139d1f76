//! How a line becomes an answer.

use serde_json::json;

use super::asker::Chat;
use super::choices::{self, Settled};
use super::line::{Intent, Understood, Verb};
use super::registry;
use super::reply::Reply;
use super::verbs::VERBS;
use crate::app::{App, DeliveryId, Failure};
use crate::domain::Principal;
use crate::domain::permission::{self, Who};
use crate::slack::inbound::SlashCommand;
use crate::slack::markup;

pub async fn slash(app: &App, command: &SlashCommand) -> Reply {
    let chat = Chat {
        app,
        user: &command.user_id,
        standing: app.met(&command.user_id, None).await,
        channel: Some(&command.channel_id),
        delivery: (!command.trigger_id.is_empty()).then(|| DeliveryId(format!("command/{}", command.trigger_id))),
    };
    chat.line(&command.text).await
}

impl Chat<'_> {
    /// A line that somebody typed or chose by a button.
    pub async fn line(&self, text: &str) -> Reply {
        let text = &markup::plain(text);
        let understood = match registry::parse(text, self.clock()) {
            Ok(understood) => understood,
            Err(unclear) if unclear.is_no_verb => return self.no_verb(text, unclear).await,
            Err(unclear) => return choices::unclear(&unclear),
        };
        let result = match self.settled(understood).await {
            Ok(Settled::Sure(understood)) => self.carry_out(understood).await,
            Ok(Settled::Asked(question)) => Ok(question),
            Err(failure) => Err(failure),
        };
        match result {
            Ok(reply) => reply,
            Err(Failure::WhichIncident) => self.which_incident(text).await,
            Err(failure) => Reply::words(&failure.to_string()),
        }
    }

    pub async fn carry_out(&self, understood: Understood) -> Result<Reply, Failure> {
        let Understood { named, intent, .. } = understood;
        let incident = named.in_front();
        match intent {
            Intent::Command(command) => {
                let uid = self.target(incident).await?;
                self.act(&uid, *command).await
            }
            Intent::Ask(form, words) => self.ask(incident, form, &words).await,
            Intent::Act(may, act) => {
                self.may(may, None)?;
                act(self, incident).await
            }
            Intent::Help(topic) => Ok(self.help(topic.as_deref()).await),
            Intent::Permissions => self.permissions(),
        }
    }

    /// How verbs are used: those about a topic, or all verbs.
    async fn help(&self, topic: Option<&str>) -> Reply {
        let topic = topic.map(str::to_lowercase);
        let fits = |verb: &&&'static Verb| {
            topic.as_deref().is_none_or(|topic| {
                verb.words.contains(&topic) || verb.help.contains(topic) || verb.usage().contains(topic)
            })
        };
        let mut verbs: Vec<_> = VERBS.iter().filter(fits).collect();
        let unknown = topic.as_ref().filter(|_| verbs.is_empty());
        if unknown.is_some() {
            verbs = VERBS.iter().collect();
        }
        let verbs: Vec<_> = verbs
            .into_iter()
            .map(|verb| json!({"use": format!("/incident {}", verb.usage()), "what": verb.help}))
            .collect();
        let here = self.incident(None).await.ok().map(|incident| incident.name());
        self.app.shown("help", &json!({"verbs": verbs, "here": here, "unknown": unknown}), &[]).into()
    }

    /// The table of who may do what.
    fn permissions(&self) -> Result<Reply, Failure> {
        self.may(permission::Verb::Read, None)?;
        let rules = &self.app.policy.permissions;
        let rows: Vec<_> = [Who::Everyone, Who::Team, Who::Responders, Who::Commander, Who::Admins]
            .into_iter()
            .filter_map(|who| {
                let verbs: Vec<_> = permission::Verb::of_people()
                    .filter(|verb| rules.who(*verb) == who)
                    .map(permission::Verb::as_str)
                    .collect();
                (!verbs.is_empty()).then(|| json!({"who": who.as_str(), "verbs": verbs}))
            })
            .collect();
        let person = |one: &Principal| json!({"id": one.person(), "name": self.app.name(one.as_str())});
        let admins: Vec<_> = rules.admins.iter().map(person).collect();
        Ok(self.app.shown("who", &json!({"rows": rows, "admins": admins}), &[]).into())
    }
}
