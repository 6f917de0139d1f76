//! What is held back and for how long: silences, maintenance windows, what comes and goes, what may only be about to recover. When
//! its time is over, and nobody said that it is, a held alert is placed anew.

use std::collections::HashMap;
use std::sync::PoisonError;

use serde_json::json;

use super::{Placed, Posted};
use crate::app::{App, Asked, Change, Failure};
use crate::config::Heartbeat;
use crate::domain::incident::Verdict;
use crate::domain::lineage::{Graph, NodeId};
use crate::domain::permission::Standing;
use crate::domain::triage::{Held, Hold, Silence};
use crate::domain::{Actor, Command, Incident, Signal, SignalStatus, Time};
use crate::messages::{Button, escape};
use crate::records::outbox::{Job, Outbox as _};
use crate::records::{AlertOfKey, Beat, Flap, SilenceCounter};
use crate::store::{Batch, Expect, Id, Range};

/// So many alerts are watched for coming and going.
const WATCHED: usize = 10_000;
/// So many silences may hold at once; each alert is compared with all.
const MAX_SILENCES: usize = 500;
/// A silence that ended is kept so long, in days.
const SILENCE_KEPT_DAYS: i64 = 7;
/// No silence is longer, in days: what is to be quiet for ever is a route.
const MAX_SILENCE_DAYS: i64 = 90;

impl App {
    fn flapping_window(&self) -> chrono::Duration {
        chrono::Duration::minutes(self.config.triage.flapping_minutes.into())
    }

    /// Whether an alert came and went too often lately.
    pub(super) fn is_flapping(&self, id: &Id<Flap>) -> bool {
        let limit = self.config.triage.flapping_changes;
        let earliest = self.now() - self.flapping_window();
        let flapping = self.models.flapping.read();
        limit > 0
            && flapping.get(id).is_some_and(|flap| flap.times.iter().filter(|at| **at >= earliest).count() >= limit)
    }

    /// Whether another alert may be watched for coming and going.
    pub(super) fn may_watch_more(&self) -> bool {
        self.models.flapping.read().len() < WATCHED
    }

