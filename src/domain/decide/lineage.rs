//! What the lineage says about an incident, and what people find when they look.

use super::draft::Draft;
use super::notify;
use super::words::words;
use crate::domain::event::Look;
use crate::domain::incident::{Radius, Recipient, RootCandidate};
use crate::domain::lineage::Whom;
use crate::domain::{Effect, Event, Incident, Refusal};

pub(super) fn look(draft: &mut Draft<'_>, look: Look, finding: &str) -> Result<(), Refusal> {
    let finding = words("A finding", "For example `/incident look lineage raw_orders is stale too`.", finding)?;
    draft.add_and_say(Event::Looked { look, finding });
    Ok(())
}

pub(super) fn assess(draft: &mut Draft<'_>, candidates: &[RootCandidate], radius: Option<&Radius>, tell: &[Recipient]) {
    let incident = draft.incident();
    if !incident.status.is_open() {
        return;
    }
    let candidates: Vec<_> = candidates.iter().take(Incident::MAX_ROOTS).cloned().collect();
    let names = |of: &[RootCandidate]| of.iter().map(|candidate| candidate.asset.clone()).collect::<Vec<_>>();
    let before = names(&incident.roots);
    let now = names(&candidates);
    // Compare the words: an earlier Muster stored the radius differently, and that alone must not count as a change.
    let words = incident.radius.as_ref().map(Radius::words);
    let radius = radius.filter(|radius| words != Some(radius.words())).cloned();
    // The card already shows when the one broken asset is its own root. Only say what people would not expect.
    let obvious = before.is_empty() && now.first() == incident.assets.first();
    let changed = before != now;
    let news = before.first() != now.first() && !obvious;
    if changed || radius.is_some() {
        if changed || draft.incident().roots != candidates {
            let event = Event::RootNamed { candidates };
            if news && !now.is_empty() { draft.add_and_say(event) } else { draft.add(event) }
        }
        if let Some(radius) = radius {
            draft.add(Event::RadiusMeasured { radius });
        }
        draft.effect(Effect::ShowPicture);
        draft.show();
    }
    notify::automatically(draft, Whom::Downstream, tell);
}
