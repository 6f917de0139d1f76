//! How a decision becomes records: one commit of the state, the timeline, the indexes and the outbox.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::job::Job;
use super::{DeliveryId, Failure};
use crate::domain::incident::{Case, Channel, Recipient, Told};
use crate::domain::{Alert, AssetName, Command, Decision, Effect, Event, Incident, PersonId, SignalStatus, Task, Time};
use crate::store::{Engine, Expect, Kind, Op, scan_prefix};

/// The record that counts incidents.
pub(super) const COUNTER: &str = "incident-number";

/// A case as it lies in the store, with the version of its incident.
pub(super) struct Loaded {
    pub(super) case: Case,
    pub(super) ver: u64,
}

/// Numbers as ids that sort the newest first.
pub(super) fn newest_first(number: u64) -> String {
    format!("{:020}", u64::MAX - number)
}

/// As [`newest_first`], for moments.
fn latest_first(at: Time) -> String {
    newest_first(u64::try_from(at.timestamp_millis()).unwrap_or_default())
}

/// Something that one person has to do.
#[derive(Serialize, Deserialize)]
pub(super) struct Mine {
    v: u32,
    /// The incident.
    pub uid: String,
    /// A task of it; a role in it without.
    pub task: Option<u32>,
}

pub(super) fn alert_id(uid: &str, alert: &str) -> String {
    format!("{uid}/{alert}")
}

pub(super) fn task_id(uid: &str, task: u32) -> String {
    format!("{uid}/{task:06}")
}

pub(super) fn entry_id(uid: &str, seq: u64) -> String {
    format!("{uid}/{seq:010}")
}

/// The id of what a source calls one alert; long keys by their hash, since ids are bounded.
pub(super) fn key_id(source: &str, key: &str) -> String {
    if key.len() <= 300 { format!("{source}/{key}") } else { format!("{source}/#{}", hex::encode(Sha256::digest(key))) }
}

/// The id of the incident that a label ties alerts to.
pub(super) fn group_id(group: &str) -> String {
    key_id("~", group)
}

/// Where the incident of a channel, or of a thread in one, is found.
pub(super) fn channel_key(channel: &Channel) -> String {
    match &channel.thread {
        Some(thread) => format!("{}/{thread}", channel.id),
        None => channel.id.clone(),
    }
}

pub(super) fn by_asset_id(asset: &AssetName, number: u64) -> String {
    format!("{asset}\u{1}{}", newest_first(number))
}

/// Loads the incident with the alert or task that the command is about.
pub(super) fn load(store: &dyn Engine, uid: &str, command: &Command) -> Result<Option<Loaded>, Failure> {
    let Some(rec) = store.get(Kind::Incident, uid)? else {
        return Ok(None);
    };
    let incident: Incident = serde_json::from_value(rec.body)
        .map_err(|error| Failure::Unavailable(format!("the incident {uid} is damaged: {error}")))?;
    let mut case = Case::from(incident);
    match command {
        Command::Receive { known: Some(alert), .. } | Command::MoveAlert { alert, .. } => {
            if let Some(alert) = load_alert(store, uid, alert)? {
                case.alerts.insert(alert.id.clone(), alert);
            }
        }
        Command::FinishTask { task } | Command::AssignTask { task, .. } | Command::CheckTask { task } => {
            let found = store
                .get(Kind::Task, &task_id(uid, *task))?
                .and_then(|rec| serde_json::from_value::<Task>(rec.body).ok());
            if let Some(found) = found {
                case.tasks.insert(*task, found);
            }
        }
        Command::Notify { .. }
        | Command::Assess { .. }
        | Command::Merge { .. }
        | Command::Inherit { .. }
        | Command::Mute { .. }
        | Command::Subscribe
        | Command::Unsubscribe
        | Command::NoticeDelivered { .. }
        | Command::Update { .. }
        | Command::Resolve { .. }
        | Command::Reopen { .. } => case.told = load_told(store, uid)?,
        // The end of the last alert may be the end of the incident, which everybody hears.
        Command::Receive { signal, .. } if signal.status == SignalStatus::Resolved => {
            case.told = load_told(store, uid)?;
        }
        _ => {}
    }
    Ok(Some(Loaded { case, ver: rec.ver }))
}

pub(super) fn load_alert(store: &dyn Engine, uid: &str, alert: &str) -> Result<Option<Alert>, Failure> {
    Ok(store.get(Kind::Alert, &alert_id(uid, alert))?.and_then(|rec| serde_json::from_value(rec.body).ok()))
}

