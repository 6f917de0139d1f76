//! Views: the data that a template may see. They are built from the state, with people as `{"id","name"}` and times as RFC 3339.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Button, Form, ModalInput, Names, Press, Rendered, Templates};
use crate::domain::all_clear::AllClear;
use crate::domain::effect::Notice;
use crate::domain::incident::{Checklist, Duty, Ending, Radius, Recipient, RootCandidate, StepState, Verdict};
use crate::domain::lineage::{Candidate, Clue, Impact, Whom};
use crate::domain::reason::{Gap, Missing};
use crate::domain::times::duration;
use crate::domain::{Actor, AssetName, Command, Event, Incident, Role, Severity, Time, UserId};

/// How many of the alerts that came together are named in one line.
const JOINED_NAMED: usize = 5;

/// A person in a view.
fn person(id: &str, names: Names<'_>) -> Value {
    json!({"id": id, "name": names(id)})
}

/// Who did it. Only people in Slack have an id.
pub fn actor(actor: &Actor, names: Names<'_>) -> Value {
    match actor {
        Actor::Person { id } => json!({"kind": "person", "id": id, "name": names(id)}),
        Actor::Monitor { source } => json!({"kind": "monitor", "id": null, "name": source}),
        Actor::PagerDuty { name } if name == "PagerDuty" => json!({"kind": "pager_duty", "id": null, "name": name}),
        Actor::PagerDuty { name } => json!({"kind": "pager_duty", "id": null, "name": format!("{name} (PagerDuty)")}),
        Actor::Muster => json!({"kind": "muster", "id": null, "name": "Muster"}),
    }
}

/// The data for the card, the topic, the announcement and `show`.
pub fn incident(incident: &Incident, names: Names<'_>, now: Time) -> Value {
    let people = |role: Role| -> Vec<Value> {
        incident.roles.get(&role).into_iter().flatten().map(|id| person(id, names)).collect()
    };
    let roles: Vec<Value> = Role::ALL
        .into_iter()
        .map(|role| json!({"role": role.as_str(), "people": people(role)}))
        .filter(|role| role["people"].as_array().is_some_and(|people| !people.is_empty()))
        .collect();
    let pages: Vec<Value> = incident
        .pages
        .values()
        .map(|page| json!({"target": page.target, "status": page.status, "url": page.url}))
        .collect();
    let mut view = json!({
        "name": incident.name(),
        "title": incident.title,
        "status": incident.status.as_str(),
        "severity": incident.severity.to_string(),
        "pillar": incident.pillar.as_str(),
        "assets": incident.assets.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "source": incident.source,
        "service": incident.service,
        "acknowledged_by": incident.acknowledged_by.as_ref().map(|by| match names(by) {
            // A person from PagerDuty has only a name.
            name if name == *by => json!({"name": by}),
            _ => person(by, names),
        }),
        "commander": incident.holder(Role::Commander).map(|id| person(id, names)),
        "roles": roles,
        "pages": pages,
        "alerts": incident.alerts,
        "firing": incident.firing,
        "unrecovered": incident.unrecovered,
        "left_out": incident.left_out,
        "tasks": incident.tasks,
        "open_tasks": incident.open_tasks,
        "channel": incident.channel.as_ref().map(|channel| channel.name.clone()),
        "opened_at": incident.opened_at,
        "age": duration(incident.opened_at, incident.resolved_at.unwrap_or(now)),
        "roots": roots(&incident.roots),
        "root": roots(&incident.roots).first(),
        "radius": incident.radius.as_ref().map(Radius::words),
        "drill": incident.drill,
        "private": incident.private,
        "duty": incident.duty.iter().map(|duty| on_duty(duty, names)).collect::<Vec<_>>(),
        "task_list": [],
        "bad_from": incident.bad_from,
        "good_again": incident.good_again,
        "cause": incident.cause,
        "fix": incident.fix,
        "last_update": incident.last_update,
        "last_impact": incident.last_impact,
        "next_update": incident.next_update,
        "checklist": incident.checklist.as_ref().map(|list| json!({
            "title": list.title, "settled": list.settled(), "steps": list.steps.len(),
        })),
        "drafted": incident.drafted_at.is_some(),
        "reviewed": incident.reviewed_at.is_some(),
    });
    view["told"] = incident.told.unwrap_or_default().into();
    view["telling"] = incident.told.map_or(0, |told| incident.to_tell.saturating_sub(told + incident.unreached)).into();
    view["unreached"] = incident.unreached.into();
    view["standing"] = standing(incident, now).into();
    view["updated_at"] = json!(incident.updated_at);
    view["ending"] = json!(incident.ending);
    view
}

