//! Why something is refused, in words for the person who asked: what prevents it, and what to do instead.

use thiserror::Error;

use super::incident::Status;
use super::permission::{Standing, Verb, Who};
use super::{Role, Severity, counted};

/// Why a command changes nothing. Only the person who asked sees it.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    #[error("{by} already acknowledged {incident} at {at}. Take a role with `/incident take responder` to join in.")]
    AlreadyAcknowledged { incident: String, by: String, at: String },
    #[error("{incident} is {status} already.")]
    AlreadyInStatus { incident: String, status: Status },
    #[error("{incident} is resolved. If it is not over, reopen it with `/incident reopen <reason>`.")]
    IsResolved { incident: String },
    #[error("{incident} was merged into {into}, and goes on there.")]
    IsMerged { incident: String, into: String },
    #[error("{incident} has no such alert. `/incident alerts` numbers them.")]
    NoSuchAlert { incident: String },
    #[error("An incident cannot be merged into itself; name another, for example `/incident merge INC-12`.")]
    SameIncident,
    #[error("{incident} is {status}, so there is nothing to reopen.")]
    NotResolved { incident: String, status: Status },
    #[error("You are {role} of {incident} already.")]
    AlreadyHasRole { incident: String, role: Role },
    #[error("{who} already asked for the command; it goes over at {due} unless it is kept.")]
    HandoverPending { who: String, due: String },
    #[error("That request for the command is settled already.")]
    HandoverSettled,
    #[error("Only the commander, {holder}, can answer this.")]
    NotTheCommander { holder: String },
    #[error("{incident} is {severity} already.")]
    AlreadySeverity { incident: String, severity: Severity },
    #[error(
        "There is no runbook on {incident} yet. Bring one with `/incident runbook <name>`; `/incident runbook` lists them."
    )]
    NoRunbook { incident: String },
    #[error("The runbook “{title}” is on {incident} already. Its steps are in the channel.")]
    RunbookAttached { incident: String, title: String },
    #[error("The checklist has {}; there is no step {step}.", counted(*steps, "step"))]
    NoSuchStep { step: usize, steps: usize },
    #[error("Step {step} was {what} already, by {by} at {at}.")]
    StepSettled { step: usize, what: &'static str, by: String, at: String },
    #[error("There is no task {task} on {incident}. `/incident show` lists them.")]
    NoSuchTask { incident: String, task: u32 },
    #[error("Task {task} is done already.")]
    TaskDone { task: u32 },
    #[error("{what} cannot be empty. {example}")]
    Empty { what: &'static str, example: &'static str },
    #[error("{what} can be at most {max} characters long; this has {length}.")]
    TooLong { what: &'static str, max: usize, length: usize },
    #[error(
        "{at} is in the future, and data cannot have gone bad or good then yet. Give a time that has passed, such as `06:10` or `2h ago`."
    )]
    InTheFuture { at: String },
    #[error("{good} is before the data went bad ({bad}). Correct that first with `/incident since <time>`.")]
    GoodBeforeBad { good: String, bad: String },
    #[error("{bad} is after the data was good again ({good}). Correct that first with `/incident good-again <time>`.")]
    BadAfterGood { bad: String, good: String },
    #[error("There is no service “{name}”. {hint}")]
    NoSuchService { name: String, hint: String },
    #[error(
        "PagerDuty is not set up for “{target}”: no routing key. Ask whoever runs Muster to set one; until then call by hand."
    )]
    NoRoutingKey { target: String },
    #[error(
        "Everybody {whom} who can be reached was told already, or is being told; updates, and how it ends, reach them by themselves."
    )]
    NobodyLeftToTell { whom: &'static str },
    #[error(
        "The lineage knows nobody {whom} of {incident} who could be told. Owners and how they are reached come from dbt, OpenLineage, or a YAML file (`muster lineage import`)."
    )]
    NobodyToTell { whom: &'static str, incident: String },
    #[error("“{name}” does not hear of {incident}, so there is nothing to mute. {hint}")]
    NotTold { name: String, incident: String, hint: String },
    #[error("You hear of {incident} already.")]
    AlreadySubscribed { incident: String },
    #[error("This message is on the timeline already.")]
    AlreadyPinned,
    #[error("{}", no_such_why(*why, *whys))]
    NoSuchWhy { why: u32, whys: u32 },
    #[error("There are {max} whys already; name the cause: `/incident cause <data|logic|operations> <text>`.")]
    TooManyWhys { max: u32 },
    #[error(
        "{incident} has {max} pages that are still open. Another page would wake nobody. Call them, or have the old ones resolved in PagerDuty."
    )]
    TooManyPages { incident: String, max: usize },
    #[error("{incident} is not over; a post-mortem is reviewed after the end. `/incident resolve` ends it.")]
    NotOver { incident: String },
    #[error("The post-mortem of {incident} is reviewed already.")]
    ReviewedAlready { incident: String },
    #[error("Only {} may {}. {hint} `/incident help who` shows who may do what.", who.as_str(), verb.as_str())]
    Reserved { verb: Verb, who: Who, hint: String },
    #[error("{incident} is worked on here already.")]
    AlreadyHere { incident: String },
    #[error("{incident} is a drill: nobody outside is paged or told.")]
    Drill { incident: String },
    #[error("You do not have the role of {role} in {incident}.")]
    HasNotRole { incident: String, role: Role },
    #[error(
        "Line {line} of the timeline is Muster's own record of what happened; its words stay. Its time can be corrected: `/incident edit {line} at 06:10`."
    )]
    NotEditable { line: u64 },
    #[error("{}", not_allowed(*verb, *standing))]
    NotAllowed { verb: Verb, standing: Standing },
    #[error("{}", not_for_them(name, *standing))]
    NotForThem { name: String, standing: Standing },
    #[error(
        "{holder} has the command; name whom it goes to, or let them give it back with `/incident leave commander`."
    )]
    HasTheCommand { holder: String },
}

