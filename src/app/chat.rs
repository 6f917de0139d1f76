//! What people do in Slack, turned into commands, and the answer that only they see. A modal to be opened comes back as a
//! value: opening it is the one call that a handler makes itself, since its trigger lives three seconds.

mod choices;
mod events;
mod forms;
mod presses;
mod reading;
mod suppression;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

pub(super) use reading::median_taken;

use super::{App, DeliveryId, Failure, RequestMeta};
use crate::domain::command::{Declaration, Opening};
use crate::domain::decide::permitted;
use crate::domain::permission::{Standing, Verb};
use crate::domain::reason::RunbookReason;
use crate::domain::runbook::Runbook;
use crate::domain::{Actor, Command, Decision, Incident};
use crate::records::Open;
use crate::records::outbox::{EntryId, Job};
use crate::render::{Button, Modal, Rendered, escape, timeline, views};
use crate::slack::inbound::SlashCommand;
use crate::slack::markup;
use crate::slack::slash::{self, Intent, Question};
use crate::store::{Batch, Expect, Id};

/// What goes back to the one who asked.
pub enum Reply {
    /// Words only they see; in the answer to a slash command.
    Say(Box<Rendered>),
    /// Words only they see, where there is no such answer; to be whispered.
    Ephemeral(String, Vec<Button>),
    /// A form.
    Open(Box<Modal>),
    /// Another form in the place of the one that was sent.
    Instead(Box<Modal>),
    /// Mistakes in a form, by question.
    Mistakes(BTreeMap<String, String>),
    /// Nothing; the change shows.
    Nothing,
}

impl Reply {
    fn words(text: &str) -> Self {
        Self::Say(Box::new(Rendered::sentence(&sentence_markdown(text))))
    }
}

impl From<Rendered> for Reply {
    fn from(message: Rendered) -> Self {
        Self::Say(Box::new(message))
    }
}

/// Our own sentences carry `code`; everything else in them is literal.
pub(crate) fn sentence_markdown(text: &str) -> String {
    text.split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 && !part.is_empty() { format!("`{part}`") } else { keep_spaces(part) })
        .collect()
}

/// [`escape`] trims; between two pieces of code the blanks matter.
fn keep_spaces(part: &str) -> String {
    let start = if part.starts_with(' ') { " " } else { "" };
    let end = if part.len() > 1 && part.ends_with(' ') { " " } else { "" };
    format!("{start}{}{end}", escape(part))
}

/// Who did it, where.
struct Caller<'a> {
    user: &'a str,
    standing: Standing,
    channel: Option<&'a str>,
    delivery: Option<DeliveryId>,
}

impl App {
    /// A slash command.
    pub async fn slash(&self, command: &SlashCommand) -> Reply {
        let caller = Caller {
            user: &command.user_id,
            standing: self.met(&command.user_id, None).await,
            channel: Some(&command.channel_id),
            delivery: (!command.trigger_id.is_empty()).then(|| DeliveryId(format!("command/{}", command.trigger_id))),
        };
        self.line(&command.text, &caller).await
    }

    /// A line somebody typed, or chose by a button.
    async fn line(&self, text: &str, caller: &Caller<'_>) -> Reply {
        let text = &markup::plain(text);
        let intent = match slash::parse(text, self.now()) {
            Ok(intent) => intent,
            Err(unclear) => return self.unclear(&unclear),
        };
        match self.intend(intent, caller).await {
            Ok(reply) => reply,
            Err(Failure::WhichIncident) => self.which_incident(text, caller).await,
            Err(failure) => Reply::words(&failure.to_string()),
        }
    }

    /// What we know of somebody; somebody unknown is asked for.
    pub(super) async fn met(&self, user: &str, team: Option<&str>) -> Standing {
        let standing = self.standing(user, team);
        if standing == Standing::Unknown
            && !user.is_empty()
            && let Err(failure) = self.enqueue(&EntryId::meet(user), Job::MeetPerson { id: user.to_owned() }).await
        {
            tracing::warn!(user, error = %failure, "cannot ask Slack who somebody is");
        }
        standing
    }

