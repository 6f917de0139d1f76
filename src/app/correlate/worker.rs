//! The rounds. Alerts that wait while one commit is written are decided together in the next. So a flood does not cause a flood of conflicts.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::queue::{Correlated, Outcome, Posted, ROUND, Waiting};
use super::round::{Round, Turn};
use crate::app::change::Written;
use crate::app::decided::{self, Numbers};
use crate::app::{App, Change, DeliveryId, Failure};
use crate::clock::Stopwatch;
use crate::domain::suppression::Suppression;
use crate::domain::{IncidentId, Signal};
use crate::records::AlertOfKey;
use crate::store::{Batch, Id};

/// After this many rounds or seconds, others get their turn on these incidents.
const RUN: usize = 8;
const RUN_SECONDS: f64 = 0.2;

impl App {
    /// Takes in signals. They are durable when this returns.
    ///
    /// # Errors
    /// The store cannot write. Either nothing of these signals was taken in, or they can be taken in again without harm.
    pub async fn receive(&self, source: &str, posted: Posted) -> Result<Vec<Correlated>, Failure> {
        let Posted { mut signals, delivery, mut also } = posted;
        for signal in &mut signals {
            signal.asset = signal.asset.as_ref().map(|asset| self.catalog.known_as(asset));
        }
        let named = |delivery: String| DeliveryId(Id::<AlertOfKey>::of(source, &delivery).to_string());
        let delivery = delivery.map(named);
        if let Some(delivery) = &delivery {
            if self.was_delivered(delivery).await? {
                let mut correlated = Vec::with_capacity(signals.len());
                for signal in &signals {
                    correlated.push(self.correlated_before(signal).await?);
                }
                return Ok(correlated);
            }
            also.extend(decided::delivered(delivery, self.now()));
        }
        self.metrics.alerts.inc_by(signals.len() as u64);
        let mut correlated = Vec::with_capacity(signals.len());
        let mut signals = signals.into_iter().peekable();
        loop {
            let chunk: Vec<_> = signals.by_ref().take(ROUND).collect();
            let last = signals.peek().is_none();
            // The delivery is done only with its last part.
            let also = if last { std::mem::take(&mut also) } else { Batch::new() };
            if !chunk.is_empty() || !also.is_empty() {
                correlated.extend(self.receive_chunk(source, chunk, None, also).await?);
            }
            if last {
                return Ok(correlated);
            }
        }
    }

    /// Where a signal is now, if its delivery came before.
    async fn correlated_before(&self, signal: &Signal) -> Result<Correlated, Failure> {
        let found = self.store.value(&Id::<AlertOfKey>::of(&signal.source, &signal.key)).await?;
        let incident = match &found {
            Some(found) => self.incident(&found.uid).await?.map(|incident| incident.name()),
            None => None,
        };
        let id = found.and_then(|found| found.alert);
        Ok(Correlated { id, key: signal.key.clone(), outcome: Outcome::Repeated, incident })
    }

