//! How a drill went: what a real incident asks of people, what of it was done, and how soon. No judgement of persons: only of the steps.

use super::draft::Draft;
use crate::domain::event::Point;
use crate::domain::{Event, Incident, Time};

/// Says in the channel how it went, once it is over.
pub(super) fn score(draft: &mut Draft<'_>) {
    let points = points(draft.incident());
    draft.add_and_say(Event::DrillScored { points });
}

fn points(incident: &Incident) -> Vec<Point> {
    let after = |at: Option<Time>| at.map(|at| (at - incident.opened_at).num_minutes().max(0));
    let timed = [
        ("somebody acknowledged".to_owned(), after(incident.acknowledged_at)),
        ("somebody took the command".to_owned(), after(incident.commanded_at)),
        ("people were told how it stands".to_owned(), after(incident.first_update_at)),
    ];
    let recorded = [
        ("it is recorded since when the data was bad".to_owned(), incident.bad_from.is_some()),
        ("it is recorded what caused it".to_owned(), incident.cause.is_some()),
        ("it is recorded what mended it".to_owned(), incident.fix.is_some()),
        ("it is recorded since when the data is good again".to_owned(), incident.good_again.is_some()),
    ];
    let mut points: Vec<Point> =
        timed.into_iter().map(|(what, minutes)| Point { what, done: minutes.is_some(), minutes }).collect();
    points.extend(recorded.into_iter().map(|(what, done)| Point { what, done, minutes: None }));
    if incident.tasks > 0 {
        points.push(Point { what: "every task is done".to_owned(), done: incident.open_tasks == 0, minutes: None });
    }
    if let Some(checklist) = &incident.checklist {
        let done = checklist.settled() == checklist.steps.len();
        points.push(Point { what: "every step of the runbook is done or skipped".to_owned(), done, minutes: None });
    }
    points
}