/// Everybody who was told of an incident, by key.
pub(super) fn load_told(store: &dyn Engine, uid: &str) -> Result<BTreeMap<String, Told>, Failure> {
    let records = scan_prefix(store, Kind::Told, &format!("{uid}/"))?;
    let told = records.into_iter().filter_map(|rec| serde_json::from_value::<Told>(rec.body).ok());
    Ok(told.map(|told| (told.recipient.key.clone(), told)).collect())
}

/// Guards a delivery: its name must be new today and the two days before, which is longer than anyone redelivers.
pub(super) fn delivery_ops(delivery: &DeliveryId, now: Time) -> Vec<Op> {
    let id = |days: i64| format!("{}/{}", (now - chrono::Duration::days(days)).format("%Y-%m-%d"), delivery.0);
    vec![
        Op::put(Kind::Delivery, id(0), Expect::Absent, json!({"v": 1})),
        Op::Check { kind: Kind::Delivery, id: id(1), expect: Expect::Absent },
        Op::Check { kind: Kind::Delivery, id: id(2), expect: Expect::Absent },
    ]
}

/// Notes a delivery that is recognised by looking first: what it changes is guarded by what it is about.
pub(super) fn delivered(delivery: &DeliveryId, now: Time) -> Op {
    Op::put(Kind::Delivery, format!("{}/{}", now.format("%Y-%m-%d"), delivery.0), Expect::Any, json!({"v": 1}))
}

/// The first delivery that need not be remembered any more, for the sweep.
pub(super) fn deliveries_before(now: Time) -> String {
    (now - chrono::Duration::days(2)).format("%Y-%m-%d").to_string()
}