/// How long it is open, or how long it was.
fn standing(incident: &Incident, now: Time) -> String {
    match (&incident.merged_into, incident.resolved_at) {
        (Some((_, into)), _) => format!("merged into {into}"),
        (None, Some(at)) => format!("resolved after {}", duration(incident.opened_at, at)),
        (None, None) => format!("open for {}", duration(incident.opened_at, now)),
    }
}

/// The data for the words of an event: the event and its incident.
pub fn event(templates: &Templates, event: &Event, by: &Actor, of: &Incident, names: Names<'_>, now: Time) -> Value {
    let mut view = happened(templates, event, by, names);
    view["incident"] = incident(of, names, now);
    view
}

/// An event's own fields, with people as views and reasons in words, and the person who did it.
pub(super) fn happened(templates: &Templates, event: &Event, by: &Actor, names: Names<'_>) -> Value {
    let mut fields = serde_json::to_value(event).unwrap_or_default();
    let who = |id: &UserId| person(id, names);
    let called = |id: &UserId| names(id);
    match event {
        Event::CommanderMissing { people, .. } => fields["people"] = people.iter().map(who).collect(),
        Event::RoleGranted { person, from, .. } => {
            fields["person"] = who(person);
            fields["from"] = from.as_ref().map(who).into();
        }
        Event::RoleLeft { person, .. } => fields["person"] = who(person),
        Event::HandoverRequested { by, holder, .. } => {
            fields["by"] = who(by);
            fields["holder"] = who(holder);
        }
        Event::HandoverDeclined { by } => fields["by"] = who(by),
        Event::MessagePinned { author, .. } => fields["author"] = who(author),
        Event::TaskAdded { assignee: Some(assignee), .. }
        | Event::TaskAssigned { assignee, .. }
        | Event::TaskDue { assignee: Some(assignee), .. } => fields["assignee"] = who(assignee),
        Event::DutyNamed { duty } => fields["duty"] = duty.iter().map(|one| on_duty(one, names)).collect(),
        Event::DrillScored { points } => {
            let shown = points.iter().map(|point| {
                json!({"what": point.what.words(), "done": point.done, "timed": point.minutes.is_some(), "minutes": point.minutes})
            });
            fields["points"] = shown.collect();
            fields["done"] = points.iter().filter(|point| point.done).count().into();
            fields["total"] = points.len().into();
        }
        Event::AlertResolved { lapsed, unrecovered, .. } => {
            fields["lapsed"] = (*lapsed).into();
            fields["unrecovered"] = unrecovered.clone().into();
        }
        Event::AlertJoined { because, .. } => fields["because"] = because.words(&called).into(),
        Event::AlertsJoined { joined } => {
            for (index, one) in joined.iter().enumerate() {
                fields["joined"][index]["because"] = one.because.words(&called).into();
                fields["joined"][index]["left_out"] = one.left_out.clone().into();
            }
            fields["count"] = joined.len().into();
            fields["more"] = joined.len().saturating_sub(JOINED_NAMED).into();
        }
        Event::RunbookAttached { because, .. } => fields["because"] = because.words(&called).into(),
        // A step is Markdown. In a sentence, its markup is in the way.
        Event::StepDone { text, .. } | Event::StepSkipped { text, .. } => {
            fields["text"] = text.replace(['`', '*'], "").into();
        }
        Event::Opened(opened) => fields["severity_because"] = opened.severity_because.to_string().into(),
        Event::Resolved { gaps, .. } => fields["gaps"] = gaps.iter().map(Gap::advice).collect(),
        Event::RootNamed { candidates } => fields["candidates"] = json!(roots(candidates)),
        Event::PageRequested { text, person, .. } => {
            fields["text"] = text.words(&called).into();
            fields["person"] = person.as_ref().map(who).into();
        }
        Event::RadiusMeasured { radius } => fields["radius"] = radius.words().into(),
        Event::ChannelLost { why, .. } => fields["why"] = why.words().into(),
        Event::OpeningPending { missing } => fields["missing"] = missing.iter().map(Missing::words).collect(),
        Event::PageFailed { why, .. } | Event::NoticeRefused { why, .. } => fields["why"] = why.to_string().into(),
        Event::DeliveryFailed { what, why } => {
            fields["what"] = templates.words("undelivered", &json!({"what": what})).into();
            fields["why"] = why.to_string().into();
        }
        _ => {}
    }
    let words = if let Event::Learnt { what, .. } = event { what.meaning() } else { "" };
    // "Ana is now commander (by Ana)" would be silly.
    let by_another = fields.pointer("/person/id").and_then(Value::as_str) != by.person().map(UserId::as_str);
    json!({"event": fields, "actor": actor(by, names), "by_another": by_another, "words": words})
}

