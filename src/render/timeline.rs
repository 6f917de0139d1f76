//! The words of the timeline and the post-mortem, by their templates.

use serde_json::{Value, json};

use super::{Names, Templates, views};
use crate::domain::incident::MessageRef;
use crate::domain::postmortem::{Record, draft};
use crate::domain::timeline::{self, Line};
use crate::domain::times::{clock, stamp};
use crate::domain::{Actor, Entry, Event};

/// What happened, as a sentence without a full stop. `None` if people do not read of it.
pub fn sentence(templates: &Templates, entry: &Entry, names: Names<'_>) -> Option<String> {
    timeline::is_line(&entry.event).then(|| said(templates, &entry.event, &entry.actor, (false, false), names))
}

pub fn line(templates: &Templates, line: &Line, names: Names<'_>) -> String {
    said(templates, &line.entry.event, &line.entry.actor, (line.corrected, line.deleted), names)
}

fn said(
    templates: &Templates,
    event: &Event,
    by: &Actor,
    (corrected, deleted): (bool, bool),
    names: Names<'_>,
) -> String {
    let mut view = views::happened(templates, event, by, names);
    view["corrected"] = corrected.into();
    view["deleted"] = deleted.into();
    templates.line(event.name(), &view, corrected)
}

/// The post-mortem draft as Markdown, with the affected part of the lineage as a Mermaid flowchart.
pub fn postmortem(
    templates: &Templates,
    record: &Record<'_>,
    link: &dyn Fn(&MessageRef) -> String,
    lineage: Option<&str>,
) -> String {
    templates.render("postmortem", &postmortem_view(templates, record, link, lineage))
}

/// What the post-mortem's template is given.
pub fn postmortem_view(
    templates: &Templates,
    record: &Record<'_>,
    link: &dyn Fn(&MessageRef) -> String,
    lineage: Option<&str>,
) -> Value {
    let mut view = serde_json::to_value(draft(record)).unwrap_or_default();
    let mut day = None;
    let lines = timeline::lines(record.entries).into_iter().map(|one| {
        let new_day = day.replace(one.at.date_naive()) != Some(one.at.date_naive());
        let at = if new_day { stamp(one.at) } else { clock(one.at) };
        json!({"at": at, "text": line(templates, &one, record.name), "link": one.message().map(link)})
    });
    view["timeline"] = lines.collect::<Vec<Value>>().into();
    view["lineage"] = lineage.into();
    view
}
