//! The card that asks whether an alert is an incident: its buttons and forms.

use serde_json::json;

use super::asker::Chat;
use super::forms::modal;
use super::questions::Questions;
use super::reply::Reply;
use super::verbs::silence;
use super::when::{self, Toward};
use crate::app::decided::Decided;
use crate::app::queries::Filter;
use crate::app::{App, Change, Failure, RequestMeta};
use crate::domain::matcher::Matcher;
use crate::domain::permission::{Standing, Verb};
use crate::domain::reason::JoinReason;
use crate::domain::suppression::SuppressedAlert;
use crate::domain::times::stamp;
use crate::domain::{Command, Decision, IncidentId};
use crate::records::outbox::Job;
use crate::render::{Form, ModalInput, Triage, TriageCard, sentence_markdown};
use crate::slack::inbound::View;
use crate::store::Batch;

impl Chat<'_> {
    /// Somebody pressed a button of the card.
    pub async fn triage_pressed(&self, what: Triage, card: TriageCard) -> Result<Reply, Failure> {
        self.may(Verb::Triage, None)?;
        let (held, _) = self.app.suppressed(&card.alert).await?;
        let (form, questions) = match what {
            Triage::Open => {
                let placed = self.app.open_suppressed(&card.alert).await?;
                let words =
                    placed.incident.map_or_else(|| "is settled".to_owned(), |incident| format!("is {incident}"));
                self.settle(&card, "🚨", &held, &words).await?;
                return Ok(Reply::Nothing);
            }
            Triage::Dismiss => {
                self.app.dismiss_suppressed(&card.alert).await?;
                self.settle(&card, "👌", &held, "is not a problem").await?;
                return Ok(Reply::Nothing);
            }
            Triage::Attach => (Form::TriageAttach(card), self.attach_form().await?),
            Triage::Silence => (Form::TriageSilence(card), silence::form(&held)),
        };
        Ok(Reply::Open(Box::new(modal(&form, None, questions))))
    }

    async fn attach_form(&self) -> Result<Questions, Failure> {
        // A real alert is for everybody. In a drill or a private incident, others would not see it.
        let mut open = self.visible(&Filter { open: true, ..Filter::default() }, 100).await?;
        open.retain(|incident| !incident.is_apart());
        if open.is_empty() {
            return Err(Failure::NotFound("There is no open incident to attach it to.".to_owned()));
        }
        let options = open.iter().map(|one| (one.uid.to_string(), format!("{}: {}", one.name(), one.title))).collect();
        let (id, label) = ("incident", "Which incident is it part of?");
        let inputs = vec![ModalInput::Choice { id, label, options, initial: None }];
        Ok(Questions { title: "Attach the alert", submit: "Attach", inputs })
    }

    /// Somebody sent the form that attaches an alert to an incident.
    pub async fn attach_sent(&self, card: &TriageCard, view: &View) -> Result<Reply, Failure> {
        self.may(Verb::Triage, None)?;
        if let Err(failure) = self.app.suppressed(&card.alert).await {
            return Ok(Reply::mistake("incident", failure.to_string()));
        }
        let Some(uid) = view.choice("incident").map(IncidentId::from) else {
            return Ok(Reply::mistake("incident", "Choose one."));
        };
        // The incident may have ended while the form was open.
        let incident = self.app.incident(&uid).await?;
        let open = incident.is_some_and(|incident| incident.status.is_open() && !incident.is_apart());
        if !open || !self.app.may_see(&uid, self.user).await? {
            return Ok(Reply::mistake("incident", "This incident is over by now; choose another."));
        }
        let because = JoinReason::Attached { by: self.user.to_owned() };
        let turn = self.app.turn(&uid);
        let _turn = turn.lock().await;
        let (held, decision) = self.app.make(&Attaching { held: &card.alert, uid: &uid, because, chat: self }).await?;
        let words = format!("is part of {}", decision.case.incident.name());
        self.settle(card, "📎", &held, &words).await?;
        Ok(Reply::Nothing)
    }

    /// Somebody sent the form that silences similar alerts.
    pub async fn silence_sent(&self, card: &TriageCard, view: &View) -> Result<Reply, Failure> {
        self.may(Verb::Triage, None)?;
        let held = match self.app.suppressed(&card.alert).await {
            Ok((held, _)) => held,
            Err(failure) => return Ok(Reply::mistake("text", failure.to_string())),
        };
        let matcher = match Matcher::parse(&view.text("matcher").unwrap_or_default()) {
            Ok(matcher) => matcher,
            Err(error) => return Ok(Reply::mistake("matcher", error.to_string())),
        };
        let until = view.text("until").unwrap_or_default();
        let Some(until) = when::parse(&until, self.app.now(), Toward::Future) else {
            return Ok(Reply::mistake("until", "I do not understand this time; write 2h, 15:00 or friday."));
        };
        let silence = silence::of(self, matcher, until, view.text("text").unwrap_or_default());
        let silence = match self.app.silence(silence, Some(&card.alert), Batch::new()).await {
            Ok(silence) => silence,
            Err(failure) => return Ok(Reply::mistake("text", failure.to_string())),
        };
        let words = format!("is silenced until {} (silence {})", stamp(silence.until), silence.number);
        self.settle(card, "🔕", &held, &words).await?;
        Ok(Reply::Nothing)
    }

    /// Shows on the card what became of the alert, and who decided.
    async fn settle(&self, card: &TriageCard, mark: &str, held: &SuppressedAlert, words: &str) -> Result<(), Failure> {
        if card.ts.is_empty() {
            return Ok(());
        }
        let (title, words) = (&held.signal.title, sentence_markdown(words));
        let view = json!({"mark": mark, "title": title, "words": words, "by": self.app.name(self.user)});
        let markdown = self.app.templates.render("triage_settled", &view);
        let job = Job::Replace { channel: card.channel.clone(), ts: card.ts.clone(), markdown };
        self.app.enqueue(&self.app.errand(), job).await
    }
}

/// Somebody attaches a suppressed alert to an incident, which settles it.
struct Attaching<'a> {
    held: &'a str,
    uid: &'a IncidentId,
    because: JoinReason,
    chat: &'a Chat<'a>,
}

impl Change for Attaching<'_> {
    type Outcome = (SuppressedAlert, Decision);

    async fn decide(&self, app: &App) -> Result<(Batch, Self::Outcome), Failure> {
        let (held, settles) = app.suppressed(self.held).await?;
        let (signal, because) = (held.signal.clone(), self.because.clone());
        // The person's permission was checked before. Joining is the monitor's verb.
        let request = RequestMeta { standing: Standing::Monitor, also: settles, ..self.chat.request() };
        let command = Command::Receive { signal, known: None, because, quiet: false };
        let joins = Decided { uid: self.uid, command: &command, request: &request };
        let (batch, decision) = joins.decide(app).await?;
        Ok((batch, (held, decision)))
    }
}
