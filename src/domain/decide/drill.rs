//! How a drill went: what a real incident asks of people, what of it was done, and how soon. No judgement of persons: only of the steps.

use super::Draft;
use crate::domain::event::Point;
use crate::domain::reason::Asked;
use crate::domain::{Event, Incident, Time};

/// Says in the channel how it went, once it is over.
pub(super) fn score(draft: &mut Draft<'_>) {
    let points = points(draft.incident());
    draft.add_and_say(Event::DrillScored { points });
}

fn points(incident: &Incident) -> Vec<Point> {
    let after = |at: Option<Time>| at.map(|at| (at - incident.opened_at).num_minutes().max(0));
    let timed = [
        (Asked::Acknowledged, after(incident.acknowledged_at)),
        (Asked::Commanded, after(incident.commanded_at)),
        (Asked::Told, after(incident.first_update_at)),
    ];
    let recorded = [
        (Asked::BadFrom, incident.bad_from.is_some()),
        (Asked::Cause, incident.cause.is_some()),
        (Asked::Fix, incident.fix.is_some()),
        (Asked::GoodAgain, incident.good_again.is_some()),
    ];
    let mut points: Vec<Point> =
        timed.into_iter().map(|(what, minutes)| Point { what, done: minutes.is_some(), minutes }).collect();
    points.extend(recorded.into_iter().map(|(what, done)| Point { what, done, minutes: None }));
    if incident.tasks > 0 {
        points.push(Point { what: Asked::Tasks, done: incident.open_tasks == 0, minutes: None });
    }
    if let Some(checklist) = &incident.checklist {
        let done = checklist.settled() == checklist.steps.len();
        points.push(Point { what: Asked::Steps, done, minutes: None });
    }
    points
}
