//! What a decision needs, and what it turns into: one batch of the state, the timeline, the indexes and the outbox.

use std::collections::{BTreeMap, BTreeSet};

use super::{App, Change, DeliveryId, Failure, RequestMeta};
use crate::domain::command::Opening;
use crate::domain::decide;
use crate::domain::decide::open;
use crate::domain::incident::{Case, Notification, Recipient};
use crate::domain::needs::Needs;
use crate::domain::permission::Standing;
use crate::domain::{
    Alert, Command, Context, Decision, Effect, Entry, Event, Incident, IncidentId, Task, Time, UserId,
};
use crate::records::outbox::{EntryId, Job};
use crate::records::{
    AlertOfKey, Delivered, Ended, IncidentCounter, LatestOfAsset, Mine, OfAsset, OfChannel, OfNumber, Open, Pinned,
    Reviewed, RootOf,
};
use crate::store::{Batch, Expect, Id, Range, ReadError, Store};

/// A case as it lies in the store, with the version of its incident.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) case: Case,
    pub(super) ver: u64,
}

/// A command changes one incident.
pub struct Decided<'a> {
    pub uid: &'a IncidentId,
    pub command: &'a Command,
    pub request: &'a RequestMeta,
}

impl Change for Decided<'_> {
    type Outcome = Decision;

    async fn decide(&self, app: &App) -> Result<(Batch, Decision), Failure> {
        let Self { uid, command, request } = self;
        let loaded = load(&app.store, uid, &command.needs()).await?.ok_or_else(Failure::gone)?;
        let context = app.context(request, app.clock.fresh_id(), 0);
        let decision = decide(&loaded.case, command, &context)?;
        // What must hold beforehand is checked first.
        let mut batch = app.once(request.delivery.as_ref());
        batch.extend(request.also.clone());
        write(&mut batch, Some(&loaded), &decision, app.now());
        Ok((batch, decision))
    }
}

/// Opens an incident, under the next number.
pub(super) struct Opened<'a> {
    pub(super) opening: &'a Opening,
    pub(super) request: &'a RequestMeta,
}

impl Change for Opened<'_> {
    type Outcome = Decision;

    async fn decide(&self, app: &App) -> Result<(Batch, Decision), Failure> {
        let Self { opening, request } = self;
        let numbers = Numbers::read(app).await?;
        let context = app.context(request, app.clock.fresh_id(), numbers.next);
        let decision = open(opening, &context)?;
        let mut batch = app.once(request.delivery.as_ref());
        batch.extend(request.also.clone());
        write(&mut batch, None, &decision, app.now());
        numbers.take(&mut batch, 1);
        Ok((batch, decision))
    }
}

/// The number that the next incident gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) next: u64,
    expect: Expect,
}

impl Numbers {
    pub(super) async fn read(app: &App) -> Result<Self, Failure> {
        let (counter, expect) = app.to_change(&Id::<IncidentCounter>::one()).await?;
        Ok(Self { next: counter.map_or(0, |counter| counter.last) + 1, expect })
    }

    /// Takes this many. Returns what is left once that is written.
    pub(super) fn take(self, batch: &mut Batch, count: u64) -> Self {
        batch.put(&Id::<IncidentCounter>::one(), self.expect, &IncidentCounter { last: self.next - 1 + count });
        Self { next: self.next + count, expect: self.expect.once_written() }
    }
}

/// Loads an incident with the parts that are needed.
pub(super) async fn load(store: &Store, uid: &IncidentId, needs: &Needs) -> Result<Option<Loaded>, ReadError> {
    let Some(rec) = store.get(&Id::<Incident>::of(uid)).await? else { return Ok(None) };
    let mut case = Case::from(rec.value);
    if let Some(alert) = &needs.alert
        && let Some(alert) = store.value(&Id::<Alert>::of(uid, alert)).await?
    {
        case.alerts.insert(alert.id.clone(), alert);
    }
    if let Some(number) = needs.task
        && let Some(task) = store.value(&Id::<Task>::of(uid, number)).await?
    {
        case.tasks.insert(number, task);
    }
    if needs.notified {
        case.notified = notified(store, uid).await?;
    }
    Ok(Some(Loaded { case, ver: rec.ver }))
}