/// Where it may have started, with all the evidence.
pub fn candidate(of: &Candidate) -> Value {
    let mut view = serde_json::to_value(of).unwrap_or_default();
    view["reasons"] = of.reasons.iter().map(Clue::words).collect();
    view
}

/// Who is on duty in a rotation.
fn on_duty(duty: &Duty, names: Names<'_>) -> Value {
    let people: Vec<Value> = duty.people.iter().map(|id| person(id, names)).collect();
    json!({"rotation": duty.rotation, "role": duty.role.as_str(), "from": duty.from.words(), "people": people})
}

/// Where it may have started.
#[derive(Debug, Serialize, ToSchema)]
pub struct RootView {
    asset: AssetName,
    /// In words.
    reason: String,
    /// Assets of which no check is known, so they cannot be ruled out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_monitored: Vec<String>,
}

pub fn roots(candidates: &[RootCandidate]) -> Vec<RootView> {
    let root = |root: &RootCandidate| RootView {
        asset: root.asset.clone(),
        reason: root.reason.words(),
        not_monitored: root.not_monitored.clone(),
    };
    candidates.iter().map(root).collect()
}

/// The card, with its buttons.
/// `tasks` are the open tasks, as templates see them.
/// `allows` says whether the state of the incident allows a command.
pub fn card(
    templates: &Templates,
    of: &Incident,
    tasks: &[Value],
    allows: &dyn Fn(Command) -> bool,
    names: Names<'_>,
    now: Time,
) -> Rendered {
    let name = of.name();
    let button = |press: Press, label: &str| Button::on(&name, press, label);
    let mut buttons = Vec::new();
    if allows(Command::Reopen { reason: "…".to_owned() }) {
        buttons.push(button(Press::DraftPostmortem, "Draft post-mortem"));
        if of.drafted_at.is_some() && allows(Command::Review) {
            buttons.push(button(Press::Review, "Post-mortem is reviewed"));
        }
        buttons.push(button(Press::ask(Form::Reopen), "Reopen"));
        if of.alerts > 0 && of.verdict.is_none() {
            buttons.push(button(Press::Judge(Verdict::Useful), "Alert was useful"));
            buttons.push(button(Press::Judge(Verdict::Expected), "Was expected"));
            buttons.push(button(Press::Judge(Verdict::False), "False alarm"));
        }
    } else if allows(Command::Resolve { text: None, ending: Ending::Fixed }) {
        if allows(Command::Acknowledge) {
            buttons.push(button(Press::Acknowledge, "Acknowledge").primary());
        }
        buttons.push(button(Press::TakeCommand, "Take command"));
        buttons.push(button(Press::Take(Role::Responder), "Join"));
        buttons.push(button(Press::ask(Form::AssignRoles), "Assign roles"));
        buttons.push(button(Press::ask(Form::Severity), "Severity"));
        buttons.push(button(Press::ask(Form::Runbook), "Runbook"));
        buttons.push(button(Press::ask(Form::Update), "Update"));
        if of.radius.is_some() {
            buttons.push(button(Press::Impact, "Impact"));
        }
        buttons.push(button(Press::ask(Form::More), "More…"));
        buttons.push(button(Press::ask(Form::Resolve), "Resolve").danger());
    }
    let mut view = incident(of, names, now);
    view["task_list"] = json!(tasks);
    view["phases"] = templates.words("phases", &view).into();
    for page in view["pages"].as_array_mut().into_iter().flatten() {
        page["status"] = templates.words("page_status", page).into();
    }
    Rendered::new(&templates.render("card", &view), &buttons)
}

