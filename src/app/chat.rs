//! What people do in Slack, turned into commands, and the answer that only they see. A modal to be opened comes back as a
//! value: opening it is the one call that a handler makes itself, since its trigger lives three seconds.

mod events;
mod forms;
mod presses;
mod triage;

use std::collections::BTreeMap;

use serde_json::json;

use super::job::Job;
use super::queries::Filter;
use super::{App, Asked, DeliveryId, Failure};
use crate::domain::permission::{Standing, Verb, allowed};
use crate::domain::runbook::Runbook;
use crate::domain::timeline::{sentence, stamp};
use crate::domain::{Actor, Command, Decision, Refusal};
use crate::messages::{Button, Modal, Rendered, escape, views};
use crate::slack::inbound::SlashCommand;
use crate::slack::slash::{self, Intent, Question, VERBS, Which};

/// What goes back to the one who asked.
pub enum Reply {
    /// Words only they see; in the answer to a slash command.
    Say(Box<Rendered>),
    /// Words only they see, where there is no such answer; to be whispered.
    Whisper(String, Vec<Button>),
    /// A form.
    Open(Box<Modal>),
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

/// Our own sentences carry `code`; everything else in them is literal.
fn sentence_markdown(text: &str) -> String {
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
        let intent = match slash::parse(&command.text, self.now()) {
            Ok(intent) => intent,
            Err(unclear) => return Reply::words(&unclear.to_string()),
        };
        self.intend(intent, &caller).await.unwrap_or_else(|failure| Reply::words(&failure.to_string()))
    }

    /// What we know of somebody; somebody unknown is asked for.
    async fn met(&self, user: &str, team: Option<&str>) -> Standing {
        let standing = self.standing(user, team);
        if standing == Standing::Unknown
            && let Err(failure) = self.enqueue(&format!("meet-{user}"), Job::MeetPerson { id: user.to_owned() }).await
        {
            tracing::warn!(user, error = %failure, "cannot ask Slack who somebody is");
        }
        standing
    }

    fn may_read(&self, caller: &Caller<'_>) -> Result<(), Failure> {
        if allowed(caller.standing, Verb::Read) {
            return Ok(());
        }
        Err(Refusal::NotAllowed { verb: Verb::Read, standing: caller.standing }.into())
    }

