//! Suppressed alerts, and for how long: silences, maintenance windows, alerts that people are asked about. When the time is over and nobody has
//! said that the alert is over, it is correlated again.

use std::sync::PoisonError;

use serde_json::json;

use super::correlate::Placed;
use super::{App, Change, Failure};
use crate::domain::incident::Verdict;
use crate::domain::suppression::{Silence, SuppressedAlert, Suppression};
use crate::domain::{Signal, Time};
use crate::records::SilenceCounter;
use crate::records::outbox::{Job, Outbox as _};
use crate::render::{Action, Button, Triage, escape};
use crate::store::{Batch, Expect, Id, Range};

/// How many silences may hold at once. Each alert is compared with all of them.
const MAX_SILENCES: usize = 500;
/// How long a silence is kept after its end, in days.
const SILENCE_KEPT_DAYS: i64 = 7;
/// The longest silence, in days. Use a route for what must be quiet for ever.
const MAX_SILENCE_DAYS: i64 = 90;

impl App {
    /// What hides a signal now, and until when.
    pub(super) fn hidden(&self, signal: &Signal) -> Option<(Suppression, Time)> {
        let now = self.now();
        let silences = self.models.silences.read();
        let silence = silences
            .lasting(now)
            .filter(|silence| silence.holds(now) && silence.matcher.matches(signal))
            .max_by_key(|silence| silence.until);
        if let Some(silence) = silence {
            return Some((Suppression::Silenced { number: silence.number }, silence.until));
        }
        let windows = self.policy.windows.iter().filter(|window| window.matcher.matches(signal));
        let held = windows.filter_map(|window| Some((window, window.holds(now)?)));
        held.max_by_key(|(_, until)| *until)
            .map(|(window, until)| (Suppression::Maintenance { name: window.name.clone() }, until))
    }

    /// What people are told when an alert is suppressed: once for each silence and window, and a card if they are asked. What they are told for
    /// the first time goes to `told`. [`Self::remember_told`] remembers it once it is written.
    pub(super) fn told_of(&self, hold: &Suppression, signal: &Signal, id: &str, told: &mut Vec<String>) -> Option<Job> {
        let channel = self.policy.route_of(signal).and_then(|route| route.channel.clone());
        let (once, template, buttons, view) = match hold {
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
            Suppression::Pending | Suppression::Recovering { .. } => return None,
        };
        if let Some(once) = once {
            let before = self.correlator.told.lock().unwrap_or_else(PoisonError::into_inner);
            if before.contains_key(&once) || told.contains(&once) {
                return None;
            }
            told.push(once);
        }
        let markdown = self.templates.render(template, &view);
        let asks = (*hold == Suppression::AskingPerson).then(|| id.to_owned());
        Some(Job::Announce { channel, markdown, buttons, asks })
    }

    /// Remembers that people were told of these silences and windows.
    pub(super) fn remember_told(&self, once: Vec<String>) {
        let mut told = self.correlator.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| *at + chrono::Duration::days(MAX_SILENCE_DAYS) > self.now());
        told.extend(once.into_iter().map(|once| (once, self.now())));
    }

    /// Correlates a suppressed alert again when its time is over. What belongs to the job is written with it.
    pub async fn release(&self, id: &str, mut also: Batch) -> Result<(), Failure> {
        let Some(held) = self.store.value(&Id::<SuppressedAlert>::new(id)).await? else {
            return self.commit(also).await;
        };
        match held.until {
            // A person decides.
            None => self.commit(also).await,
            Some(until) if until > self.now() => {
                also.enqueue(&self.errand(), Job::Release { held: id.to_owned(), at: until }, self.now());
                self.commit(also).await
            }
            Some(_) => {
                let source = held.signal.source.clone();
                self.receive_chunk(&source, vec![held.signal], Some(held.hold), also).await.map(|_| ())
            }
        }
    }

    /// The suppressed alert of an id, and the batch that settles it. Of all who try, only one succeeds.
    ///
    /// # Errors
    /// It is not there any more: it went away, or somebody decided.
    pub async fn held(&self, id: &str) -> Result<(SuppressedAlert, Batch), Failure> {
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
    pub async fn open_held(&self, id: &str) -> Result<Placed, Failure> {
        let (held, _) = self.held(id).await?;
        let source = held.signal.source.clone();
        let placed =
            self.receive_chunk(&source, vec![held.signal], Some(Suppression::AskingPerson), Batch::new()).await?;
        placed.into_iter().next().ok_or_else(|| Failure::Unavailable("the alert's turn was lost".to_owned()))
    }

    /// Opens an incident for an alert whose card cannot be posted. One incident too many is better than one that nobody hears of.
    pub async fn nobody_can_be_asked(&self, id: &str, also: Batch) -> Result<(), Failure> {
        match self.held(id).await {
            Ok((held, _)) => {
                let source = held.signal.source.clone();
                self.receive_chunk(&source, vec![held.signal], Some(Suppression::AskingPerson), also).await.map(|_| ())
            }
            Err(Failure::NotFound(_)) => self.commit(also).await,
            Err(failure) => Err(failure),
        }
    }

    /// Forgets a suppressed alert that somebody called no problem. This counts for its monitor. The next firing asks again.
    ///
    /// # Errors
    /// It is settled already, or the store cannot write.
    pub async fn dismiss_held(&self, id: &str) -> Result<(), Failure> {
        self.make(&Dismissing(id)).await
    }

    /// The silences that hold now or later, by number.
    pub fn silences(&self) -> Vec<Silence> {
        self.models.silences.read().lasting(self.now()).cloned().collect()
    }

    /// Makes a silence under the next number, with what else belongs to it. It may settle a suppressed alert. It is durable when this returns.
    ///
    /// # Errors
    /// It has no reason or no sensible time, there are too many, the alert is settled already, or the store cannot write.
    pub async fn silence(&self, mut silence: Silence, settles: Option<&str>, also: Batch) -> Result<Silence, Failure> {
        let refused = |why: &str| Err(Failure::Invalid(why.to_owned()));
        if silence.reason.trim().is_empty() {
            return refused(
                "A silence needs a reason; whoever looks for a missing alert reads it. `/incident silence warehouse.orders* 2h backfill is running`",
            );
        }
        if silence.until <= silence.from || silence.until <= self.now() {
            return refused("A silence ends after it begins, and in the future.");
        }
        if silence.until - silence.from > chrono::Duration::days(MAX_SILENCE_DAYS) {
            return refused(
                "A silence is at most 90 days long. What is to be quiet for ever is a route: `[[routes]]` with `action = \"ignore\"`.",
            );
        }
        if self.silences().len() >= MAX_SILENCES {
            return refused("There are 500 silences already; end some first: `/incident silences`.");
        }
        silence.reason = silence.reason.trim().chars().take(500).collect();
        self.make(&Silencing { silence, settles, also }).await
    }

    /// Ends a silence now. The alerts that it suppressed are correlated again.
    ///
    /// # Errors
    /// No silence of this number holds, or the store cannot write.
    pub async fn unsilence(&self, number: u64) -> Result<Silence, Failure> {
        self.make(&Unsilencing(number)).await
    }

    /// Forgets silences that ended long ago.
    pub async fn forget_old_silences(&self) -> Result<(), Failure> {
        let before = self.now() - chrono::Duration::days(SILENCE_KEPT_DAYS);
        let mut batch = Batch::new();
        for rec in self.store.all(Range::<Silence>::all()).await? {
            if rec.value.until < before {
                batch.del(&rec.id, Expect::Any);
            }
        }
        self.commit(batch).await
    }
}

