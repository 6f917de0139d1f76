//! Why something is refused, in words for the one who asked: what stands in the way, and what to do instead.

use std::fmt;

use super::incident::Status;
use super::permission::{Standing, Verb};
use super::{Role, Severity};

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
            Self::AlreadyAcknowledged { incident, by, at } => format!(
                "{by} already acknowledged {incident} at {at}. Take a role with `/incident take responder` to join in."
            ),
            Self::AlreadyInStatus { incident, status } => {
                format!("{incident} is {status} already.")
            }
            Self::IsResolved { incident } => {
                format!("{incident} is resolved. If it is not over, reopen it with `/incident reopen <reason>`.")
            }
            Self::IsMerged { incident, into } => {
                format!("{incident} was merged into {into}, and goes on there.")
            }
            Self::NoSuchAlert { incident } => {
                format!("{incident} has no such alert. `/incident alerts` numbers them.")
            }
            Self::SameIncident => {
                "An incident cannot be merged into itself; name another, for example `/incident merge INC-12`."
                    .to_owned()
            }
            Self::NotResolved { incident, status } => {
                format!("{incident} is {status}, so there is nothing to reopen.")
            }
            Self::AlreadyHasRole { incident, role } => {
                format!("You are {role} of {incident} already.")
            }
            Self::HandoverPending { who, due } => {
                format!("{who} already asked for the command; it goes over at {due} unless it is kept.")
            }
            Self::HandoverSettled => "That request for the command is settled already.".to_owned(),
            Self::NotTheCommander { holder } => format!("Only the commander, {holder}, can answer this."),
            Self::AlreadySeverity { incident, severity } => {
                format!("{incident} is {severity} already.")
            }
            Self::NoRunbook { incident } => format!(
                "There is no runbook on {incident} yet. Bring one with `/incident runbook <name>`; `/incident runbook` lists them."
            ),
            Self::RunbookAttached { incident, title } => {
                format!("The runbook “{title}” is on {incident} already. Its steps are in the channel.")
            }
            Self::NoSuchStep { step, steps } => {
                format!("The checklist has {steps} steps; there is no step {step}.")
            }
            Self::StepSettled { step, what, by, at } => {
                format!("Step {step} was {what} already, by {by} at {at}.")
            }
            Self::NoSuchTask { incident, task } => {
                format!("There is no task {task} on {incident}. `/incident show` lists them.")
            }
            Self::TaskDone { task } => format!("Task {task} is done already."),
            Self::Empty { what, example } => {
                format!("{what} cannot be empty. {example}")
            }
            Self::TooLong { what, max, length } => {
                format!("{what} can be at most {max} characters long; this has {length}.")
            }
            Self::InTheFuture { at } => format!(
                "{at} is in the future, and data cannot have gone bad or good then yet. Give a time that has passed, such as `06:10` or `2h ago`."
            ),
            Self::GoodBeforeBad { good, bad } => {
                format!("{good} is before the data went bad ({bad}). Correct that first with `/incident since <time>`.")
            }
            Self::BadAfterGood { bad, good } => format!(
                "{bad} is after the data was good again ({good}). Correct that first with `/incident good-again <time>`."
            ),
            Self::NoSuchService { target, hint } => {
                format!("There is no service “{target}” to page. {hint}")
            }
            Self::NoRoutingKey { target } => format!(
                "PagerDuty is not set up for “{target}”: no routing key. Ask whoever runs Muster to set one; until then call by hand."
            ),
            Self::NoSuchWhy { why, whys: 0 } => {
                format!("There is no why {why} yet: `/incident why <text>` answers the first.")
            }
            Self::NoSuchWhy { why, whys } => {
                format!("There is no why {why}; the last one is {whys}.")
            }
            Self::TooManyWhys { max } => {
                format!(
                    "There are {max} whys already; name the cause: `/incident cause <data|logic|operations> <text>`."
                )
            }
            Self::NobodyLeftToTell { whom } => format!(
                "Everybody {whom} who can be reached was told already; updates and the all-clear reach them by themselves."
            ),
            Self::TooManyPages { incident, max } => format!(
                "{incident} has {max} pages that nobody ended; another wakes nobody. Call them, or have the old ones resolved in PagerDuty."
            ),
            Self::NobodyToTell { whom, incident } => format!(
                "The lineage knows nobody {whom} of {incident} who could be told. Owners and how they are reached come from dbt, OpenLineage, or a YAML file (`muster lineage import`)."
            ),
            Self::NotTold { name, incident, hint } => {
                format!("“{name}” was not told of {incident}, so there is nothing to mute. {hint}")
            }
            Self::AlreadySubscribed { incident } => format!("You hear of {incident} already."),
            Self::AlreadyPinned => "This message is on the timeline already.".to_owned(),
            Self::NotOver { incident } => {
                format!("{incident} is not over; a post-mortem is reviewed after the end. `/incident resolve` ends it.")
            }
            Self::ReviewedAlready { incident } => {
                format!("The post-mortem of {incident} is reviewed already.")
            }
            Self::Reserved { verb, who, hint } => format!(
                "Only {who} may {verb}. {hint} `/incident help who` shows who may do what.",
                who = who.as_str(),
                verb = verb.as_str()
            ),
            Self::AlreadyHere { incident } => format!("{incident} is worked on here already."),
            Self::Drill { incident } => {
                format!("{incident} is a drill: nobody outside is paged or told.")
            }
            Self::HasNotRole { incident, role } => {
                format!("You do not have the role of {role} in {incident}.")
            }
            Self::NotEditable { line } => format!(
                "Line {line} of the timeline is Muster's own record of what happened; its words stay. Its time can be corrected: `/incident edit {line} at 06:10`."
            ),
            Self::NotAllowed { verb, standing } => explain_permission(*verb, *standing),
            Self::NotForThem { name, standing: Standing::Unknown } => format!(
                "I do not know {name} yet and have just asked Slack who that is. Please try once more in a few seconds."
            ),
            Self::NotForThem { name, standing: Standing::Guest } => {
                format!("{name} is a guest of this workspace and can do nothing here; name a member.")
            }
            Self::NotForThem { name, .. } => format!(
                "{name} is a bot, deactivated, or of another workspace, and can do nothing here; name a member."
            ),
            Self::HasTheCommand { holder } => format!(
                "{holder} has the command; name whom it goes to, or let them give it back with `/incident leave commander`."
            ),
        };
        f.write_str(&words)
    }
}

fn explain_permission(verb: Verb, standing: Standing) -> String {
    let verb = verb.as_str();
    match standing {
        Standing::Guest => {
            format!("Guests of this workspace cannot {verb}. Ask a member in the channel to do it.")
        }
        Standing::Stranger => {
            format!("People from another workspace cannot {verb} here. Ask a member in the channel to do it.")
        }
        Standing::Unknown => {
            "I do not know you yet and have just asked Slack who you are. Please try once more in a few seconds."
                .to_owned()
        }
        _ => format!("This account may not {verb}."),
    }
}