    /// Forgets the comings and goings of what is calm, a page at a time; how many.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn forget_what_is_calm(&self) -> Result<usize, Failure> {
        self.make(&ForgettingCalm).await
    }

    /// How long something that flaps must be quiet or steady.
    pub(super) fn calm_after(&self) -> chrono::Duration {
        self.flapping_window() / 2
    }

    /// What hides a signal now, and until when.
    pub(super) fn hidden(&self, signal: &Signal) -> Option<(Hold, Time)> {
        let now = self.now();
        let silences = self.models.silences.read();
        let silence = silences
            .lasting(now)
            .filter(|silence| silence.holds(now) && silence.matcher.matches(signal))
            .max_by_key(|silence| silence.until);
        if let Some(silence) = silence {
            return Some((Hold::Silenced { number: silence.number }, silence.until));
        }
        let windows = self.policy.windows.iter().filter(|window| window.matcher.matches(signal));
        let held = windows.filter_map(|window| Some((window, window.holds(now)?)));
        held.max_by_key(|(_, until)| *until)
            .map(|(window, until)| (Hold::Maintenance { name: window.name.clone() }, until))
    }

    /// What people are told when something is held back: once for each silence and window, and a card where they are asked.
    /// What is told with it for the first time goes to `told`, which [`Self::remember_told`] remembers once it is written.
    pub(super) fn told_of(&self, hold: &Hold, signal: &Signal, id: &str, told: &mut Vec<String>) -> Option<Job> {
        let channel = self.policy.route_of(signal).and_then(|route| route.channel.clone());
        let (once, template, buttons, view) = match hold {
            Hold::Silenced { number } => {
                let silences = self.models.silences.read();
                let silence = silences.lasting(self.now()).find(|silence| silence.number == *number)?;
                let view = json!({"number": number, "matcher": silence.matcher.to_string(), "reason": silence.reason, "until": silence.until,
                    "owner": self.name(&silence.owner), "title": signal.title, "asset": signal.asset});
                (Some(format!("silence {number}")), "silence_hides", Vec::new(), view)
            }
            Hold::Maintenance { name } => {
                let window = self.policy.windows.iter().find(|window| window.name == *name)?;
                let until = window.holds(self.now())?;
                let view = json!({"window": name, "reason": window.reason, "until": until, "title": signal.title, "asset": signal.asset});
                (Some(format!("window {name} {until}")), "silence_hides", Vec::new(), view)
            }
            Hold::Flapping => {
                let view = json!({"title": signal.title, "asset": signal.asset, "changes": self.config.triage.flapping_changes,
                    "minutes": self.config.triage.flapping_minutes});
                (None, "flapping", Vec::new(), view)
            }
            Hold::AskingPerson => {
                let view = json!({"title": signal.title, "asset": signal.asset, "source": signal.source, "level": signal.level.as_str(),
                    "pillar": signal.pillar.as_str(), "at": signal.at, "description": signal.description, "url": signal.url});
                let button = |action: &str, words: &'static str| Button::new(action, words, id);
                let buttons = vec![
                    button("triage_open", "Open incident").primary(),
                    button("triage_attach", "Attach to…"),
                    button("triage_silence", "Silence"),
                    button("triage_dismiss", "Not a problem"),
                ];
                (None, "triage_card", buttons, view)
            }
            Hold::Pending | Hold::Recovering { .. } => return None,
        };
        if let Some(once) = once {
            let before = self.triage.told.lock().unwrap_or_else(PoisonError::into_inner);
            if before.contains_key(&once) || told.contains(&once) {
                return None;
            }
            told.push(once);
        }
        let markdown = self.templates.render(template, &view);
        let asks = (*hold == Hold::AskingPerson).then(|| id.to_owned());
        Some(Job::Announce { channel, markdown, buttons, asks })
    }

    /// People were told of these silences and windows.
    pub(super) fn remember_told(&self, once: Vec<String>) {
        let mut told = self.triage.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| *at + chrono::Duration::days(MAX_SILENCE_DAYS) > self.now());
        told.extend(once.into_iter().map(|once| (once, self.now())));
    }

    /// The bad assets of open incidents in the graph, each with its incident and since when.
    pub(super) fn bad_nodes(&self, graph: &Graph) -> HashMap<NodeId, (String, Time)> {
        let mut bad: HashMap<NodeId, (String, Time)> = HashMap::new();
        for (asset, uid, trouble) in self.models.health.read().all() {
            if let Some(node) = graph.find(asset) {
                let entry = bad.entry(node).or_insert_with(|| (uid.clone(), trouble.since));
                if trouble.since < entry.1 {
                    *entry = (uid.clone(), trouble.since);
                }
            }
        }
        bad
    }

    /// A held alert whose time is over is placed anew; what belongs to the errand is written with it.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn release(&self, id: &str, mut also: Batch) -> Result<(), Failure> {
        let Some(held) = self.store.value(&Id::<Held>::new(id)).await? else {
            return self.commit(also).await;
        };
        match held.until {
            // Somebody decides.
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

    /// Places alerts anew that were only in this incident for what they are made of, and go on although that is mended. Only of
    /// sources that say by themselves when something is over; of others nobody knows whether it goes on.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn look_again(&self, incident: &Incident, also: Batch) -> Result<(), Failure> {
        let says_when_over =
            |source: &str| self.config.sources.iter().any(|known| known.name == source && known.kind.says_when_over());
        let mut go_on = Vec::new();
        if !incident.status.is_open() {
            for alert in self.alerts(&incident.uid).await? {
                if alert.inhibited
                    && alert.signal.status == SignalStatus::Firing
                    && says_when_over(&alert.signal.source)
                {
                    go_on.push(alert.signal);
                }
            }
        }
        if go_on.is_empty() {
            return self.commit(also).await;
        }
        let past = Hold::Recovering { asset: String::new(), incident: incident.name() };
        let mut also = Some(also);
        for some in go_on.chunks(super::ROUND) {
            let source = some[0].source.clone();
            self.receive_chunk(&source, some.to_vec(), Some(past.clone()), also.take().unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Brings the alerts of a merged incident that still fire to the one it was merged into, and whoever was told of it.
    ///
    /// # Errors
    /// The store cannot be read or written. What was brought stays; the rest is brought when it is tried again.
    pub async fn move_alerts(&self, from: &Incident, into: &str, also: Batch) -> Result<(), Failure> {
        let because = format!("{from} was merged into this", from = from.name());
        for alert in self.alerts(&from.uid).await? {
            // One that is at home elsewhere already was brought before.
            let id = Id::<AlertOfKey>::of(&alert.signal.source, &alert.signal.key);
            let is_here = self.store.value(&id).await?.is_some_and(|found| found.uid == from.uid);
            if is_here && alert.signal.status == SignalStatus::Firing {
                self.place_alert(alert.signal, Some(into), &because, Batch::new()).await?;
            }
        }
        let told: Vec<_> = self.who_was_told(&from.uid).await?.into_values().collect();
        if told.is_empty() {
            return self.commit(also).await;
        }
        let into = self.goes_on_in(into).await?;
        self.execute(Some(&into), &Command::Inherit { told }, Asked::by_muster(also)).await.map(|_| ())
    }

    /// Brings an alert to an incident, or opens one for it. Where that incident ended meanwhile, it is placed as if it came in now.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn place_alert(
        &self,
        signal: Signal,
        into: Option<&str>,
        because: &str,
        also: Batch,
    ) -> Result<(), Failure> {
        let into = match into {
            Some(into) => Some(self.goes_on_in(into).await?),
            None => None,
        };
        let command =
            Command::Receive { signal: signal.clone(), known: None, because: because.to_owned(), quiet: true };
        let asked = Asked {
            actor: Actor::Monitor { source: signal.source.clone() },
            standing: Standing::Monitor,
            delivery: None,
            also: also.clone(),
        };
        match self.execute(into.as_deref(), &command, asked).await {
            Err(Failure::Refused(_)) => {
                let source = signal.source.clone();
                self.receive_chunk(&source, vec![signal], None, also).await.map(|_| ())
            }
            other => other.map(|_| ()),
        }
    }

    /// The incident that one was merged into, and so on; itself otherwise.
    async fn goes_on_in(&self, uid: &str) -> Result<String, Failure> {
        let mut uid = uid.to_owned();
        for _ in 0..super::MERGED_DEEP {
            match self.incident(&uid).await?.and_then(|incident| incident.merged_into) {
                Some((into, _)) => uid = into,
                None => break,
            }
        }
        Ok(uid)
    }

    /// Takes an alert for over that nobody repeated for as long as its source says (`resolve_after_minutes`).
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn expire(&self, source: &str, key: &str, since: Time, mut also: Batch) -> Result<(), Failure> {
        let minutes =
            self.config.sources.iter().find(|known| known.name == source).and_then(|known| known.resolve_after_minutes);
        let Some(minutes) = minutes else {
            return self.commit(also).await;
        };
        let id = Id::<Held>::of(&Signal::new(source, key, key, self.now())).to_string();
        let heard = self.triage.heard.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        // What was heard before this start is not remembered: a start counts as having heard of it.
        let due = heard.unwrap_or(since).max(self.triage.started) + chrono::Duration::minutes(minutes.into());
        if due > self.now() {
            let job = Job::Expire { source: source.to_owned(), key: key.to_owned(), since, at: due };
            also.enqueue(&self.errand(), job, self.now());
            return self.commit(also).await;
        }
        self.triage.heard.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let signal = Signal { status: SignalStatus::Resolved, ..Signal::new(source, key, key, self.now()) };
        self.receive_chunk(source, vec![signal], None, also).await.map(|_| ())
    }

    /// Remembers that an alert was heard of, where its source counts on that.
    pub(super) fn hear(&self, id: &str) {
        self.triage.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), self.now());
    }

    /// The held alert of an id, and what settles it: for one only, of all who try.
    ///
    /// # Errors
    /// There is none any more: it went away, or somebody decided.
    pub(in crate::app) async fn held(&self, id: &str) -> Result<(Held, Batch), Failure> {
        let id = Id::<Held>::new(id);
        let (found, expect) = self.to_change(&id).await?;
        let found = found
            .ok_or_else(|| Failure::NotFound("This alert is settled: it went away, or somebody decided.".to_owned()))?;
        let mut settles = Batch::new();
        settles.del(&id, expect);
        Ok((found, settles))
    }

    /// Opens an incident for a held alert, as somebody decided; what became of it.
    ///
    /// # Errors
    /// It is settled, or the store cannot write.
    pub async fn open_held(&self, id: &str) -> Result<Placed, Failure> {
        let (held, _) = self.held(id).await?;
        let source = held.signal.source.clone();
        let placed = self.receive_chunk(&source, vec![held.signal], Some(Hold::AskingPerson), Batch::new()).await?;
        placed.into_iter().next().ok_or_else(|| Failure::Unavailable("the alert's turn was lost".to_owned()))
    }

    /// Opens an incident for an alert whose card cannot be posted: rather one too many than one that nobody hears of.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn nobody_can_be_asked(&self, id: &str, also: Batch) -> Result<(), Failure> {
        match self.held(id).await {
            Ok((held, _)) => {
                let source = held.signal.source.clone();
                self.receive_chunk(&source, vec![held.signal], Some(Hold::AskingPerson), also).await.map(|_| ())
            }
            Err(Failure::NotFound(_)) => self.commit(also).await,
            Err(failure) => Err(failure),
        }
    }

    /// Forgets a held alert that somebody called no problem; its monitor is remembered for it. The next firing asks again.
    ///
    /// # Errors
    /// It is settled, or the store cannot write.
    pub async fn dismiss_held(&self, id: &str) -> Result<(), Failure> {
        self.make(&Dismissing(id)).await
    }

    /// The silences that hold or will, by number.
    pub fn silences(&self) -> Vec<Silence> {
        self.models.silences.read().lasting(self.now()).cloned().collect()
    }

    /// Makes a silence under the next number, with what else comes with it; perhaps it settles a held alert. Durable when it answers.
    ///
    /// # Errors
    /// It says no reason or no sensible time, there are too many, the alert is settled, or the store cannot write.
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

    /// Ends a silence now; what it held is placed anew.
    ///
    /// # Errors
    /// There is none of this number that holds, or the store cannot write.
    pub async fn unsilence(&self, number: u64) -> Result<Silence, Failure> {
        self.make(&Unsilencing(number)).await
    }

    /// Forgets silences that ended long ago.
    ///
    /// # Errors
    /// The store cannot be read or written.
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

    /// A beat of a heartbeat; when it is next due at the latest.
    ///
    /// # Errors
    /// There is none of this name, or the store cannot write.
    pub async fn beat(&self, source: &str, name: &str) -> Result<Time, Failure> {
        let beats = &self.config.heartbeats;
        let beat = beats.iter().find(|beat| beat.source == source && beat.name == name).ok_or_else(|| {
            let names: Vec<_> =
                beats.iter().filter(|beat| beat.source == source).map(|beat| format!("`{}`", beat.name)).collect();
            Failure::NotFound(format!(
                "The source {source} has no heartbeat “{name}” in the configuration. It has: {names}.",
                names = names.join(", ")
            ))
        })?;
        let now = self.now();
        let due = now + chrono::Duration::minutes((beat.every_minutes + beat.grace_minutes).into());
        self.make(&Beating(beat)).await?;
        // A beat ends the alert that it did not come.
        let signal = Signal { status: SignalStatus::Resolved, ..late(beat, now, now) };
        self.receive(source, Posted { signals: vec![signal], ..Posted::default() }).await?;
        Ok(due)
    }

    /// Looks whether a heartbeat is late, tells if it is, and looks again when it next may be.
    ///
    /// # Errors
    /// The store cannot be read or written.
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

    /// Begins to watch the heartbeats of the configuration, as it has them now: a new watch, at whose coming that of the last start ends.
    /// One that came due while nobody listened has its grace once more.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn await_beats(&self) -> Result<(), Failure> {
        for beat in &self.config.heartbeats {
            self.make(&Watching(beat)).await?;
        }
        Ok(())
    }
}

