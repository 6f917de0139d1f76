//! Heartbeats: signs of life that jobs give, and the alert when one does not come.

use super::correlate::Posted;
use super::{App, Change, Failure};
use crate::config::Heartbeat;
use crate::domain::times::stamp;
use crate::domain::{Signal, SignalStatus, Time, counted};
use crate::records::Beat;
use crate::records::outbox::Job;
use crate::store::{Batch, Id};

impl App {
    /// Takes a beat of a heartbeat. Returns the latest time when the next one is due.
    ///
    /// # Errors
    /// There is no heartbeat of this name, or the store cannot write.
    pub async fn beat(&self, source: &str, name: &str) -> Result<Time, Failure> {
        let beats = &self.config.heartbeats;
        let beat = beats.iter().find(|beat| beat.source == source && beat.name == name).ok_or_else(|| {
            let own = beats.iter().filter(|beat| beat.source == source);
            let names = own.map(|beat| format!("`{}`", beat.name)).collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "none" } else { &names };
            Failure::NotFound(format!(
                "The source {source} has no heartbeat “{name}” in the configuration. Its heartbeats: {names}."
            ))
        })?;
        let now = self.now();
        let due = now + chrono::Duration::minutes((beat.every_minutes + beat.grace_minutes).into());
        self.make(&Beating(beat)).await?;
        // A beat ends the alert about the missing one.
        let signal = Signal { status: SignalStatus::Resolved, ..late(beat, now, now) };
        self.receive(source, Posted { signals: vec![signal], ..Posted::default() }).await?;
        Ok(due)
    }

    /// Checks whether a heartbeat is late, opens the alert if it is, and checks again when it may next be late.
    pub async fn check_beat(&self, source: &str, name: &str, watch: &str, mut also: Batch) -> Result<(), Failure> {
        let Some(beat) = self.config.heartbeats.iter().find(|beat| beat.source == source && beat.name == name) else {
            return self.commit(also).await;
        };
        let now = self.now();
        let heard = self.store.value(&Id::<Beat>::of(source, name)).await?;
        let Beat { last, watch: known } = heard.unwrap_or(Beat { last: now, watch: String::new() });
        if known != watch {
            return self.commit(also).await;
        }
        let span = chrono::Duration::minutes((beat.every_minutes + beat.grace_minutes).into());
        let (is_late, next) = if last + span <= now { (true, now + span) } else { (false, last + span) };
        let job = Job::CheckBeat { source: source.to_owned(), name: name.to_owned(), at: next, watch: known };
        also.enqueue(&self.errand(), job, now);
        if !is_late {
            return self.commit(also).await;
        }
        self.receive(source, Posted { signals: vec![late(beat, last, now)], delivery: None, also }).await.map(|_| ())
    }

    /// Begins to watch the heartbeats of the present configuration. The new watch ends the one of the last start. If a beat came due while
    /// nobody listened, its grace starts again.
    pub async fn await_beats(&self) -> Result<(), Failure> {
        for beat in &self.config.heartbeats {
            self.make(&Watching(beat)).await?;
        }
        Ok(())
    }
}

/// The alert about a heartbeat that did not come.
fn late(beat: &Heartbeat, last: Time, now: Time) -> Signal {
    let title = format!("No sign of {} since {}", beat.name, stamp(last));
    Signal {
        asset: beat.asset.as_deref().and_then(crate::domain::AssetName::new),
        pillar: crate::domain::Pillar::Freshness,
        level: beat.severity,
        description: Some(format!("It is expected every {}.", counted(beat.every_minutes as usize, "minute"))),
        ..Signal::new(&beat.source, &format!("heartbeat/{}", beat.name), &title, now)
    }
}

struct Beating<'a>(&'a Heartbeat);

impl Change for Beating<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let id = Id::<Beat>::of(&self.0.source, &self.0.name);
        let (known, expect) = app.to_change(&id).await?;
        let watch = known.map(|beat| beat.watch).unwrap_or_default();
        let mut batch = Batch::new();
        batch.put(&id, expect, &Beat { last: app.now(), watch });
        Ok((batch, ()))
    }
}

/// A heartbeat is watched from now on.
struct Watching<'a>(&'a Heartbeat);

impl Change for Watching<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let (Heartbeat { source, name, every_minutes, grace_minutes, .. }, now) = (self.0, app.now());
        let minutes = |minutes: u32| chrono::Duration::minutes(minutes.into());
        let id = Id::<Beat>::of(source, name);
        let (known, expect) = app.to_change(&id).await?;
        let last = known.map_or(now, |beat| beat.last);
        let at = (last + minutes(every_minutes + grace_minutes)).max(now + minutes(*grace_minutes));
        let watch = app.clock.fresh_id();
        let job = Job::CheckBeat { source: source.clone(), name: name.clone(), at, watch: watch.clone() };
        let mut batch = Batch::new();
        batch.put(&id, expect, &Beat { last, watch });
        batch.enqueue(&app.errand(), job, now);
        Ok((batch, ()))
    }
}
