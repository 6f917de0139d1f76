//! A monitor's signal: it opens the incident, joins it, fires again, or ends.

use super::context::Context;
use super::draft::Draft;
use super::{declare, notify, status};
use crate::domain::event::Joined;
use crate::domain::incident::Ending;
use crate::domain::policy::OnGreen;
use crate::domain::reason::JoinReason;
use crate::domain::{Actor, Alert, AlertId, Event, Refusal, Signal, SignalStatus};

/// How many alerts of an incident are told one by one. For more alerts, the card says how many there are.
const SAID_EACH: u32 = 20;

/// A signal opens an incident.
pub(super) fn open<'a>(context: &'a Context<'a>, signal: &Signal, because: &JoinReason) -> Draft<'a> {
    let mut draft = declare::open_for(context, signal);
    join(&mut draft, signal, because, false);
    draft.assess();
    draft
}

/// A signal of an existing incident. With `quiet`, it joins without changing the severity, and no message says so:
/// it is below a broken asset, or it is flapping.
pub(super) fn receive(
    draft: &mut Draft<'_>,
    signal: &Signal,
    known: Option<&AlertId>,
    because: &JoinReason,
    quiet: bool,
) -> Result<(), Refusal> {
    let quiet_joins = quiet;
    let quiet = quiet || draft.incident().alerts > SAID_EACH;
    let known = known.and_then(|id| draft.case.alerts.get(id)).map(|alert| (alert.id.clone(), alert.signal.status));
    match (signal.status, known) {
        (SignalStatus::Firing, None) => {
            // In an incident that is over, nobody would be told about it.
            draft.must_be_open()?;
            join(draft, signal, because, quiet_joins);
            if draft.incident().alerts <= SAID_EACH {
                draft.say();
            }
            if !quiet_joins {
                raise_severity(draft, signal);
            }
            draft.assess();
            draft.show();
        }
        (SignalStatus::Firing, Some((alert, SignalStatus::Resolved))) => {
            say_unless(draft, quiet, Event::AlertFiredAgain { alert: alert.clone(), title: signal.title.clone() });
            worsen(draft, signal, &alert, quiet_joins);
            draft.assess();
            draft.show();
        }
        (SignalStatus::Resolved, Some((alert, before)))
            if before == SignalStatus::Firing || recovers(draft, &alert, signal) =>
        {
            // If the incident is over, or goes on elsewhere, only the record is updated.
            let (is_open, awaited) = (draft.incident().status.is_open(), draft.incident().awaits_all_clear());
            // Whoever takes it to be over knows only its key.
            let known = draft.case.alerts.get(&alert).map(|known| known.signal.title.clone());
            let title = known.filter(|_| signal.lapsed).unwrap_or_else(|| signal.title.clone());
            let (lapsed, unrecovered, ended) = (signal.lapsed, signal.unrecovered.clone(), Some(signal.at));
            let again = before == SignalStatus::Resolved;
            let resolved = Event::AlertResolved { alert, title, lapsed, unrecovered, ended, again };
            say_unless(draft, quiet || !is_open, resolved);
            if is_open {
                draft.assess();
                if draft.incident().firing == 0 {
                    all_green(draft, &signal.source);
                }
                draft.show();
            } else if awaited && draft.incident().firing == 0 {
                notify::known_now(draft, true);
            }
        }
        // A repeat changes nothing, unless the alert is worse now.
        (SignalStatus::Firing, Some((alert, SignalStatus::Firing))) => worsen(draft, signal, &alert, quiet_joins),
        // The end of an alert that Muster never saw.
        (SignalStatus::Resolved, _) => {}
    }
    Ok(())
}

/// Whether an alert that was over without a recovery is good again now.
fn recovers(draft: &Draft<'_>, alert: &AlertId, signal: &Signal) -> bool {
    let known = draft.case.alerts.get(alert);
    signal.unrecovered.is_none() && known.is_some_and(|known| known.signal.unrecovered.is_some())
}

/// A known alert got worse. The incident gets worse too, unless the alert is only there because of an asset upstream.
fn worsen(draft: &mut Draft<'_>, signal: &Signal, alert: &AlertId, quiet: bool) {
    let known = draft.case.alerts.get(alert).map(|known| (known.signal.level, known.inhibited));
    if let Some((_, inhibited)) = known.filter(|(before, _)| signal.level > *before) {
        let event = Event::AlertWorsened { alert: alert.to_owned(), title: signal.title.clone(), level: signal.level };
        say_unless(draft, quiet, event);
        if !quiet && !inhibited {
            raise_severity(draft, signal);
        }
        draft.show();
    }
}

fn say_unless(draft: &mut Draft<'_>, quiet: bool, event: Event) {
    if quiet {
        draft.add(event);
    } else {
        draft.add_and_say(event);
    }
}

fn join(draft: &mut Draft<'_>, signal: &Signal, because: &JoinReason, inhibited: bool) {
    // Two alerts may join in one commit, but each decision has its own fresh id.
    let alert = AlertId::from(draft.context.fresh.clone());
    if let Some(asset) = &signal.asset
        && !draft.incident().assets.contains(asset)
    {
        draft.add(Event::AssetNamed { asset: asset.clone() });
    }
    let joined = Joined {
        alert: alert.clone(),
        source: signal.source.clone(),
        title: signal.title.clone(),
        asset: signal.asset.clone(),
        url: signal.url.clone(),
        because: because.clone(),
        inhibited,
        left_out: signal.left_out.clone(),
    };
    draft.alert(Alert::new(alert, signal.clone(), because.clone(), inhibited, draft.now()));
    draft.add(Event::AlertsJoined { joined: vec![joined] });
}

/// A worse alert raises the severity of the incident. A milder one never lowers it.
fn raise_severity(draft: &mut Draft<'_>, signal: &Signal) {
    let (severity, _) = draft.context.policy.severity_for(signal, draft.context.tier);
    let from = draft.incident().severity;
    if severity < from {
        status::severity_changed(draft, from, severity);
    }
}

fn all_green(draft: &mut Draft<'_>, source: &str) {
    let on_green = draft.context.policy.on_green.get(source).copied().unwrap_or_default();
    let unrecovered = draft.incident().unrecovered;
    let green = Event::AllGreen { unrecovered };
    match on_green {
        OnGreen::Nothing => draft.add(green),
        OnGreen::Ask => draft.add_and_say(green),
        // Nobody knows whether the data is good, so a person must look.
        OnGreen::Resolve if unrecovered > 0 => draft.add_and_say(green),
        OnGreen::Resolve => {
            draft.add(green);
            // Only this lets a monitor end an incident, so the actor says it all.
            status::close(draft, Actor::Monitor { source: source.to_owned() }, None, Ending::Fixed);
        }
    }
}