/// Everybody who is told of an incident, by key.
pub(super) async fn notified(store: &Store, uid: &IncidentId) -> Result<BTreeMap<String, Notification>, ReadError> {
    let told = store.values(Range::<Notification>::of(uid)).await?;
    Ok(told.into_iter().map(|told| (told.recipient.key.clone(), told)).collect())
}

/// How many more days a delivery is remembered after its own. That is longer than anyone redelivers.
const REMEMBERED: i64 = 2;

/// The records of a delivery: today's, and those of the days before.
fn days_of(delivery: &DeliveryId, now: Time) -> impl Iterator<Item = Id<Delivered>> {
    (0..=REMEMBERED).map(move |days| Id::<Delivered>::of(&delivery.0, now - chrono::Duration::days(days)))
}

/// Notes a delivery that is recognised by a look beforehand. Its changes are guarded by the records they change.
pub(super) fn delivered(delivery: &DeliveryId, now: Time) -> Batch {
    let mut batch = Batch::new();
    batch.put(&Id::<Delivered>::of(&delivery.0, now), Expect::Any, &Delivered {});
    batch
}

impl App {
    /// Whether a delivery came before, today or on the days before.
    pub async fn was_delivered(&self, delivery: &DeliveryId) -> Result<bool, Failure> {
        for id in days_of(delivery, self.now()) {
            if self.store.get(&id).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes a delivery count once: its name must be new today and on the days before. It is written together with the changes of the
    /// delivery.
    pub fn once(&self, delivery: Option<&DeliveryId>) -> Batch {
        let mut batch = Batch::new();
        for (days, id) in delivery.into_iter().flat_map(|delivery| days_of(delivery, self.now()).enumerate()) {
            match days {
                0 => batch.put(&id, Expect::Absent, &Delivered {}),
                _ => batch.check(&id, Expect::Absent),
            }
            batch.counts_once(&id);
        }
        batch
    }

    /// Decides on one incident.
    ///
    /// # Errors
    /// A refusal in words, or why nothing could be done.
    pub async fn execute(
        &self,
        uid: &IncidentId,
        command: &Command,
        request: RequestMeta,
    ) -> Result<Decision, Failure> {
        let turn = self.turns.of(uid);
        let _turn = turn.lock().await;
        self.make(&Decided { uid, command, request: &request }).await
    }

    /// Whether a command would be refused. Nothing changes.
    pub async fn would(&self, uid: &IncidentId, command: &Command, request: RequestMeta) -> Result<(), Failure> {
        Decided { uid, command, request: &request }.decide(self).await.map(|_| ())
    }

    /// Whether the state of an incident allows a command, whoever gives it. A message that everybody reads offers only that.
    pub fn allows(&self, incident: &Incident, command: &Command) -> bool {
        let anybody = RequestMeta { standing: Standing::Member, ..RequestMeta::by_muster(Batch::new()) };
        decide(&incident.clone().into(), command, &self.context(&anybody, String::new(), 0)).is_ok()
    }

    /// Opens an incident.
    ///
    /// # Errors
    /// A refusal in words, or why nothing could be done.
    pub async fn open(&self, opening: &Opening, request: RequestMeta) -> Result<Decision, Failure> {
        // New incidents take turns, since each takes the next number.
        let turn = self.turns.of(&IncidentId::default());
        let _turn = turn.lock().await;
        let decision = self.make(&Opened { opening, request: &request }).await?;
        if !decision.case.incident.drill {
            self.metrics.incidents.inc();
        }
        Ok(decision)
    }

    pub(super) fn context<'a>(&'a self, request: &RequestMeta, fresh: String, next_number: u64) -> Context<'a> {
        Context {
            now: self.now(),
            fresh,
            next_number,
            actor: request.actor.clone(),
            standing: request.standing,
            policy: &self.policy,
            library: &self.library,
            tier: None,
            people: self,
        }
    }

    /// Forgets deliveries that nobody will send again, one page at a time. Returns how many.
    pub async fn forget_old_deliveries(&self) -> Result<usize, Failure> {
        self.forget(&Range::<Delivered>::before_day(self.now() - chrono::Duration::days(REMEMBERED))).await
    }
}

