//! How a drill went: what a real incident asks of people, which of it was done, and how soon. It judges the steps, never the people.

use super::draft::Draft;
use crate::domain::event::Point;
use crate::domain::reason::DrillGoal;
use crate::domain::{Event, Incident, Time};

/// Says in the channel how the drill went, once it is over.
pub(super) fn score(draft: &mut Draft<'_>) {
    let points = points(draft.incident());
    draft.add_and_say(Event::DrillScored { points });
}

fn points(incident: &Incident) -> Vec<Point> {
    let point = |what, done| Point { what, done, minutes: None };
    let timed = |what, at: Option<Time>| {
        let minutes = at.map(|at| (at - incident.opened_at).num_minutes().max(0));
        Point { minutes, ..point(what, at.is_some()) }
    };
    let mut points = vec![
        timed(DrillGoal::Acknowledged, incident.acknowledged_at),
        timed(DrillGoal::Commanded, incident.commanded_at),
        timed(DrillGoal::Told, incident.first_update_at),
        point(DrillGoal::BadFrom, incident.bad_from.is_some()),
        point(DrillGoal::Cause, incident.cause.is_some()),
        point(DrillGoal::Fix, incident.fix.is_some()),
        point(DrillGoal::GoodAgain, incident.good_again.is_some()),
    ];
    if incident.tasks > 0 {
        points.push(point(DrillGoal::Tasks, incident.open_tasks == 0));
    }
    if let Some(checklist) = &incident.checklist {
        points.push(point(DrillGoal::Steps, checklist.settled() == checklist.steps.len()));
    }
    points
}
