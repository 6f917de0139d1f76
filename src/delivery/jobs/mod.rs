//! What the outbox can ask for, one file each. This file says which file carries out which job.

mod announce;
mod channel;
mod ephemeral;
mod external_channels;
mod home;
mod in_channel;
mod mail;
mod notice;
mod page;
mod people;
mod picture;
mod pin;
mod postmortem;
mod rosters;
mod sns;
mod unfurl;

use super::carrier::{Carrier, Turn};
use super::retry::{Fault, Tried};
use crate::app::Failure;
use crate::domain::incident::MessageRef;
use crate::domain::{Effect, Incident};
use crate::records::outbox::Job;
use crate::render::Rendered;

/// Carries out an entry, and ends it in the commit of its outcome.
pub(super) async fn carry_out(with: &Carrier, turn: &Turn) -> Tried {
    let app = &with.app;
    match turn.job() {
        Job::SyncPeople { cursor } => with.sync_people(turn, cursor.clone()).await,
        Job::SyncChannels { cursor } => with.sync_channels(turn, cursor.clone()).await,
        Job::MeetPerson { id } => with.meet_person(turn, id).await,
        Job::Confirm { url } => with.confirm(turn, url).await,
        Job::Release { alert, .. } => Ok(app.release(alert, turn.end()).await?),
        Job::Expire { source, key, since, .. } => Ok(app.expire(source, key, *since, turn.end()).await?),
        Job::PublishHome { user, session, .. } => with.publish_home(turn, user, session).await,
        Job::ReadRoster { id, turn: one, .. } => with.read_roster(turn, id, *one).await,
        Job::CheckBeat { source, name, watch, .. } => Ok(app.check_beat(source, name, watch, turn.end()).await?),
        Job::Announce { channel, markdown, buttons, asks } => {
            with.announce(turn, channel.as_deref(), (markdown, buttons), asks.is_some()).await
        }
        Job::Replace { channel, ts, markdown } => {
            with.replace(turn, &MessageRef { channel: channel.clone(), ts: ts.clone() }, markdown).await
        }
        Job::Pin { message, user, event } => with.pin(turn, message, user, event).await,
        Job::Unfurl { channel, ts, assets } => with.unfurl(turn, channel, ts, assets).await,
        Job::Ephemeral { channel, user, markdown, buttons } => {
            with.post_ephemeral(turn, channel, user, &Rendered::new(markdown, buttons)).await
        }
        Job::Of { uid, effect } => {
            let Some(incident) = app.incident(uid).await? else { return with.done(turn).await };
            // An entry of this kind waits aside. This one waits behind it, so that they stay in order.
            if let Some(aside) = turn.job().aside().filter(|aside| Some(aside) != turn.queue())
                && app.store.waiting(&aside).await.map_err(Failure::from)? > 0
            {
                with.put_back(turn, turn.rec.value.clone(), Some(aside), app.now()).await;
                return Ok(());
            }
            carry_out_effect(with, turn, &incident, effect).await
        }
    }
}

async fn carry_out_effect(with: &Carrier, turn: &Turn, incident: &Incident, effect: &Effect) -> Tried {
    let app = &with.app;
    match effect {
        Effect::Page { .. } | Effect::AcknowledgePage { .. } | Effect::ResolvePage { .. } => {
            with.page(turn, incident, effect).await
        }
        Effect::Assess => with.outcome(turn, &incident.uid, &app.assessment(incident).await?).await,
        Effect::Remind { command, .. } => with.outcome(turn, &incident.uid, command).await,
        Effect::MoveAlerts { into } => Ok(app.move_alerts(incident, into, turn.end()).await?),
        Effect::PlaceAlert { signal, into, because } => {
            Ok(app.place_alert((**signal).clone(), into.as_ref(), because, turn.end()).await?)
        }
        Effect::CountVerdict { verdict, before } => {
            Ok(app.count_verdict(incident, *verdict, *before, turn.end()).await?)
        }
        Effect::LookAgain { .. } => Ok(app.look_again(incident, turn.end()).await?),
        Effect::OpenChannel => with.open_channel(turn, incident).await,
        Effect::LinkChannel { channel, by } => with.link_channel(turn, incident, channel, by).await,
        Effect::ArchiveChannel { channel } => with.archive_channel(turn, incident, channel).await,
        Effect::Direct { person, event } => with.direct(turn, incident, person, event).await,
        Effect::Tell { recipient, notice } => with.tell(turn, incident, recipient, notice).await,
        Effect::Mail { recipient, notice } => with.mail(turn, incident, recipient, notice).await,
        Effect::ShowAnnouncement => with.show_announcement(turn, incident).await,
        _ => with.in_channel(turn, incident, effect).await,
    }
}
