//! Suppressed alerts: what people are told of them, and what becomes of them. When the time is over and nobody has said that the alert is over,
//! it is correlated again. Which silence or window hides an alert is decided in `domain::silence`.

use serde_json::json;

use super::correlate::Correlated;
use super::silences::MAX_SILENCE_DAYS;
use super::{App, Change, Failure};
use crate::domain::Signal;
use crate::domain::incident::Verdict;
use crate::domain::suppression::{SuppressedAlert, Suppression};
use crate::records::outbox::Job;
use crate::render::{Action, Button, Triage};
use crate::store::{Batch, Id};

impl App {
    /// What people are told when an alert is suppressed: once for each silence and window, and a card if they are asked. What they are told for
    /// the first time goes to `announced`. [`Self::remember_announced`] remembers it once it is written.
    pub(super) fn announcement_of(
        &self,
        because: &Suppression,
        signal: &Signal,
        id: &str,
        announced: &mut Vec<String>,
    ) -> Option<Job> {
        let channel = self.policy.route_of(signal).and_then(|route| route.channel.clone());
        let (once, template, buttons, view) = match because {
            Suppression::Silenced { number } => {
                let silences = self.models.silences.read();
                let silence = silences.lasting(self.now()).find(|silence| silence.number == *number)?;
                let view = json!({"number": number, "matcher": silence.matcher.to_string(), "reason": silence.reason, "until": silence.until,
                    "owner": self.name(&silence.owner), "title": signal.title, "asset": signal.asset});
                (Some(format!("silence {number}")), "silence_hides", Vec::new(), view)
            }
            Suppression::Maintenance { name } => {
                let window = self.policy.windows.iter().find(|window| window.name == *name)?;
                let until = window.holds(self.now())?;
                let view = json!({"window": name, "reason": window.reason, "until": until, "title": signal.title, "asset": signal.asset});
                (Some(format!("window {name} {until}")), "silence_hides", Vec::new(), view)
            }
            Suppression::Flapping => {
                let view = json!({"title": signal.title, "asset": signal.asset, "changes": self.config.triage.flapping_changes,
                    "minutes": self.config.triage.flapping_minutes});
                (None, "flapping", Vec::new(), view)
            }
            Suppression::AskingPerson => {
                let view = json!({"title": signal.title, "asset": signal.asset, "source": signal.source, "level": signal.level.as_str(),
                    "pillar": signal.pillar.as_str(), "at": signal.at, "description": signal.description, "url": signal.url});
                let button = |what, words| Button::new(&Action::Triage { what, alert: id.to_owned() }, words);
                let buttons = vec![
                    button(Triage::Open, "Open incident").primary(),
                    button(Triage::Attach, "Attach to…"),
                    button(Triage::Silence, "Silence"),
                    button(Triage::Dismiss, "Not a problem"),
                ];
                (None, "triage_card", buttons, view)
            }
            Suppression::Pending | Suppression::Recovering { .. } | Suppression::Inhibited => return None,
        };
        if let Some(once) = once {
            let before = self.correlator.announced.lock();
            if before.contains_key(&once) || announced.contains(&once) {
                return None;
            }
            announced.push(once);
        }
        let markdown = self.templates.render(template, &view);
        let asks = (*because == Suppression::AskingPerson).then(|| id.to_owned());
        Some(Job::Announce { channel, markdown, buttons, asks })
    }

    /// Remembers that people were told of these silences and windows.
    pub(super) fn remember_announced(&self, once: Vec<String>) {
        let mut announced = self.correlator.announced.lock();
        announced.retain(|_, at| *at + chrono::Duration::days(MAX_SILENCE_DAYS) > self.now());
        announced.extend(once.into_iter().map(|once| (once, self.now())));
    }

    /// Correlates a suppressed alert again when its time is over. What belongs to the job is written with it.
    pub async fn release(&self, id: &str, mut also: Batch) -> Result<(), Failure> {
        let Some(alert) = self.store.value(&Id::<SuppressedAlert>::new(id)).await? else {
            return self.commit(also).await;
        };
        match alert.until {
            // A person decides.
            None => self.commit(also).await,
            Some(until) if until > self.now() => {
                also.enqueue(&self.errand(), Job::Release { alert: id.to_owned(), at: until }, self.now());
                self.commit(also).await
            }
            Some(_) => self.receive_one(alert.signal, Some(alert.because), also).await.map(|_| ()),
        }
    }

    /// The suppressed alert of an id, and the batch that settles it. Of all who try, only one succeeds.
    ///
    /// # Errors
    /// It is not there any more: it went away, or somebody decided.
    pub async fn suppressed(&self, id: &str) -> Result<(SuppressedAlert, Batch), Failure> {
        let id = Id::<SuppressedAlert>::new(id);
        let (found, expect) = self.to_change(&id).await?;
        let found = found
            .ok_or_else(|| Failure::NotFound("This alert is settled: it went away, or somebody decided.".to_owned()))?;
        let mut settles = Batch::new();
        settles.del(&id, expect);
        Ok((found, settles))
    }

    /// Opens an incident for a suppressed alert, as somebody decided. Returns what became of it.
    ///
    /// # Errors
    /// It is settled already, or the store cannot write.
    pub async fn open_suppressed(&self, id: &str) -> Result<Correlated, Failure> {
        let (alert, _) = self.suppressed(id).await?;
        self.receive_one(alert.signal, Some(Suppression::AskingPerson), Batch::new()).await
    }

    /// Opens an incident for an alert whose card cannot be posted. One incident too many is better than one that nobody hears of.
    pub async fn nobody_can_be_asked(&self, id: &str, also: Batch) -> Result<(), Failure> {
        match self.suppressed(id).await {
            Ok((alert, _)) => self.receive_one(alert.signal, Some(Suppression::AskingPerson), also).await.map(|_| ()),
            Err(Failure::NotFound(_)) => self.commit(also).await,
            Err(failure) => Err(failure),
        }
    }

    /// Forgets a suppressed alert that somebody called no problem. This counts for its monitor. The next firing asks again.
    ///
    /// # Errors
    /// It is settled already, or the store cannot write.
    pub async fn dismiss_suppressed(&self, id: &str) -> Result<(), Failure> {
        self.make(&Dismissing(id)).await
    }
}

/// Somebody calls a suppressed alert no problem.
struct Dismissing<'a>(&'a str);

impl Change for Dismissing<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let (alert, mut batch) = app.suppressed(self.0).await?;
        app.count(&mut batch, [&alert.signal].into_iter(), Verdict::False, None).await?;
        Ok((batch, ()))
    }
}
