//! Silences by words, and the card that asks whether an alert is an incident: its buttons and forms.

use super::{Caller, Reply, sentence_markdown};
use crate::app::suppress::silence_line;
use crate::app::{App, Change, Failure, RequestMeta, decided};
use crate::domain::permission::{Standing, Verb};
use crate::domain::reason::JoinReason;
use crate::domain::suppression::{Matcher, Silence, SuppressedAlert};
use crate::domain::times::stamp;
use crate::domain::{Actor, Alert, Command, Decision, Time};
use crate::records::outbox::Job;
use crate::render::{Modal, ModalInput, Rendered};
use crate::slack::inbound::{Interaction, View};
use crate::slack::when::{Toward, parse as parse_when};
use crate::store::Batch;

impl App {
    fn may_triage(&self, caller: &Caller<'_>) -> Result<(), Failure> {
        self.may(Verb::Triage, caller, None)
    }

    /// The uid of an open incident.
    pub(super) async fn open_uid(&self, number: u64, caller: &Caller<'_>) -> Result<String, Failure> {
        let uid = self.uid_of_number(number).await?;
        let seen = self.may_see(&uid, caller.user).await?;
        match self.incident(&uid).await?.filter(|_| seen) {
            Some(incident) if incident.status.is_open() => Ok(uid),
            Some(incident) => Err(Failure::NotFound(format!(
                "{incident} is {status}; name one that is open. `/incident list` shows them.",
                incident = incident.name(),
                status = incident.status
            ))),
            None => Err(Self::no_such(number)),
        }
    }

    /// The alerts of an incident, in the order in which they came.
    pub(super) async fn alerts_in_order(&self, uid: &str) -> Result<Vec<Alert>, Failure> {
        let mut alerts = self.alerts(uid).await?;
        alerts.sort_by(|one, other| (one.first_seen, &one.id).cmp(&(other.first_seen, &other.id)));
        Ok(alerts)
    }

    pub(super) async fn silence_said(
        &self,
        matcher: Matcher,
        until: Time,
        reason: &str,
        caller: &Caller<'_>,
    ) -> Result<Reply, Failure> {
        self.may_triage(caller)?;
        let once = self.once(caller.delivery.as_ref());
        let (reason, owner) = (reason.to_owned(), caller.user.to_owned());
        let silence = Silence { number: 0, matcher, from: self.now(), until, reason, owner };
        let silence = self.silence(silence, None, once).await?;
        Ok(Reply::words(&format!(
            "Silence {number} holds until {until}. Alerts that it hides open an incident then, if they still fire. `/incident unsilence {number2}` ends it.",
            number = silence.number,
            until = stamp(silence.until),
            number2 = silence.number
        )))
    }

    pub(super) fn silences_said(&self, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let silences = self.silences();
        let lines: Vec<_> = silences
            .iter()
            .take(40)
            .map(|silence| format!("- {}", silence_line(silence, &self.name(&silence.owner))))
            .collect();
        let now = self.now();
        let windows = self.policy.windows.iter().filter_map(|window| {
            let until = window.holds(now)?;
            Some(format!(
                "- Maintenance **{name}** `{value}` until {until}",
                name = window.name,
                value = window.matcher.to_string().replace('`', "'"),
                until = stamp(until)
            ))
        });
        let lines: Vec<_> = lines.into_iter().chain(windows).collect();
        if lines.is_empty() {
            return Ok(Reply::words(
                "No silence holds. `/incident silence warehouse.orders* 2h backfill is running` makes one.",
            ));
        }
        Ok(Reply::Say(Box::new(Rendered::new(&format!("🔕 **Silences**\n\n{}", lines.join("\n")), &[]))))
    }

    pub(super) async fn unsilence_said(&self, number: u64, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_triage(caller)?;
        let silence = self.unsilence(number).await?;
        Ok(Reply::words(&format!(
            "Silence {number} (`{matcher}`) is over. What it hid and still fires opens an incident now.",
            matcher = silence.matcher
        )))
    }

    /// A button of a triage card. `value` is the held alert's id.
    pub(super) async fn triage_pressed(
        &self,
        interaction: &Interaction,
        action: &str,
        value: &str,
        caller: &Caller<'_>,
    ) -> Result<Reply, Failure> {
        self.may_triage(caller)?;
        let (held, _) = self.held(value).await?;
        let message = interaction.message.as_ref();
        let ts = message.and_then(|message| message["ts"].as_str()).unwrap_or_default();
        let channel = caller.channel.unwrap_or_default();
        // Ids of alerts may hold blanks, so they come last.
        let metadata = format!("{channel} {ts} {value}");
        match action {
            "triage_open" => {
                let placed = self.open_held(value).await?;
                let words = match placed.incident {
                    Some(incident) => format!("is {incident}"),
                    None => "is settled".to_owned(),
                };
                self.settle(channel, ts, "🚨", &held, &words, caller).await?;
                Ok(Reply::Nothing)
            }
            "triage_dismiss" => {
                self.dismiss_held(value).await?;
                self.settle(channel, ts, "👌", &held, "is not a problem", caller).await?;
                Ok(Reply::Nothing)
            }
            "triage_attach" => {
                let filter = crate::app::queries::Filter { open: true, ..Default::default() };
                // An alert is real and for everybody; what joined a drill or a private incident would be nobody else's.
                let mut open = self.visible(&filter, caller, 100).await?;
                open.retain(|incident| !incident.is_apart());
                if open.is_empty() {
                    return Err(Failure::NotFound("There is no open incident to attach it to.".to_owned()));
                }
                let options =
                    open.iter().map(|one| (one.uid.clone(), format!("{}: {}", one.name(), one.title))).collect();
                let input = ModalInput::Choice {
                    id: "incident",
                    label: "Which incident is it part of?",
                    options,
                    initial: None,
                };
                Ok(Reply::Open(Box::new(Modal {
                    callback: "triage_attach",
                    title: "Attach the alert",
                    submit: "Attach",
                    metadata,
                    inputs: vec![input],
                })))
            }
            "triage_silence" => {
                let about = held.signal.asset.as_ref().map_or_else(
                    || format!("key=\"{}\" source={}", held.signal.key, held.signal.source),
                    |asset| format!("asset={asset}"),
                );
                let text = |id, label, initial: String, placeholder, max| ModalInput::Text {
                    id,
                    label,
                    initial,
                    placeholder,
                    multiline: false,
                    optional: false,
                    max,
                };
                let inputs = vec![
                    text("matcher", "Which alerts?", about, "asset=warehouse.orders* pillar=freshness", 500),
                    text("until", "For how long, or until when (UTC)?", "2h".to_owned(), "2h, 15:00, friday", 40),
                    text("text", "Why?", String::new(), "backfill is running", 500),
                ];
                Ok(Reply::Open(Box::new(Modal {
                    callback: "triage_silence",
                    title: "Silence",
                    submit: "Silence",
                    metadata,
                    inputs,
                })))
            }
            _ => Ok(Reply::words("I do not know this button any more. `/incident help` lists what I can do.")),
        }
    }