/// The checklist, with the buttons of its next steps. Slack allows 25 per block, but a tired person needs only a few.
pub fn checklist(templates: &Templates, of: &Incident, list: &Checklist, names: Names<'_>) -> Rendered {
    let steps: Vec<Value> = list
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let (mark, by, at, words) = match &step.state {
                StepState::Open => ("☐", None, None, None),
                StepState::Done { by, at, note } => ("☑", Some(person(by, names)), Some(*at), note.clone()),
                StepState::Skipped { by, at, reason } => {
                    ("⊘", Some(person(by, names)), Some(*at), Some(reason.clone()))
                }
            };
            // A step is Markdown from a checked file, so its code and emphasis may show. A settled step is kept short.
            let text = if by.is_none() { step.text.clone() } else { short_markdown(&step.text) };
            let skipped = matches!(step.state, StepState::Skipped { .. });
            json!({"number": index + 1, "mark": mark, "text": text, "by": by, "at": at, "skipped": skipped, "words": words})
        })
        .collect();
    let mut buttons = Vec::new();
    for (index, _) in list.steps.iter().enumerate().filter(|(_, step)| step.state == StepState::Open).take(5) {
        let number = index + 1;
        buttons.push(Button::on(&of.name(), Press::StepDone(number), &format!("Done {number}")).primary());
        let skip = Press::Ask(Form::Skip, number.to_string());
        buttons.push(Button::on(&of.name(), skip, &format!("Skip {number}")));
    }
    let view = json!({
        "incident": of.name(), "title": list.title, "id": list.runbook, "steps": steps,
        "settled": list.settled(), "total": list.steps.len(),
    });
    Rendered::new(&templates.render("checklist", &view), &buttons)
}

/// Markdown that fits into a line of a list, or else the beginning of its words.
fn short_markdown(text: &str) -> String {
    if text.chars().count() <= super::templates::MAX_SHORT {
        return text.to_owned();
    }
    super::escape(&super::markdown::cut(&super::plain(text), super::templates::MAX_SHORT))
}

/// The message about an event, with the buttons that answer it.
pub fn said(templates: &Templates, what: &Event, by: &Actor, of: &Incident, names: Names<'_>, now: Time) -> Rendered {
    let name = of.name();
    let button = |press: Press, label: &str| Button::on(&name, press, label);
    let buttons = match what {
        Event::HandoverRequested { id, .. } => {
            let answer = |accept| Press::AnswerHandover { request: id.clone(), accept };
            vec![button(answer(true), "Hand over").primary(), button(answer(false), "Keep the command")]
        }
        Event::RootNamed { .. } => vec![button(Press::Impact, "Impact")],
        Event::AllGreen { .. } => vec![button(Press::ask(Form::Resolve), "Resolve").primary()],
        Event::TaskAdded { task, .. } | Event::TaskAssigned { task, .. } | Event::TaskDue { task, .. } => {
            vec![button(Press::TaskDone(*task), "Done").primary(), button(Press::TaskTake(*task), "I take it")]
        }
        Event::CommanderMissing { .. } => vec![button(Press::TakeCommand, "Take command").primary()],
        Event::StillPending { .. } => vec![button(Press::Acknowledge, "Acknowledge").primary()],
        Event::UpdateOverdue { .. } | Event::UpdateDue { .. } => vec![
            button(Press::ask(Form::Update), "Update").primary(),
            button(Press::Remind(Some(15)), "In 15 minutes"),
            button(Press::Remind(None), "Stop reminding"),
        ],
        Event::Resolved { .. } => vec![
            button(Press::DraftPostmortem, "Draft post-mortem"),
            button(Press::ask(Form::Cause), "Name the cause"),
            button(Press::ask(Form::Learnt), "What did we learn?"),
        ],
        Event::Looked { .. } | Event::CauseNamed { .. } | Event::Why { .. } => {
            vec![button(Press::ask(Form::Why), "Why?")]
        }
        _ => Vec::new(),
    };
    Rendered::new(&templates.render(what.name(), &event(templates, what, by, of, names, now)), &buttons)
}

/// What an incident or asset reaches, by team.
pub fn impact(of: &str, candidates: &[Candidate], impact: &Impact, unknown: &[String]) -> Value {
    let roots: Vec<Value> = candidates
        .iter()
        .take(3)
        .enumerate()
        .map(|(place, root)| {
            let mut view = candidate(root);
            view["place"] = (place + 1).into();
            view
        })
        .collect();
    let teams: Vec<Value> = impact
        .teams
        .iter()
        .take(15)
        .map(|team| {
            let assets: Vec<Value> = team
                .assets
                .iter()
                .take(6)
                .map(|affected| json!({"asset": affected.asset, "kind": affected.kind.as_str(), "tier": affected.tier}))
                .collect();
            let more = team.total.saturating_sub(assets.len());
            json!({"name": team.owner.name, "tier": team.tier(), "assets": assets, "more": more, "total": team.total})
        })
        .collect();
    json!({
        "of": of, "words": impact.words(), "roots": roots, "teams": teams,
        "more_teams": impact.teams.len().saturating_sub(15),
        "unowned": impact.unowned, "doubtful": impact.doubtful, "unknown": unknown, "unreachable": [],
        "has_lineage": true, "was": false, "recorded": null,
    })
}

