//! The card that asks whether an alert is an incident: its buttons, and the form that attaches the alert. The form that silences it is with the
//! verb `silence`.

use serde_json::{Value, json};

use super::asker::Chat;
use super::questions::{Asked, FormSpec, Instead, Questions, Sent, Unsent, chosen, form};
use super::reply::Reply;
use crate::app::decided::Decided;
use crate::app::queries::Filter;
use crate::app::{App, Change, Failure, RequestMeta};
use crate::domain::permission::{Standing, Verb};
use crate::domain::reason::JoinReason;
use crate::domain::suppression::SuppressedAlert;
use crate::domain::{ChannelId, Command, Decision, IncidentId};
use crate::records::outbox::Job;
use crate::render::{Form, ModalInput, Triage};
use crate::slack::inbound::View;
use crate::store::Batch;

/// The card that asks about an alert. It is settled once somebody decides.
pub(crate) struct TriageCard {
    pub channel: ChannelId,
    /// Empty if it was not pressed in a message.
    pub ts: String,
    pub alert: String,
}

impl TriageCard {
    /// The words by which a form remembers it. Ids of alerts may contain spaces, so they come last.
    pub(crate) fn written(&self) -> String {
        format!("{} {} {}", self.channel, self.ts, self.alert)
    }

    pub(crate) fn read(words: &str) -> Option<Self> {
        let mut parts = words.splitn(3, ' ').map(str::to_owned);
        Some(Self { channel: parts.next()?.into(), ts: parts.next()?, alert: parts.next()? })
    }
}

impl Chat<'_> {
    /// Somebody pressed a button of the card.
    pub(crate) async fn triage_pressed(&self, what: Triage, card: &TriageCard) -> Result<Reply, Failure> {
        self.may(Verb::Triage, None)?;
        let (suppressed, _) = self.app.suppressed(&card.alert).await?;
        match what {
            Triage::Open => {
                let correlated = self.app.open_suppressed(&card.alert).await?;
                self.settle(card, &suppressed, json!({"outcome": "opened", "incident": correlated.incident})).await?;
                Ok(Reply::Nothing)
            }
            Triage::Dismiss => {
                self.app.dismiss_suppressed(&card.alert).await?;
                self.settle(card, &suppressed, json!({"outcome": "dismissed"})).await?;
                Ok(Reply::Nothing)
            }
            Triage::Attach => self.ask(None, Form::TriageAttach, &card.written()).await,
            Triage::Silence => self.ask(None, Form::TriageSilence, &card.written()).await,
        }
    }

    /// Shows on the card what became of the alert, and who decided.
    pub(crate) async fn settle(
        &self,
        card: &TriageCard,
        suppressed: &SuppressedAlert,
        mut view: Value,
    ) -> Result<(), Failure> {
        if card.ts.is_empty() {
            return Ok(());
        }
        view["title"] = suppressed.signal.title.as_str().into();
        view["by"] = self.app.name(self.user).into();
        let markdown = self.app.templates.render("triage_settled", &view);
        let job = Job::Replace { channel: card.channel.clone(), ts: card.ts.clone(), markdown };
        self.app.enqueue(&self.app.errand(), job).await
    }
}

/// The form that attaches an alert to an incident.
pub(crate) static FORM: FormSpec = form!(Instead::Nothing, "incident", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let (chat, card) = (asked.chat, asked.about(TriageCard::read)?);
    chat.may(Verb::Triage, None)?;
    // A real alert is for everybody. In a drill or a private incident, others would not see it.
    let mut open = chat.visible(&Filter { open: true, ..Filter::default() }, 100).await?;
    open.retain(|incident| !incident.is_apart());
    if open.is_empty() {
        return Err(Failure::NotFound("There is no open incident to attach it to.".to_owned()));
    }
    let options = open.iter().map(|one| (one.uid.to_string(), format!("{}: {}", one.name(), one.title))).collect();
    let (id, label) = ("incident", "Which incident is it part of?");
    let inputs = vec![ModalInput::Choice { id, label, options, initial: None }];
    Ok(Questions::apart(card.written(), "Attach the alert", "Attach", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let (chat, card) = (asked.chat, asked.about(TriageCard::read)?);
    chat.may(Verb::Triage, None)?;
    chat.app.suppressed(&card.alert).await?;
    let uid = chosen(view, "incident", |uid| Some(IncidentId::from(uid)))?;
    // While the form was open, the incident may have ended or become private.
    let incident = chat.app.incident(&uid).await?;
    let fits = incident.is_some_and(|incident| incident.status.is_open() && !incident.is_apart());
    if !fits || !chat.app.may_see(&uid, chat.user).await? {
        return Err(Unsent::Mistake(
            "incident",
            "The alert cannot join this incident any more. Choose another.".to_owned(),
        ));
    }
    let because = JoinReason::Attached { by: chat.user.to_owned() };
    let turn = chat.app.turn(&uid);
    let _turn = turn.lock().await;
    let (suppressed, decision) =
        chat.app.make(&Attaching { suppressed: &card.alert, uid: &uid, because, chat }).await?;
    let outcome = json!({"outcome": "attached", "incident": decision.case.incident.name()});
    chat.settle(&card, &suppressed, outcome).await?;
    Ok(Reply::Nothing)
}

/// Somebody attaches a suppressed alert to an incident, which settles it.
struct Attaching<'a> {
    suppressed: &'a str,
    uid: &'a IncidentId,
    because: JoinReason,
    chat: &'a Chat<'a>,
}

impl Change for Attaching<'_> {
    type Outcome = (SuppressedAlert, Decision);

    async fn decide(&self, app: &App) -> Result<(Batch, Self::Outcome), Failure> {
        let (suppressed, settles) = app.suppressed(self.suppressed).await?;
        let (signal, because) = (suppressed.signal.clone(), self.because.clone());
        // The person's permission was checked before. Joining is the monitor's verb.
        let request = RequestMeta { standing: Standing::Monitor, also: settles, ..self.chat.request() };
        let command = Command::Receive { signal, known: None, because, quiet: false };
        let joins = Decided { uid: self.uid, command: &command, request: &request };
        let (batch, decision) = joins.decide(app).await?;
        Ok((batch, (suppressed, decision)))
    }
}
