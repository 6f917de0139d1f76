//! What became of deliveries to Slack.

use super::Draft;
use crate::domain::incident::{Channel, MessageRef, Slot};
use crate::domain::{Effect, Event};

pub(super) fn channel_ready(draft: &mut Draft<'_>, channel: &Channel) {
    if draft.incident().channel.as_ref() != Some(channel) {
        draft.add(Event::ChannelOpened { channel: channel.clone() });
        // The announcement went out before there was a channel to name.
        if draft.context.policy.announces {
            draft.effect(Effect::ShowAnnouncement);
        }
    }
}

pub(super) fn message_posted(draft: &mut Draft<'_>, slot: Slot, message: &MessageRef) {
    if draft.incident().slots.get(&slot) != Some(message) {
        draft.add(Event::Posted { slot, message: message.clone() });
    }
}

pub(super) fn give_up(draft: &mut Draft<'_>, what: &str, why: &str, say: bool) {
    let event = Event::DeliveryFailed { what: what.to_owned(), why: why.to_owned() };
    if say {
        draft.add_and_say(event);
        draft.effect(Effect::ShowCard);
    } else {
        draft.add(event);
    }
}