/// How a notice is sent, and what is known of their data when it is.
#[derive(Default)]
pub struct Sent {
    pub by_mail: bool,
    /// Only if it says that the incident is over.
    pub known: Option<AllClear>,
}

/// What somebody outside reads, as Markdown. A mail has no button, so it says how to hear no more.
pub fn notice(
    templates: &Templates,
    notice: &Notice,
    to: &Recipient,
    of: &Incident,
    names: Names<'_>,
    now: Time,
    Sent { by_mail, known }: &Sent,
) -> String {
    let (template, text) = match notice {
        Notice::First { whom: Whom::Downstream, text } => ("notice_downstream", text.as_ref()),
        Notice::First { whom: Whom::Upstream, text } => ("notice_upstream", text.as_ref()),
        Notice::First { whom: Whom::Subscribed, text } => ("notice_subscribed", text.as_ref()),
        Notice::Update { text, .. } => ("notice_update", Some(text)),
        Notice::Merged { into } => ("notice_merged", Some(into)),
        Notice::AllClear { text, .. } => ("notice_all_clear", text.as_ref()),
        Notice::Reopened { reason } => ("notice_reopened", Some(reason)),
    };
    let (next, impact) = match notice {
        Notice::Update { next, impact, .. } => (*next, impact.as_ref()),
        _ => (None, None),
    };
    let since = of.bad_from.unwrap_or(of.detected_at);
    let ask = match notice {
        Notice::First { whom: whom @ (Whom::Upstream | Whom::Downstream), .. } => Some(ask(templates, *whom)),
        _ => None,
    };
    let how_to_mute = by_mail.then(|| templates.words("how_to_mute", &json!({"incident": of.name(), "name": to.name})));
    let by = match notice {
        Notice::AllClear { by, .. } => by.as_ref().map(|by| actor(by, names)),
        _ => None,
    };
    // Only these may be called good again.
    let assets = known.as_ref().map_or(&to.assets, |known| &known.clear);
    let view = json!({
        "known": known, "is_clear": known.as_ref().is_some_and(AllClear::is_clear), "by": by,
        "ask": ask, "to": to.name, "assets": assets, "more": to.total.saturating_sub(to.assets.len()),
        "text": text, "next": next, "impact": impact, "since": since, "how_to_mute": how_to_mute,
        "green": matches!(notice, Notice::AllClear { green: true, .. }), "incident": incident(of, names, now),
    });
    templates.render(template, &view)
}

/// What a notice asks of people, in plain words, if nobody wrote other words.
pub fn ask(templates: &Templates, whom: Whom) -> String {
    let template = match whom {
        Whom::Upstream => "ask_upstream",
        Whom::Downstream | Whom::Subscribed => "ask_downstream",
    };
    templates.words(template, &json!({}))
}

/// The line in the announcement channel. It gives no details if strangers read it.
pub fn announcement(templates: &Templates, of: &Incident, strangers: bool, names: Names<'_>, now: Time) -> Rendered {
    // A person who reads it there may want to hear more later.
    let buttons = if of.status.is_open() && !strangers {
        vec![Button::on(&of.name(), Press::Subscribe, "Tell me how it goes on")]
    } else {
        Vec::new()
    };
    let mut view = incident(of, names, now);
    view["strangers"] = strangers.into();
    Rendered::new(&templates.render("announcement", &view), &buttons)
}

/// The topic: plain text of at most 250 characters.
pub fn topic(templates: &Templates, of: &Incident, names: Names<'_>, now: Time) -> String {
    super::markdown::cut(&super::plain(&templates.render("topic", &incident(of, names, now))), 250)
}

/// The question for the severity, as forms ask it.
pub fn severity_input(now: Severity) -> ModalInput {
    let options = Severity::ALL.map(|one| (one.number().to_string(), format!("{one}: {}", one.meaning())));
    let (id, label) = ("severity", "How bad is it? If unsure, take the higher one.");
    ModalInput::Choice { id, label, options: options.to_vec(), initial: Some(now.number().to_string()) }
}