    /// A form of a triage card.
    pub(super) async fn triage_sent(&self, view: &View, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_triage(caller)?;
        let mut parts = view.private_metadata.splitn(3, ' ');
        let (channel, ts, id) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mistake = |block: &str, words: &str| Ok(Reply::Mistakes([(block.to_owned(), words.to_owned())].into()));
        let (held, _) = match self.held(id).await {
            Ok(found) => found,
            Err(failure) => {
                return mistake(
                    if view.callback_id == "triage_attach" { "incident" } else { "text" },
                    &failure.to_string(),
                );
            }
        };
        if view.callback_id == "triage_attach" {
            let Some(uid) = view.choice("incident") else {
                return mistake("incident", "Choose one.");
            };
            // It may have ended while the form was open.
            let open =
                self.incident(&uid).await?.is_some_and(|incident| incident.status.is_open() && !incident.is_apart());
            if !open || !self.may_see(&uid, caller.user).await? {
                return mistake("incident", "It is over by now; choose another.");
            }
            let because = JoinReason::Attached { by: caller.user.to_owned() };
            let turn = self.turns.of(&uid);
            let _turn = turn.lock().await;
            let (held, decision) = self.make(&Attaching { held: id, uid: &uid, because, caller }).await?;
            self.settle(
                channel,
                ts,
                "📎",
                &held,
                &format!("is part of {incident}", incident = decision.case.incident.name()),
                caller,
            )
            .await?;
            return Ok(Reply::Nothing);
        }
        let matcher = match Matcher::parse(&view.text("matcher").unwrap_or_default()) {
            Ok(matcher) => matcher,
            Err(error) => return mistake("matcher", &error.to_string()),
        };
        let Some(until) = parse_when(&view.text("until").unwrap_or_default(), self.now(), Toward::Future) else {
            return mistake("until", "That is no time I understand; write 2h, 15:00 or friday.");
        };
        let (reason, owner) = (view.text("text").unwrap_or_default(), caller.user.to_owned());
        let silence = Silence { number: 0, matcher, from: self.now(), until, reason, owner };
        let silence = match self.silence(silence, Some(id), Batch::new()).await {
            Ok(silence) => silence,
            Err(failure) => return mistake("text", &failure.to_string()),
        };
        let words = format!(
            "is silenced until {until} (silence {number})",
            until = stamp(silence.until),
            number = silence.number
        );
        self.settle(channel, ts, "🔕", &held, &words, caller).await?;
        Ok(Reply::Nothing)
    }

    /// The card says what became of it, and who decided.
    async fn settle(
        &self,
        channel: &str,
        ts: &str,
        mark: &str,
        held: &SuppressedAlert,
        words: &str,
        caller: &Caller<'_>,
    ) -> Result<(), Failure> {
        if ts.is_empty() {
            return Ok(());
        }
        let view = serde_json::json!({"mark": mark, "title": held.signal.title, "words": sentence_markdown(words), "by": self.name(caller.user)});
        let markdown = self.templates.render("triage_settled", &view);
        let job = Job::Replace { channel: channel.to_owned(), ts: ts.to_owned(), markdown };
        self.enqueue(&self.errand(), job).await
    }
}

/// Somebody brings a held alert to an incident, which settles it.
struct Attaching<'a> {
    held: &'a str,
    uid: &'a str,
    because: JoinReason,
    caller: &'a Caller<'a>,
}

impl Change for Attaching<'_> {
    type Outcome = (SuppressedAlert, Decision);

    async fn decide(&self, app: &App) -> Result<(Batch, Self::Outcome), Failure> {
        let (held, settles) = app.held(self.held).await?;
        let (signal, because) = (held.signal.clone(), self.because.clone());
        let asked = RequestMeta {
            actor: Actor::Person { id: self.caller.user.to_owned() },
            // What they may do was looked at before; joining is the monitor's verb.
            standing: Standing::Monitor,
            delivery: self.caller.delivery.clone(),
            also: settles,
        };
        let command = Command::Receive { signal, known: None, because, quiet: false };
        let joins = decided::Decided { uid: self.uid, command: &command, asked: &asked };
        let (batch, decision) = joins.decide(app).await?;
        Ok((batch, (held, decision)))
    }
}