    /// Whether somebody may do something; checked where it is done, too.
    fn may(&self, verb: Verb, caller: &Caller<'_>, incident: Option<&Incident>) -> Result<(), Failure> {
        let person = caller.user.to_owned();
        Ok(permitted(verb, caller.standing, Some(&person), incident, &self.policy, self)?)
    }

    fn may_read(&self, caller: &Caller<'_>) -> Result<(), Failure> {
        self.may(Verb::Read, caller, None)
    }

    async fn intend(&self, intent: Intent, caller: &Caller<'_>) -> Result<Reply, Failure> {
        match intent {
            Intent::Declare(declaration, anyway) => self.declare_said(*declaration, anyway, caller).await,
            Intent::Do { incident, command } => {
                let uid = self.target(incident, caller).await?;
                self.act(&uid, &command, caller).await
            }
            Intent::Ask { incident, modal } => {
                let uid = match modal {
                    Question::Declare => None,
                    _ => Some(self.target(incident, caller).await?),
                };
                self.ask(uid.as_deref(), &modal, caller).await
            }
            Intent::Runbook { incident, name } => {
                let uid = self.target(incident, caller).await?;
                let runbook = self.runbook(&name)?.clone();
                let command =
                    Command::AttachRunbook { runbook, because: RunbookReason::Asked { by: caller.user.to_owned() } };
                self.act(&uid, &command, caller).await
            }
            Intent::Runbooks => {
                self.may_read(caller)?;
                let books: Vec<_> = self
                    .library
                    .all()
                    .map(|book| json!({"id": book.head.id, "title": book.head.title, "owner": book.head.owner}))
                    .collect();
                Ok(Reply::Say(Box::new(views::plain_view(&self.templates, "runbooks", &json!({"books": books})))))
            }
            Intent::List(search) => self.list_said(&search, caller).await,
            Intent::Listed { incident, what, page } => {
                self.may_read(caller)?;
                self.listed_said(&self.target(incident, caller).await?, what, page).await
            }
            Intent::Amend { incident, line, text, at } => {
                let uid = self.target(incident, caller).await?;
                let line = self
                    .entries(&uid, line.saturating_sub(1), 1)
                    .await?
                    .into_iter()
                    .next()
                    .filter(|one| one.seq == line);
                let Some(line) = line else {
                    return Err(Failure::NotFound(
                        "There is no such line. `/incident timeline` numbers them.".to_owned(),
                    ));
                };
                self.act(&uid, &Command::Amend { line: Box::new(line), text, at }, caller).await
            }
            Intent::TakeTask { incident, task } => {
                let uid = self.target(incident, caller).await?;
                let command = Command::AssignTask { task, assignee: caller.user.to_owned() };
                self.act(&uid, &command, caller).await
            }
            Intent::Brief(number) => self.brief_said(&self.target(number, caller).await?, caller).await,
            Intent::RoleCard { incident, role } => {
                self.role_said(&self.target(incident, caller).await?, role, caller).await
            }
            Intent::OnCall(service) => self.on_call_said(service.as_deref(), caller),
            Intent::Follow { of, on } => self.follow_said(&of, on, caller).await,
            Intent::Who => self.who_may(caller),
            Intent::LinkAddress(address) => {
                self.may_read(caller)?;
                self.link_address(caller.user, &address).await?;
                Ok(Reply::words(&format!(
                    "{address} is you in PagerDuty from now on: on schedules, and when somebody pages you."
                )))
            }
            Intent::Link(number) => {
                let uid = self.target(number, caller).await?;
                let channel = caller.channel.unwrap_or_default().to_owned();
                if self.at_home_in(&channel).await?.is_some_and(|other| other != uid) {
                    return Err(Failure::Invalid(
                        "This is the channel of another incident. Type it in a channel of none.".to_owned(),
                    ));
                }
                self.act(&uid, &Command::Link { channel }, caller).await
            }
            Intent::Show(number) => {
                self.may_read(caller)?;
                let uid = self.target(number, caller).await?;
                self.show(&uid).await
            }
            Intent::Asset(name) => {
                self.may_read(caller)?;
                let shown = self.meant(&name)?;
                Ok(self.asset_card(&shown).await?.into())
            }
            Intent::Impact { asset: Some(name), .. } => {
                self.may_read(caller)?;
                let shown = self.meant(&name)?;
                Ok(Reply::Say(Box::new(Rendered::new(&self.asset_impact(&shown), &[]))))
            }
            Intent::Impact { incident, asset: None } => {
                self.may_read(caller)?;
                let uid = self.target(incident, caller).await?;
                let (markdown, buttons) = self.impact_words(&uid).await?;
                Ok(Reply::Say(Box::new(Rendered::new(&markdown, &buttons))))
            }
            Intent::Stats(since) => self.stats_said(since, caller).await,
            Intent::Sla { incident, asset } => self.sla_said(incident, asset.as_deref(), caller).await,
            Intent::Merge { incident, into } => {
                let uid = self.target(incident, caller).await?;
                let other = self.open_uid(into, caller).await?;
                self.may_hold(&uid, &other).await?;
                // It must still be open when this one goes into it, or both could end in each other.
                let open = Id::<Open>::of(into);
                let ver = self.store.get(&open).await?.map(|rec| rec.ver).unwrap_or_default();
                let mut still = Batch::new();
                still.check(&open, Expect::Ver(ver));
                let command = Command::Merge { into: other, name: format!("INC-{into}") };
                let asked = RequestMeta { also: still, ..self.asked_by(caller) };
                match self.execute(&uid, &command, asked).await {
                    Ok(decision) => Ok(Reply::words(&self.told(&decision))),
                    // It ended a moment ago.
                    Err(failure) => self.open_uid(into, caller).await.and(Err(failure)),
                }
            }
            Intent::Move { incident, alert, to } => {
                let uid = self.target(incident, caller).await?;
                let id = self
                    .alerts_in_order(&uid)
                    .await?
                    .into_iter()
                    .nth(alert.wrapping_sub(1))
                    .map(|alert| alert.id)
                    .unwrap_or_default();
                let to = match to {
                    Some(to) => Some((self.open_uid(to, caller).await?, format!("INC-{to}"))),
                    None => None,
                };
                if let Some((to, _)) = &to {
                    self.may_hold(&uid, to).await?;
                }
                self.act(&uid, &Command::MoveAlert { alert: id, to }, caller).await
            }
            Intent::Silence { matcher, until, reason } => self.silence_said(matcher, until, &reason, caller).await,
            Intent::Silences => self.silences_said(caller),
            Intent::Unsilence(number) => self.unsilence_said(number, caller).await,
            Intent::Help(topic) => Ok(self.help(topic.as_deref(), caller).await),
        }
    }