/// The alert that a heartbeat did not come.
fn late(beat: &Heartbeat, last: Time, now: Time) -> Signal {
    let title = format!("No sign of {name} since {date}", name = beat.name, date = last.format("%Y-%m-%d %H:%M UTC"));
    Signal {
        asset: beat.asset.as_deref().and_then(crate::domain::AssetName::new),
        pillar: crate::domain::Pillar::Freshness,
        level: beat.severity,
        description: Some(format!("It is expected every {every_minutes} minutes.", every_minutes = beat.every_minutes)),
        ..Signal::new(&beat.source, &format!("heartbeat/{}", beat.name), &title, now)
    }
}

/// A heartbeat was heard.
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

/// What is calm is watched no more, a page at a time; how many.
struct ForgettingCalm;

impl Change for ForgettingCalm {
    type Outcome = usize;

    async fn decide(&self, app: &App) -> Result<(Batch, usize), Failure> {
        let since = app.now() - app.flapping_window();
        let calm = app.models.flapping.read().calm(since, 500);
        let mut batch = Batch::new();
        for id in calm {
            // It may have come again a moment ago.
            let (flap, expect) = app.to_change(&id).await?;
            if flap.is_some_and(|flap| flap.times.last().is_none_or(|last| *last < since)) {
                batch.del(&id, expect);
            }
        }
        let count = batch.len();
        Ok((batch, count))
    }
}

/// A held alert is called no problem.
struct Dismissing<'a>(&'a str);

impl Change for Dismissing<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let (held, mut batch) = app.held(self.0).await?;
        app.count(&mut batch, [&held.signal].into_iter(), Verdict::False, None).await?;
        Ok((batch, ()))
    }
}

/// A silence comes to be, under the next number.
struct Silencing<'a> {
    silence: Silence,
    /// The held alert that it settles.
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

/// A silence ends, and what it held is placed anew.
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
        for rec in app.store.all(Range::<Held>::all()).await? {
            let mut held = rec.value;
            if held.hold == (Hold::Silenced { number }) {
                held.until = Some(now);
                batch.put(&rec.id, Expect::Ver(rec.ver), &held);
                batch.enqueue(&app.errand(), Job::Release { held: rec.id.to_string(), at: now }, now);
            }
        }
        Ok((batch, silence))
    }
}

/// A silence in a line, Markdown.
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