/// All ops of a decision. `counter` is the next number and the version of the record that counts.
pub(super) fn ops(loaded: Option<&Loaded>, decision: &Decision, counter: (u64, Option<u64>), now: Time) -> Vec<Op> {
    let mut ops = Vec::new();
    if decision.entries.is_empty() && decision.effects.is_empty() {
        return ops;
    }
    let incident = &decision.case.incident;
    let uid = &incident.uid;
    let ver = loaded.map_or(0, |loaded| loaded.ver) + 1;
    let expect = loaded.map_or(Expect::Absent, |loaded| Expect::Ver(loaded.ver));
    ops.push(Op::put(Kind::Incident, uid, expect, to_json(incident)));
    let pointer = || json!({"v": 1, "uid": uid});
    if loaded.is_none() {
        let expect = counter.1.map_or(Expect::Absent, Expect::Ver);
        ops.push(Op::put(Kind::Meta, COUNTER, expect, json!({"v": 1, "last": counter.0})));
        ops.push(Op::put(Kind::Number, newest_first(incident.number), Expect::Absent, pointer()));
    }
    let was_open = loaded.is_some_and(|loaded| loaded.case.incident.status.is_open());
    match (was_open, incident.status.is_open()) {
        (false, true) => ops.push(Op::put(Kind::Open, newest_first(incident.number), Expect::Any, pointer())),
        (true, false) => ops.push(Op::Del { kind: Kind::Open, id: newest_first(incident.number), expect: Expect::Any }),
        _ => {}
    }
    ops.extend(role_ops(loaded.map(|loaded| &loaded.case.incident), incident));
    let mut alerts = BTreeSet::new();
    let mut tasks = BTreeSet::new();
    let mut told = BTreeSet::new();
    for entry in &decision.entries {
        ops.push(Op::put(Kind::Timeline, entry_id(uid, entry.seq), Expect::Absent, to_json(entry)));
        match &entry.event {
            // What is only practised ties nothing real to it.
            Event::AssetNamed { .. } if incident.drill => {}
            Event::AssetNamed { asset } => {
                // A monitor's alert is for everybody, so it joins nothing private.
                if !incident.private {
                    ops.push(Op::put(Kind::Asset, asset.as_str(), Expect::Any, pointer()));
                }
                ops.push(Op::put(Kind::ByAsset, by_asset_id(asset, incident.number), Expect::Any, pointer()));
            }
            Event::AlertJoined { alert, signal, .. } => {
                alerts.insert(alert);
                let id = key_id(&signal.source, &signal.key);
                ops.push(Op::put(Kind::AlertKey, id, Expect::Any, json!({"v": 1, "uid": uid, "alert": alert})));
            }
            Event::AlertMoved { alert, source, key, .. } => {
                for (kind, id) in [(Kind::Alert, alert_id(uid, alert)), (Kind::AlertKey, key_id(source, key))] {
                    ops.push(Op::Del { kind, id, expect: Expect::Any });
                }
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
            | Event::NoticeMuted { recipient: key, .. } => {
                told.insert(key);
            }
            Event::Resolved { .. } => {
                if let Some(root) = incident.roots.first() {
                    ops.push(Op::put(Kind::RootOf, by_asset_id(&root.asset, incident.number), Expect::Any, pointer()));
                }
            }
            Event::PostmortemReviewed => {
                ops.push(Op::put(Kind::Reviewed, format!("{}/{uid}", latest_first(entry.at)), Expect::Any, pointer()));
            }
            Event::ChannelOpened { channel } => {
                ops.push(Op::put(Kind::Channel, channel_key(channel), Expect::Any, pointer()));
            }
            Event::MessagePinned { message, .. } => {
                ops.push(Op::put(Kind::Pin, format!("{}/{}", message.channel, message.ts), Expect::Absent, pointer()));
            }
            Event::MessageUnpinned { message } => {
                ops.push(Op::Del {
                    kind: Kind::Pin,
                    id: format!("{}/{}", message.channel, message.ts),
                    expect: Expect::Any,
                });
            }
            _ => {}
        }
    }
    for alert in alerts.into_iter().filter_map(|alert| decision.case.alerts.get(alert)) {
        ops.push(Op::put(Kind::Alert, alert_id(uid, &alert.id), Expect::Any, to_json(alert)));
    }
    for task in tasks.into_iter().filter_map(|task| decision.case.tasks.get(&task)) {
        ops.push(Op::put(Kind::Task, task_id(uid, task.number), Expect::Any, to_json(task)));
        let before = loaded.and_then(|loaded| loaded.case.tasks.get(&task.number));
        ops.extend(assignee_ops(before, task, incident));
    }
    for told in told.into_iter().filter_map(|key| decision.case.told.get(key)) {
        ops.push(Op::put(Kind::Told, format!("{uid}/{}", told.recipient.key), Expect::Any, to_json(told)));
    }
    ops.extend(outbox_ops(uid, ver, &decision.effects, now));
    ops
}

/// Who has a role in an open incident finds it by who they are.
fn role_ops(before: Option<&Incident>, incident: &Incident) -> Vec<Op> {
    let people = |incident: &Incident| -> BTreeSet<_> {
        if incident.status.is_open() { incident.people().into_iter().collect() } else { BTreeSet::new() }
    };
    let (before, after) = (before.map(people).unwrap_or_default(), people(incident));
    let id = |person: &PersonId| format!("{person}/{}", newest_first(incident.number));
    let lost =
        before.difference(&after).map(|person| Op::Del { kind: Kind::Mine, id: id(person), expect: Expect::Any });
    let won = after.difference(&before).map(|person| {
        Op::put(Kind::Mine, id(person), Expect::Any, to_json(&Mine { v: 1, uid: incident.uid.clone(), task: None }))
    });
    lost.chain(won).collect()
}

/// Whoever has an open task finds it by who they are, also when the incident is over.
fn assignee_ops(before: Option<&Task>, task: &Task, incident: &Incident) -> Vec<Op> {
    let owner = |task: &Task| task.assignee.clone().filter(|_| task.done_at.is_none());
    let (before, after) = (before.and_then(owner), owner(task));
    let id = |person: &PersonId| format!("{person}/{}/{:06}", newest_first(incident.number), task.number);
    let lost = before.filter(|person| after.as_ref() != Some(person));
    let mine = Mine { v: 1, uid: incident.uid.clone(), task: Some(task.number) };
    let lost = lost.map(|person| Op::Del { kind: Kind::Mine, id: id(&person), expect: Expect::Any });
    let won = after.map(|person| Op::put(Kind::Mine, id(&person), Expect::Any, to_json(&mine)));
    lost.into_iter().chain(won).collect()
}

/// The outbox entries of a decision. The incident's version grows with every commit, so names sort in the order of decisions.
fn outbox_ops<'a>(uid: &'a str, ver: u64, effects: &'a [Effect], now: Time) -> impl Iterator<Item = Op> + 'a {
    effects.iter().enumerate().map(move |(index, effect)| {
        Job::Of { uid: uid.to_owned(), effect: effect.clone() }.enqueue(&format!("{uid}/{ver:010}.{index:04}"), now)
    })
}

fn to_json(value: &impl serde::Serialize) -> serde_json::Value {
    // Our records have string keys only, so they always serialise.
    serde_json::to_value(value).unwrap_or_default()
}
