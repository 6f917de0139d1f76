//! How people make and end silences. Which of them hides an alert is decided in `domain::silence`.

use super::{App, Change, Failure};
use crate::domain::silence::{self, Silence};
use crate::domain::suppression::{SuppressedAlert, Suppression};
use crate::domain::times::stamp;
use crate::domain::{Signal, Time};
use crate::records::SilenceCounter;
use crate::records::outbox::Job;
use crate::render::escape;
use crate::store::{Batch, Expect, Id, Range};

/// How many silences may hold at once. Each alert is compared with all of them.
const MAX_SILENCES: usize = 500;
/// The longest reason.
pub const MAX_REASON: usize = 500;
/// How long a silence is kept after its end, in days.
const SILENCE_KEPT_DAYS: i64 = 7;
/// The longest silence, in days. Use a route for what must be quiet for ever.
pub(super) const MAX_SILENCE_DAYS: i64 = 90;

impl App {
    /// What hides a signal now, and until when.
    pub(super) fn hidden(&self, signal: &Signal) -> Option<(Suppression, Time)> {
        let (silences, now) = (self.models.silences.read(), self.now());
        silence::hides(silences.lasting(now), &self.policy.windows, signal, now)
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
            return refused(&format!(
                "A silence is at most {MAX_SILENCE_DAYS} days long. What is to be quiet for ever is a route: `[[routes]]` with `action = \"ignore\"`."
            ));
        }
        if self.silences().len() >= MAX_SILENCES {
            let full = format!("There are {MAX_SILENCES} silences already; end some first: `/incident silences`.");
            return refused(&full);
        }
        silence.reason = silence.reason.trim().chars().take(MAX_REASON).collect();
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
        if let Some(alert) = self.settles {
            batch.extend(app.suppressed(alert).await?.1);
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
            let mut alert = rec.value;
            if alert.because == (Suppression::Silenced { number }) {
                alert.until = Some(now);
                batch.put(&rec.id, Expect::Ver(rec.ver), &alert);
                batch.enqueue(&app.errand(), Job::Release { alert: rec.id.to_string(), at: now }, now);
            }
        }
        Ok((batch, silence))
    }
}

/// A silence as one line of Markdown.
pub fn silence_line(silence: &Silence, owner: &str) -> String {
    let Silence { number, matcher, from, until, reason, .. } = silence;
    let (matcher, from, until) = (matcher.to_string().replace('`', "'"), from.format("%Y-%m-%d %H:%M"), stamp(*until));
    format!("**{number}** `{matcher}` {from} to {until}: {} ({})", escape(reason), escape(owner))
}