/// Writes everything that a decision on one incident changes.
pub(super) fn write(batch: &mut Batch, loaded: Option<&Loaded>, decision: &Decision, now: Time) {
    if decision.entries.is_empty() && decision.effects.is_empty() {
        return;
    }
    let incident = &decision.case.incident;
    let (uid, number) = (&incident.uid, incident.number);
    let ver = loaded.map_or(0, |loaded| loaded.ver) + 1;
    batch.put(&Id::<Incident>::of(uid), loaded.map_or(Expect::Absent, |loaded| Expect::Ver(loaded.ver)), incident);
    if loaded.is_none() {
        batch.put(&Id::<OfNumber>::of(number), Expect::Absent, &OfNumber::to(uid));
    }
    let was_open = loaded.is_some_and(|loaded| loaded.case.incident.status.is_open());
    match (was_open, incident.status.is_open()) {
        (false, true) => batch.put(&Id::<Open>::of(number), Expect::Any, &Open::to(uid)),
        (true, false) => batch.del(&Id::<Open>::of(number), Expect::Any),
        _ => {}
    }
    let before = loaded.map(|loaded| &loaded.case.incident);
    roles(batch, before, incident);
    if let Some(at) = before.and_then(|before| before.resolved_at).filter(|at| incident.resolved_at != Some(*at)) {
        batch.del(&Id::<Ended>::of(at, uid), Expect::Any);
    }
    let mut alerts = BTreeSet::new();
    let mut tasks = BTreeSet::new();
    let mut told = BTreeSet::new();
    for entry in &decision.entries {
        batch.put(&Id::<Entry>::of(uid, entry.seq), Expect::Absent, entry);
        match &entry.event {
            // The asset of a drill gets no index entry, so no real alert joins the drill.
            Event::AssetNamed { .. } if incident.drill => {}
            Event::AssetNamed { asset } => {
                // A monitor's alert is for everybody, so it never joins a private incident.
                if !incident.private {
                    batch.put(&Id::<LatestOfAsset>::of(asset), Expect::Any, &LatestOfAsset::to(uid));
                }
                batch.put(&Id::<OfAsset>::of(asset, number), Expect::Any, &OfAsset::to(uid));
            }
            Event::AlertsJoined { joined } => {
                for alert in joined.iter().filter_map(|joined| decision.case.alerts.get(&joined.alert)) {
                    alerts.insert(&alert.id);
                    let found = AlertOfKey { uid: uid.clone(), alert: Some(alert.id.clone()) };
                    batch.put(&Id::<AlertOfKey>::of(&alert.signal.source, &alert.signal.key), Expect::Any, &found);
                }
            }
            Event::AlertMoved { alert, source, key, .. } => {
                batch.del(&Id::<Alert>::of(uid, alert), Expect::Any);
                batch.del(&Id::<AlertOfKey>::of(source, key), Expect::Any);
            }
            Event::AlertFiredAgain { alert, .. }
            | Event::AlertWorsened { alert, .. }
            | Event::AlertResolved { alert, .. } => {
                alerts.insert(alert);
            }
            Event::TaskAdded { task, .. } | Event::TaskDone { task, .. } | Event::TaskAssigned { task, .. } => {
                tasks.insert(*task);
            }
            Event::Notified { recipient: Recipient { key, .. }, .. }
            | Event::NoticePosted { recipient: key, .. }
            | Event::NoticeMailed { recipient: key, .. }
            | Event::NoticeRefused { recipient: key, .. }
            | Event::NoticeMuted { recipient: key, .. } => {
                told.insert(key);
            }
            Event::Resolved { .. } => {
                batch.put(&Id::<Ended>::of(entry.at, uid), Expect::Any, &Ended::to(uid));
                if let Some(root) = incident.roots.first() {
                    batch.put(&Id::<RootOf>::of(&root.asset, number), Expect::Any, &RootOf::to(uid));
                }
            }
            Event::PostmortemReviewed => {
                batch.put(&Id::<Reviewed>::of(entry.at, uid), Expect::Any, &Reviewed::to(uid));
            }
            Event::ChannelOpened { channel } => {
                batch.put(&Id::<OfChannel>::of_home(channel), Expect::Any, &OfChannel::to(uid));
            }
            Event::MessagePinned { message, .. } => {
                let id = Id::<Pinned>::of(message);
                batch.put(&id, Expect::Absent, &Pinned::to(uid));
                batch.counts_once(&id);
            }
            Event::MessageUnpinned { message } => batch.del(&Id::<Pinned>::of(message), Expect::Any),
            _ => {}
        }
    }
    for alert in alerts.into_iter().filter_map(|alert| decision.case.alerts.get(alert)) {
        batch.put(&Id::<Alert>::of(uid, &alert.id), Expect::Any, alert);
    }
    for task in tasks.into_iter().filter_map(|task| decision.case.tasks.get(&task)) {
        batch.put(&Id::<Task>::of(uid, task.number), Expect::Any, task);
        assignee(batch, loaded.and_then(|loaded| loaded.case.tasks.get(&task.number)), task, incident);
    }
    for told in told.into_iter().filter_map(|key| decision.case.notified.get(key)) {
        batch.put(&Id::<Notification>::of(uid, &told.recipient.key), Expect::Any, told);
    }
    effects(batch, uid, ver, decision, now);
}