    pub(in crate::app) async fn receive_chunk(
        &self,
        source: &str,
        signals: Vec<Signal>,
        past: Option<Suppression>,
        also: Batch,
    ) -> Result<Vec<Correlated>, Failure> {
        let (answer, answered) = oneshot::channel();
        self.correlator.waiting().push(source, Waiting { signals, past, also, answer })?;
        self.correlator.rounds.notify_one();
        answered.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Correlates one signal that was here before.
    pub(in crate::app) async fn receive_one(
        &self,
        signal: Signal,
        past: Option<Suppression>,
        also: Batch,
    ) -> Result<Correlated, Failure> {
        let source = signal.source.clone();
        let correlated = self.receive_chunk(&source, vec![signal], past, also).await?;
        correlated.into_iter().next().ok_or_else(lost)
    }

    /// Decides for everything that waits, as long as there is an app.
    pub(crate) fn decide_rounds(app: &Arc<Self>) {
        let (rounds, app) = (app.correlator.rounds.clone(), Arc::downgrade(app));
        tokio::spawn(async move {
            loop {
                rounds.notified().await;
                let Some(app) = app.upgrade() else { return };
                while app.correlator.waiting().len() > 0 {
                    for round in Self::decide_run(&app).await {
                        app.decide_round(round).await;
                    }
                }
            }
        });
    }

    /// Decides a run of rounds. While one round is written, the next is decided on top of its result. The next is written only after it; else a
    /// version that somebody else wrote meanwhile could pass for ours. What was not written comes back, to be decided again from the store.
    async fn decide_run(app: &Arc<Self>) -> Vec<Vec<Waiting>> {
        let mut anew = Vec::new();
        // New incidents take turns too, since each takes the next number.
        let _turn = app.turns.of(&IncidentId::default()).lock_owned().await;
        let mut round = match Numbers::read(app).await {
            Ok(numbers) => Round::new(app, numbers),
            Err(failure) => {
                app.answer(app.correlator.waiting().take(), Err(failure));
                return Vec::new();
            }
        };
        let (began, mut rounds, mut is_last) = (Stopwatch::start(), 0, false);
        let mut decided: Option<Decided> = None;
        let mut writing: Option<(usize, JoinHandle<Fate>)> = None;
        loop {
            let may_decide =
                decided.is_none() && !is_last && rounds < RUN && (rounds == 0 || began.seconds() < RUN_SECONDS);
            // While a round is being written, a few signals are not worth a round of their own: more will come soon.
            let enough = writing.as_ref().map_or(1, |(requests, _)| requests / 2);
            if may_decide && app.correlator.waiting().len() >= enough.max(1) {
                let waiting = app.correlator.waiting().take();
                rounds += 1;
                let Ok(correlated) = round.correlate_all(&waiting).await else {
                    anew.push(waiting);
                    break;
                };
                is_last = !round.may_go_on();
                let (mut batch, announced) = round.cut();
                waiting.iter().for_each(|one| batch.extend(one.also.clone()));
                decided = Some(Decided { waiting, correlated, batch, announced });
            }
            let Some((_, written)) = &mut writing else {
                let Some(next) = decided.take() else { break };
                writing = Some((next.waiting.len(), tokio::spawn(app.clone().write_round(next))));
                continue;
            };
            tokio::select! {
                fate = written => {
                    writing = None;
                    match fate {
                        Ok(Fate::Written) => {}
                        Ok(Fate::Anew(waiting)) => {
                            anew.push(waiting);
                            break;
                        }
                        Ok(Fate::Unavailable(failure)) => {
                            if let Some(next) = decided.take() {
                                app.answer(next.waiting, Err(failure));
                            }
                            break;
                        }
                        // The panic was reported already, and nobody knows what became of these signals.
                        Err(_) => break,
                    }
                }
                () = app.correlator.rounds.notified(), if may_decide && decided.is_none() => {}
            }
        }
        if let Some((_, written)) = writing
            && let Ok(Fate::Anew(waiting)) = written.await
        {
            anew.insert(0, waiting);
        }
        anew.extend(decided.map(|next| next.waiting));
        anew
    }

    /// Writes a round and answers.
    async fn write_round(self: Arc<Self>, round: Decided) -> Fate {
        let Decided { waiting, correlated, batch, announced } = round;
        if !batch.is_empty() {
            match self.write(batch).await {
                Ok(()) => self.remember_announced(announced),
                Err(Written::Never(failure @ Failure::Unavailable(_))) => {
                    self.answer(waiting, Err(failure.clone()));
                    return Fate::Unavailable(failure);
                }
                Err(_) => return Fate::Anew(waiting),
            }
        }
        self.answer(waiting, Ok(correlated));
        Fate::Written
    }

    /// Decides everything of a round in one commit. If that cannot be kept, each is tried alone. So only the one that can never be kept is
    /// refused.
    async fn decide_round(&self, round: Vec<Waiting>) {
        // New incidents take turns too, since each takes the next number.
        let _turn = self.turns.of(&IncidentId::default()).lock_owned().await;
        let result = self.correlate_again(&round).await;
        if round.len() > 1 && matches!(result, Err(Failure::TooLarge(_) | Failure::Duplicate | Failure::Refused(_))) {
            for waiting in round {
                let result = self.correlate_again(std::slice::from_ref(&waiting)).await;
                self.answer(vec![waiting], result);
            }
        } else {
            self.answer(round, result);
        }
    }

    async fn correlate_again(&self, round: &[Waiting]) -> Result<Vec<Correlated>, Failure> {
        let (correlated, announced, _turns) = self.make(&Correlating(round)).await?;
        self.remember_announced(announced);
        Ok(correlated)
    }

    fn answer(&self, round: Vec<Waiting>, result: Result<Vec<Correlated>, Failure>) {
        if let Ok(correlated) = &result {
            let opened = correlated.iter().filter(|one| one.outcome == Outcome::Opened).count();
            self.metrics.incidents.inc_by(opened as u64);
        }
        let mut correlated = result.map(Vec::into_iter);
        for waiting in round {
            let answer = match &mut correlated {
                Ok(correlated) => Ok(correlated.by_ref().take(waiting.signals.len()).collect()),
                Err(failure) => Err(failure.clone()),
            };
            // The monitor may have hung up. The decision stands.
            let _ = waiting.answer.send(answer);
        }
    }
}

fn lost() -> Failure {
    Failure::Unavailable("the alert's turn was lost".to_owned())
}

/// A round of signals, decided from what is stored.
struct Correlating<'a>(&'a [Waiting]);

impl Change for Correlating<'_> {
    type Outcome = (Vec<Correlated>, Vec<String>, Vec<Turn>);

    async fn decide(&self, app: &App) -> Result<(Batch, Self::Outcome), Failure> {
        let mut round = Round::new(app, Numbers::read(app).await?);
        let correlated = round.correlate_all(self.0).await?;
        let (mut batch, announced) = round.cut();
        self.0.iter().for_each(|one| batch.extend(one.also.clone()));
        Ok((batch, (correlated, announced, round.turns)))
    }
}

/// A round that is decided, and all that belongs to it.
struct Decided {
    waiting: Vec<Waiting>,
    correlated: Vec<Correlated>,
    batch: Batch,
    /// The silences and windows that are announced in this round.
    announced: Vec<String>,
}

/// What became of a round.
enum Fate {
    /// It is written and answered.
    Written,
    /// It is not written, and must be decided again.
    Anew(Vec<Waiting>),
    /// The store cannot write now, and the senders were told so.
    Unavailable(Failure),
}