/// Somebody calls a suppressed alert no problem.
struct Dismissing<'a>(&'a str);

impl Change for Dismissing<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let (held, mut batch) = app.held(self.0).await?;
        app.count(&mut batch, [&held.signal].into_iter(), Verdict::False, None).await?;
        Ok((batch, ()))
    }
}

/// Makes a silence, under the next number.
struct Silencing<'a> {
    silence: Silence,
    settles: Option<&'a str>,
    also: Batch,
}

impl Change for Silencing<'_> {
    type Outcome = Silence;

    async fn decide(&self, app: &App) -> Result<(Batch, Silence), Failure> {
        let id = Id::<SilenceCounter>::one();
        let (counter, expect) = app.to_change(&id).await?;
        let silence = Silence { number: counter.map_or(0, |counter| counter.last) + 1, ..self.silence.clone() };
        let mut batch = self.also.clone();
        if let Some(held) = self.settles {
            batch.extend(app.held(held).await?.1);
        }
        batch.put(&id, expect, &SilenceCounter { last: silence.number });
        batch.put(&Id::<Silence>::of(silence.number), Expect::Absent, &silence);
        Ok((batch, silence))
    }
}

/// Ends a silence. The alerts that it suppressed are correlated again.
struct Unsilencing(u64);

impl Change for Unsilencing {
    type Outcome = Silence;

    async fn decide(&self, app: &App) -> Result<(Batch, Silence), Failure> {
        let (number, now) = (self.0, app.now());
        let id = Id::<Silence>::of(number);
        let (found, expect) = app.to_change(&id).await?;
        let found = found.filter(|silence| silence.until > now).ok_or_else(|| {
            Failure::NotFound(format!(
                "There is no silence {number} that still holds. `/incident silences` lists them."
            ))
        })?;
        let silence = Silence { until: now, ..found };
        let mut batch = Batch::new();
        batch.put(&id, expect, &silence);
        for rec in app.store.all(Range::<SuppressedAlert>::all()).await? {
            let mut held = rec.value;
            if held.hold == (Suppression::Silenced { number }) {
                held.until = Some(now);
                batch.put(&rec.id, Expect::Ver(rec.ver), &held);
                batch.enqueue(&app.errand(), Job::Release { held: rec.id.to_string(), at: now }, now);
            }
        }
        Ok((batch, silence))
    }
}

/// A silence as one line of Markdown.
pub fn silence_line(silence: &Silence, owner: &str) -> String {
    let from = silence.from.format("%Y-%m-%d %H:%M");
    let until = silence.until.format("%Y-%m-%d %H:%M UTC");
    format!(
        "**{number}** `{value}` {from} to {until}: {escape} ({escape2})",
        number = silence.number,
        value = silence.matcher.to_string().replace('`', "'"),
        escape = escape(&silence.reason),
        escape2 = escape(owner)
    )
}