    async fn intend(&self, intent: Intent, caller: &Caller<'_>) -> Result<Reply, Failure> {
        match intent {
            Intent::Do { command, .. } if matches!(*command, Command::Declare { .. }) => {
                self.act(None, &command, caller).await
            }
            Intent::Do { incident, command } => {
                let uid = self.target(incident, caller)?;
                self.act(Some(&uid), &command, caller).await
            }
            Intent::Ask { incident, modal } => {
                let uid = match modal {
                    Question::Declare => None,
                    _ => Some(self.target(incident, caller)?),
                };
                self.ask(uid.as_deref(), modal, caller)
            }
            Intent::Runbook { incident, name } => {
                let uid = self.target(incident, caller)?;
                let runbook = self.runbook(&name)?.clone();
                let command =
                    Command::AttachRunbook { runbook, because: format!("{} asked for it", self.name(caller.user)) };
                self.act(Some(&uid), &command, caller).await
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
            Intent::List(which) => {
                self.may_read(caller)?;
                let (title, filter) = match which {
                    Which::Open => ("Open incidents", Filter { open: true, ..Filter::default() }),
                    Which::Mine => (
                        "Your open incidents",
                        Filter { open: true, person: Some(caller.user.to_owned()), ..Filter::default() },
                    ),
                    Which::All => ("The latest incidents", Filter::default()),
                };
                let page = self.list(&filter, None, 20)?;
                let names = |id: &str| self.name(id);
                Ok(Reply::Say(Box::new(views::list(&self.templates, title, &page.incidents, &names, self.now()))))
            }
            Intent::Show(number) => {
                self.may_read(caller)?;
                let uid = self.target(number, caller)?;
                self.show(&uid)
            }
            Intent::Asset(name) => {
                self.may_read(caller)?;
                let shown = self.meant(&name)?;
                Ok(Reply::Say(Box::new(views::plain_view(&self.templates, "asset", &self.asset_page(&shown)?))))
            }
            Intent::Impact { asset: Some(name), .. } => {
                self.may_read(caller)?;
                let shown = self.meant(&name)?;
                Ok(Reply::Say(Box::new(Rendered::new(&self.asset_impact(&shown), &[]))))
            }
            Intent::Impact { incident, asset: None } => {
                self.may_read(caller)?;
                let uid = self.target(incident, caller)?;
                let (markdown, buttons) = self.impact_words(&uid)?;
                Ok(Reply::Say(Box::new(Rendered::new(&markdown, &buttons))))
            }
            Intent::Stats => self.stats_said(caller),
            Intent::Merge { incident, into } => {
                let uid = self.target(incident, caller)?;
                let command = Command::Merge { into: self.open_uid(into)?, name: format!("INC-{into}") };
                self.act(Some(&uid), &command, caller).await
            }
            Intent::Alerts(incident) => {
                self.may_read(caller)?;
                let uid = self.target(incident, caller)?;
                self.alerts_said(&uid)
            }
            Intent::Move { incident, alert, to } => {
                let uid = self.target(incident, caller)?;
                let id = self
                    .alerts_in_order(&uid)?
                    .into_iter()
                    .nth(alert.wrapping_sub(1))
                    .map(|alert| alert.id)
                    .unwrap_or_default();
                let to = to.map(|to| Ok::<_, Failure>((self.open_uid(to)?, format!("INC-{to}")))).transpose()?;
                self.act(Some(&uid), &Command::MoveAlert { alert: id, to }, caller).await
            }
            Intent::Silence { matcher, until, reason } => self.silence_said(matcher, until, &reason, caller).await,
            Intent::Silences => self.silences_said(caller),
            Intent::Unsilence(number) => self.unsilence_said(number, caller).await,
            Intent::Help(topic) => {
                let topic = topic.map(|topic| topic.to_lowercase());
                let matching: Vec<_> = VERBS
                    .iter()
                    .filter(|(use_, _)| topic.as_ref().is_none_or(|topic| use_.starts_with(topic.as_str())))
                    .collect();
                let verbs = if matching.is_empty() { VERBS.iter().collect() } else { matching };
                let verbs: Vec<_> = verbs
                    .into_iter()
                    .map(|(use_, what)| json!({"use": format!("/incident {use_}"), "what": what}))
                    .collect();
                Ok(Reply::Say(Box::new(views::plain_view(&self.templates, "help", &json!({"verbs": verbs})))))
            }
        }
    }

    /// The incident that is meant: the one named, else the channel's.
    fn target(&self, number: Option<u64>, caller: &Caller<'_>) -> Result<String, Failure> {
        if let Some(number) = number {
            return self.uid_of_number(number);
        }
        let here = caller.channel.map(|channel| self.uid_of_channel(channel)).transpose()?.flatten();
        here.ok_or_else(|| {
            Failure::NotFound(
                "This is not an incident's channel, so say which incident you mean: `/incident INC-12 ack`. `/incident list` shows what is open."
                    .to_owned(),
            )
        })
    }

    async fn act(&self, uid: Option<&str>, command: &Command, caller: &Caller<'_>) -> Result<Reply, Failure> {
        let decision = self.decide_for(uid, command, caller).await?;
        Ok(Reply::words(&self.told(&decision)))
    }

    async fn decide_for(&self, uid: Option<&str>, command: &Command, caller: &Caller<'_>) -> Result<Decision, Failure> {
        let asked = Asked {
            actor: Actor::Person { id: caller.user.to_owned() },
            standing: caller.standing,
            delivery: caller.delivery.clone(),
            also: Vec::new(),
        };
        self.execute(uid, command, asked).await
    }

    /// A decision in a sentence for the one who asked.
    fn told(&self, decision: &Decision) -> String {
        let name = |id: &String| self.name(id);
        let sentences: Vec<_> = decision.entries.iter().filter_map(|entry| sentence(entry, &name)).collect();
        let incident = decision.case.incident.name();
        match sentences.split_first() {
            Some((first, _)) => format!("{incident}: {first}."),
            None if decision.effects.is_empty() => format!("{incident}: nothing changed."),
            None => format!("{incident}: done; it shows in a moment."),
        }
    }

    fn runbook(&self, name: &str) -> Result<&Runbook, Failure> {
        self.library.find(name).ok_or_else(|| {
            let ids: Vec<_> = self.library.all().map(|book| format!("`{}`", book.head.id)).collect();
            Failure::NotFound(format!(
                "There is no runbook “{name}”, or more than one fits. There are: {}.",
                ids.join(", ")
            ))
        })
    }

    /// What an incident reaches, in full, with buttons to tell them.
    fn impact_words(&self, uid: &str) -> Result<(String, Vec<Button>), Failure> {
        let incident = self.incident(uid)?.ok_or_else(|| Failure::NotFound("There is no such incident.".to_owned()))?;
        let judged = self.judge(&incident);
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

    fn show(&self, uid: &str) -> Result<Reply, Failure> {
        let Some(incident) = self.incident(uid)? else {
            return Err(Failure::NotFound("There is no such incident.".to_owned()));
        };
        let names = |id: &str| self.name(id);
        let name = |id: &String| self.name(id);
        let lines: Vec<_> = self
            .latest_entries(&incident, 15)?
            .iter()
            .filter_map(|entry| Some(json!({"at": stamp(entry.at), "text": sentence(entry, &name)?})))
            .collect();
        let tasks: Vec<_> = self
            .tasks(uid)?
            .into_iter()
            .map(|task| {
                json!({
                    "number": task.number, "text": task.text, "done": task.done_at.is_some(),
                    "assignee": task.assignee.as_ref().map(|id| json!({"id": id, "name": self.name(id)})),
                    "due": task.due.map(|due| due.format("%Y-%m-%d").to_string()),
                })
            })
            .collect();
        let view = json!({"incident": views::incident(&incident, &names, self.now()), "lines": lines, "tasks": tasks});
        Ok(Reply::Say(Box::new(views::plain_view(&self.templates, "show", &view))))
    }
}