/// The index from a person to the open incidents in which they have a role.
fn roles(batch: &mut Batch, before: Option<&Incident>, incident: &Incident) {
    let people = |incident: &Incident| -> BTreeSet<_> {
        if incident.status.is_open() { incident.people().into_iter().collect() } else { BTreeSet::new() }
    };
    let (before, after) = (before.map(people).unwrap_or_default(), people(incident));
    for person in before.difference(&after) {
        batch.del(&Id::<Mine>::role(person, incident.number), Expect::Any);
    }
    for person in after.difference(&before) {
        let mine = Mine { uid: incident.uid.clone(), task: None };
        batch.put(&Id::<Mine>::role(person, incident.number), Expect::Any, &mine);
    }
}

/// The index from a person to their open tasks, even when the incident is over.
fn assignee(batch: &mut Batch, before: Option<&Task>, task: &Task, incident: &Incident) {
    let owner = |task: &Task| task.assignee.clone().filter(|_| task.done_at.is_none());
    let (before, after) = (before.and_then(owner), owner(task));
    let id = |person: &UserId| Id::<Mine>::task(person, incident.number, task.number);
    if let Some(person) = before.filter(|person| after.as_ref() != Some(person)) {
        batch.del(&id(&person), Expect::Any);
    }
    if let Some(person) = after {
        batch.put(&id(&person), Expect::Any, &Mine { uid: incident.uid.clone(), task: Some(task.number) });
    }
}

/// An incident with more alerts than this is in a flood.
const FLOOD: u32 = 20;
/// In a flood, the lineage is asked about an incident this often, in seconds.
const ASSESSED_EVERY_SECONDS: i64 = 1;

/// Puts the effects of a decision into the outbox. An effect that shows the present state waits there once per incident, behind everything that
/// must be said. Only what is shown for the first time, or in a new place, keeps its place in the order.
fn effects(batch: &mut Batch, uid: &IncidentId, ver: u64, decision: &Decision, now: Time) {
    let in_order = decision.entries.iter().any(|entry| {
        matches!(
            entry.event,
            Event::Opened(_)
                | Event::ChannelOpened { .. }
                | Event::ChannelLost { .. }
                | Event::MovedTo { .. }
                | Event::Reopened { .. }
                | Event::RunbookAttached { .. }
        )
    });
    for (index, effect) in decision.effects.iter().enumerate() {
        let job = Job::Of { uid: uid.to_owned(), effect: effect.clone() };
        if effect.shows_present_state() && (!in_order || *effect == Effect::Assess) {
            // In a flood, the lineage is asked now and then, not with every alert.
            let in_a_flood = *effect == Effect::Assess && decision.case.incident.alerts > FLOOD;
            let due = if in_a_flood { now + chrono::Duration::seconds(ASSESSED_EVERY_SECONDS) } else { now };
            batch.enqueue_present(&EntryId::present(uid, effect), job, now, due);
        } else {
            batch.enqueue(&EntryId::decided(uid, ver, index), job, now);
        }
    }
}