    /// Refuses to bring what everybody follows to where nobody but its own people sees it, or what is real to where it is practised.
    async fn may_hold(&self, from: &str, into: &str) -> Result<(), Failure> {
        let (Some(from), Some(into)) = (self.incident(from).await?, self.incident(into).await?) else {
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
                "{into} is a drill, in which nobody is paged or told; nothing real goes there.",
                into = into.name()
            )));
        }
        Ok(())
    }

    /// The incident that is meant: the one named, else the channel's.
    async fn target(&self, number: Option<u64>, caller: &Caller<'_>) -> Result<String, Failure> {
        let here = match caller.channel {
            Some(channel) => self.uid_of_channel(channel).await?,
            None => None,
        };
        let Some(number) = number else {
            return here.ok_or(Failure::WhichIncident);
        };
        let uid = self.uid_of_number(number).await?;
        // Whoever is in a private incident's channel sees it; others do not even learn that there is one.
        let seen = here.as_ref() == Some(&uid) || self.may_see(&uid, caller.user).await?;
        if seen { Ok(uid) } else { Err(App::no_such(number)) }
    }

    /// Opens an incident by hand.
    async fn declare(&self, declaration: Declaration, caller: &Caller<'_>) -> Result<Decision, Failure> {
        let opening = self.as_read(&Opening::Declare(Box::new(declaration)));
        self.open(&opening, self.asked_by(caller)).await
    }

    fn asked_by(&self, caller: &Caller<'_>) -> RequestMeta {
        RequestMeta {
            actor: Actor::Person { id: caller.user.to_owned() },
            standing: caller.standing,
            delivery: caller.delivery.clone(),
            also: Batch::new(),
        }
    }

    async fn act(&self, uid: &str, command: &Command, caller: &Caller<'_>) -> Result<Reply, Failure> {
        let decision = self.decide_for(uid, command, caller).await?;
        Ok(Reply::words(&self.told(&decision)))
    }

    async fn decide_for(&self, uid: &str, command: &Command, caller: &Caller<'_>) -> Result<Decision, Failure> {
        for person in command.gives_to() {
            self.met(person, None).await;
        }
        self.execute(uid, &self.as_read(command), self.asked_by(caller)).await
    }

    /// What people say, with names in the place of Slack's ids.
    fn as_read<T: Clone + Serialize + DeserializeOwned>(&self, asked: &T) -> T {
        let mut said = serde_json::to_value(asked).unwrap_or_default();
        markup::named_in(&mut said, &|id| self.name(id));
        serde_json::from_value(said).unwrap_or_else(|_| asked.clone())
    }

    /// A decision in a sentence for the one who asked.
    fn told(&self, decision: &Decision) -> String {
        let names = |id: &str| self.name(id);
        let first = decision.entries.iter().find_map(|entry| timeline::sentence(&self.templates, entry, &names));
        let incident = decision.case.incident.name();
        match first {
            Some(first) => format!("{incident}: {first}."),
            None if decision.effects.is_empty() => format!("{incident}: nothing changed."),
            None => format!("{incident}: done; it shows in a moment."),
        }
    }

    fn runbook(&self, name: &str) -> Result<&Runbook, Failure> {
        self.library.find(name).ok_or_else(|| {
            let ids: Vec<_> = self.library.all().map(|book| format!("`{}`", book.head.id)).collect();
            Failure::NotFound(format!(
                "There is no runbook “{name}”, or more than one fits. There are: {ids}.",
                ids = ids.join(", ")
            ))
        })
    }

    /// What an incident reaches, in full, with buttons to tell them.
    async fn impact_words(&self, uid: &str) -> Result<(String, Vec<Button>), Failure> {
        let incident =
            self.incident(uid).await?.ok_or_else(|| Failure::NotFound("There is no such incident.".to_owned()))?;
        let judged = self.judge(&incident).await?;
        let view = views::impact(&incident.name(), &judged.candidates, &judged.impact, &judged.unknown);
        let mut buttons = Vec::new();
        if incident.status.is_open() && !judged.impact.teams.is_empty() {
            buttons.push(Button::new("notify:downstream", "Tell consumers", &incident.name()).primary());
        }
        if incident.status.is_open() && !judged.producers.teams.is_empty() {
            buttons.push(Button::new("notify:upstream", "Tell owners upstream", &incident.name()));
        }
        Ok((self.templates.render("impact", &view), buttons))
    }

    /// What an asset reaches.
    fn asset_impact(&self, shown: &str) -> String {
        let impact = self.impact_of(shown);
        self.templates.render("impact", &views::impact(shown, &[], &impact, &[]))
    }
}
