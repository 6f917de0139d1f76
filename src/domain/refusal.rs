//! Why something is refused, in words for the one who asked: what stands in the way, and what to do instead.

use std::fmt;

use super::incident::Status;
use super::permission::{Standing, Verb};
use super::{Role, Severity};
use crate::tr;

/// A command that changes nothing. Shown only to the one who asked.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant's words stand below")]
pub enum Refusal {
    AlreadyAcknowledged { incident: String, by: String, at: String },
    AlreadyInStatus { incident: String, status: Status },
    IsResolved { incident: String },
    IsMerged { incident: String, into: String },
    NoSuchAlert { incident: String },
    SameIncident,
    NotResolved { incident: String, status: Status },
    AlreadyHasRole { incident: String, role: Role },
    HandoverPending { who: String, due: String },
    HandoverSettled,
    NotTheCommander { holder: String },
    AlreadySeverity { incident: String, severity: Severity },
    NoRunbook { incident: String },
    RunbookAttached { incident: String, title: String },
    NoSuchStep { step: usize, steps: usize },
    StepSettled { step: usize, what: &'static str, by: String, at: String },
    NoSuchTask { incident: String, task: u32 },
    TaskDone { task: u32 },
    Empty { what: &'static str, example: &'static str },
    TooLong { what: &'static str, max: usize, length: usize },
    InTheFuture { at: String },
    GoodBeforeBad { good: String, bad: String },
    BadAfterGood { bad: String, good: String },
    NoSuchService { target: String, hint: String },
    NoRoutingKey { target: String },
    NobodyLeftToTell { whom: &'static str },
    NobodyToTell { whom: &'static str, incident: String },
    NotTold { name: String, incident: String, hint: String },
    AlreadySubscribed { incident: String },
    AlreadyPinned,
    NoSuchWhy { why: u32, whys: u32 },
    TooManyWhys { max: u32 },
    TooManyPages { incident: String, max: usize },
    NotOver { incident: String },
    ReviewedAlready { incident: String },
    Reserved { verb: Verb, who: super::permission::Who, hint: String },
    AlreadyHere { incident: String },
    Drill { incident: String },
    HasNotRole { incident: String, role: Role },
    NotEditable { line: u64 },
    NotAllowed { verb: Verb, standing: Standing },
    NotForThem { name: String, standing: Standing },
    HasTheCommand { holder: String },
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::AlreadyAcknowledged { incident, by, at } => tr!(
                "{by} already acknowledged {incident} at {at}. Take a role with `/incident take responder` to join in.",
                by = by,
                incident = incident,
                at = at
            ),
            Self::AlreadyInStatus { incident, status } => {
                tr!("{incident} is {status} already.", incident = incident, status = status)
            }
            Self::IsResolved { incident } => tr!(
                "{incident} is resolved. If it is not over, reopen it with `/incident reopen <reason>`.",
                incident = incident
            ),
            Self::IsMerged { incident, into } => {
                tr!("{incident} was merged into {into}, and goes on there.", incident = incident, into = into)
            }
            Self::NoSuchAlert { incident } => {
                tr!("{incident} has no such alert. `/incident alerts` numbers them.", incident = incident)
            }
            Self::SameIncident => {
                tr!("An incident cannot be merged into itself; name another, for example `/incident merge INC-12`.")
            }
            Self::NotResolved { incident, status } => {
                tr!("{incident} is {status}, so there is nothing to reopen.", incident = incident, status = status)
            }
            Self::AlreadyHasRole { incident, role } => {
                tr!("You are {role} of {incident} already.", role = role, incident = incident)
            }
            Self::HandoverPending { who, due } => tr!(
                "{who} already asked for the command; it goes over at {due} unless it is kept.",
                who = who,
                due = due
            ),
            Self::HandoverSettled => tr!("That request for the command is settled already."),
            Self::NotTheCommander { holder } => tr!("Only the commander, {holder}, can answer this.", holder = holder),
            Self::AlreadySeverity { incident, severity } => {
                tr!("{incident} is {severity} already.", incident = incident, severity = severity)
            }
            Self::NoRunbook { incident } => tr!(
                "There is no runbook on {incident} yet. Bring one with `/incident runbook <name>`; `/incident runbook` lists them.",
                incident = incident
            ),
            Self::RunbookAttached { incident, title } => tr!(
                "The runbook “{title}” is on {incident} already. Its steps are in the channel.",
                title = title,
                incident = incident
            ),
            Self::NoSuchStep { step, steps } => {
                tr!("The checklist has {steps} steps; there is no step {step}.", steps = steps, step = step)
            }
            Self::StepSettled { step, what, by, at } => {
                tr!(
                    "Step {step} was {what} already, by {by} at {at}.",
                    step = step,
                    what = crate::words::label(what),
                    by = by,
                    at = at
                )
            }
            Self::NoSuchTask { incident, task } => tr!(
                "There is no task {task} on {incident}. `/incident show` lists them.",
                task = task,
                incident = incident
            ),
            Self::TaskDone { task } => tr!("Task {task} is done already.", task = task),
            Self::Empty { what, example } => tr!(
                "{what} cannot be empty. {example}",
                what = crate::words::label(what),
                example = crate::words::label(example)
            ),
            Self::TooLong { what, max, length } => tr!(
                "{what} can be at most {max} characters long; this has {length}.",
                what = crate::words::label(what),
                max = max,
                length = length
            ),
            Self::InTheFuture { at } => tr!(
                "{at} is in the future, and data cannot have gone bad or good then yet. Give a time that has passed, such as `06:10` or `2h ago`.",
                at = at
            ),
            Self::GoodBeforeBad { good, bad } => tr!(
                "{good} is before the data went bad ({bad}). Correct that first with `/incident since <time>`.",
                good = good,
                bad = bad
            ),
            Self::BadAfterGood { bad, good } => tr!(
                "{bad} is after the data was good again ({good}). Correct that first with `/incident good-again <time>`.",
                bad = bad,
                good = good
            ),
            Self::NoSuchService { target, hint } => {
                tr!("There is no service “{target}” to page. {hint}", target = target, hint = hint)
            }
            Self::NoRoutingKey { target } => tr!(
                "PagerDuty is not set up for “{target}”: no routing key. Ask whoever runs Muster to set one; until then call by hand.",
                target = target
            ),
            Self::NoSuchWhy { why, whys: 0 } => {
                tr!("There is no why {why} yet: `/incident why <text>` answers the first.", why = why)
            }
            Self::NoSuchWhy { why, whys } => {
                tr!("There is no why {why}; the last one is {whys}.", why = why, whys = whys)
            }
            Self::TooManyWhys { max } => {
                tr!(
                    "There are {max} whys already; name the cause: `/incident cause <data|logic|operations> <text>`.",
                    max = max
                )
            }
            Self::NobodyLeftToTell { whom } => tr!(
                "Everybody {whom} who can be reached was told already; updates and the all-clear reach them by themselves.",
                whom = crate::words::label(whom)
            ),
            Self::TooManyPages { incident, max } => tr!(
                "{incident} has {max} pages that nobody ended; another wakes nobody. Call them, or have the old ones resolved in PagerDuty.",
                incident = incident,
                max = max
            ),
            Self::NobodyToTell { whom, incident } => tr!(
                "The lineage knows nobody {whom} of {incident} who could be told. Owners and how they are reached come from dbt, OpenLineage, or a YAML file (`muster lineage import`).",
                whom = crate::words::label(whom),
                incident = incident
            ),
            Self::NotTold { name, incident, hint } => tr!(
                "“{name}” was not told of {incident}, so there is nothing to mute. {hint}",
                name = name,
                incident = incident,
                hint = hint
            ),
            Self::AlreadySubscribed { incident } => tr!("You hear of {incident} already.", incident = incident),
            Self::AlreadyPinned => tr!("This message is on the timeline already."),
            Self::NotOver { incident } => tr!(
                "{incident} is not over; a post-mortem is reviewed after the end. `/incident resolve` ends it.",
                incident = incident
            ),
            Self::ReviewedAlready { incident } => {
                tr!("The post-mortem of {incident} is reviewed already.", incident = incident)
            }
            Self::Reserved { verb, who, hint } => tr!(
                "Only {who} may {verb}. {hint} `/incident help who` shows who may do what.",
                who = crate::words::label(who.as_str()),
                verb = crate::words::label(verb.as_str()),
                hint = hint
            ),
            Self::AlreadyHere { incident } => tr!("{incident} is worked on here already.", incident = incident),
            Self::Drill { incident } => {
                tr!("{incident} is a drill: nobody outside is paged or told.", incident = incident)
            }
            Self::HasNotRole { incident, role } => {
                tr!("You do not have the role of {role} in {incident}.", role = role, incident = incident)
            }
            Self::NotEditable { line } => tr!(
                "Line {line} of the timeline is Muster's own record of what happened; its words stay. Its time can be corrected: `/incident edit {line} at 06:10`.",
                line = line
            ),
            Self::NotAllowed { verb, standing } => explain_permission(*verb, *standing),
            Self::NotForThem { name, standing: Standing::Unknown } => tr!(
                "I do not know {name} yet and have just asked Slack who that is. Please try once more in a few seconds.",
                name = name
            ),
            Self::NotForThem { name, standing: Standing::Guest } => {
                tr!("{name} is a guest of this workspace and can do nothing here; name a member.", name = name)
            }
            Self::NotForThem { name, .. } => tr!(
                "{name} is a bot, deactivated, or of another workspace, and can do nothing here; name a member.",
                name = name
            ),
            Self::HasTheCommand { holder } => tr!(
                "{holder} has the command; name whom it goes to, or let them give it back with `/incident leave commander`.",
                holder = holder
            ),
        };
        f.write_str(&words)
    }
}

fn explain_permission(verb: Verb, standing: Standing) -> String {
    let verb = crate::words::label(verb.as_str());
    match standing {
        Standing::Guest => {
            tr!("Guests of this workspace cannot {verb}. Ask a member in the channel to do it.", verb = verb)
        }
        Standing::Stranger => {
            tr!("People from another workspace cannot {verb} here. Ask a member in the channel to do it.", verb = verb)
        }
        Standing::Unknown => {
            tr!("I do not know you yet and have just asked Slack who you are. Please try once more in a few seconds.")
        }
        _ => tr!("This account may not {verb}.", verb = verb),
    }
}
