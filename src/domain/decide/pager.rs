//! What PagerDuty answered and what its webhooks say. Nothing in this file sends anything back to PagerDuty.

use super::draft::Draft;
use crate::domain::command::PagerNews;
use crate::domain::incident::PageStatus;
use crate::domain::{Effect, Event, Undelivered};

pub(super) fn accepted(draft: &mut Draft<'_>, key: &str) {
    let Some(page) = draft.incident().pages.get(key) else { return };
    // The webhook may have arrived before this answer.
    if page.status == PageStatus::Sending {
        let target = page.target.clone();
        draft.add_and_say(Event::PageHandedOver { key: key.to_owned(), target });
        draft.effect(Effect::ShowCard);
    }
}

pub(super) fn refused(draft: &mut Draft<'_>, key: &str, why: &Undelivered) {
    let Some(page) = draft.incident().pages.get(key) else { return };
    if page.status != PageStatus::Failed {
        let target = page.target.clone();
        draft.add_and_say(Event::PageFailed { key: key.to_owned(), target, why: why.clone() });
        draft.effect(Effect::ShowCard);
    }
}

pub(super) fn says(draft: &mut Draft<'_>, key: &str, news: PagerNews, url: Option<&str>) {
    let Some(page) = draft.incident().pages.get(key) else { return };
    let (status, target, had_url) = (page.status, page.target.clone(), page.url.is_some());
    let key = key.to_owned();
    match news {
        PagerNews::Triggered if matches!(status, PageStatus::Sending | PageStatus::HandedOver) => {
            draft.add_and_say(Event::Paged { key, target, url: url.map(str::to_owned) });
            if let Some(url) = url.filter(|_| !had_url) {
                draft.effect(Effect::Bookmark { title: "PagerDuty".to_owned(), url: url.to_owned() });
            }
            draft.show();
        }
        PagerNews::Acknowledged if !matches!(status, PageStatus::Acknowledged | PageStatus::Resolved) => {
            draft.add(Event::PageAcknowledged { key });
            // So the incident is acknowledged, too.
            if draft.incident().acknowledged_at.is_none() {
                draft.add_and_say(Event::Acknowledged);
            }
            draft.show();
        }
        PagerNews::Resolved if status != PageStatus::Resolved => {
            let event = Event::PageResolved { key };
            if draft.incident().status.is_open() {
                draft.add_and_say(event);
            } else {
                draft.add(event);
            }
            draft.effect(Effect::ShowCard);
        }
        // This webhook is old: the state has changed since.
        _ => {}
    }
}