impl Refusal {
    /// Whether a moment that somebody gave prevents it.
    pub fn is_about_a_moment(&self) -> bool {
        matches!(self, Self::InTheFuture { .. } | Self::GoodBeforeBad { .. } | Self::BadAfterGood { .. })
    }
}

fn no_such_why(why: u32, whys: u32) -> String {
    match whys {
        0 => format!("There is no why {why} yet: `/incident why <text>` answers the first."),
        _ => format!("There is no why {why}; the last one is {whys}."),
    }
}

fn not_for_them(name: &str, standing: Standing) -> String {
    match standing {
        Standing::Unknown => {
            format!(
                "Slack knows nobody by the id {name} in this workspace, so nothing was given to them; name a member."
            )
        }
        Standing::Unanswered => format!(
            "Slack did not answer who {name} is, so nothing was given to them. I ask again by myself; please try once more in a minute."
        ),
        Standing::Guest => {
            format!("{name} is a guest of this workspace and can do nothing here; name a member.")
        }
        _ => format!("{name} is a bot, deactivated, or of another workspace, and can do nothing here; name a member."),
    }
}

fn not_allowed(verb: Verb, standing: Standing) -> String {
    let verb = verb.as_str();
    match standing {
        Standing::Guest => {
            format!("Guests of this workspace cannot {verb}. Ask a member in the channel to do it.")
        }
        Standing::Stranger => {
            format!("People from another workspace cannot {verb} here. Ask a member in the channel to do it.")
        }
        Standing::Unknown => format!(
            "Slack says that it knows nobody by your id in this workspace, so you cannot {verb}. Ask a member in the channel to do it. Whoever runs the workspace can say why."
        ),
        Standing::Unanswered => format!(
            "Slack did not answer who you are, and without that you cannot {verb}. I ask again by myself; please try once more in a minute."
        ),
        _ => format!("This account may not {verb}."),
    }
}
