//! The words after `/incident`, read into an intent. Pure; who asked, where and whether it may be done is decided later.

use std::collections::BTreeMap;

use crate::domain::command::Declaration;
use crate::domain::event::Look;
use crate::domain::incident::{Ending, Verdict};
use crate::domain::lineage::Whom;
use crate::domain::rca::{CauseKind, Learnt};
use crate::domain::suppression::Matcher;
use crate::domain::{Command, PersonId, Role, Severity, Status, Time};

use super::when::{Toward, looks_like_one, parse as parse_when};

/// What somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Decide this about an incident.
    Do {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// What is asked.
        command: Box<Command>,
    },
    /// Ask in a modal.
    Ask {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// Which modal.
        modal: Question,
    },
    /// Bring a runbook of this name.
    Runbook {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// Its name, or a part.
        name: String,
    },
    /// Which runbooks are there?
    Runbooks,
    /// Incidents.
    List(Box<Search>),
    /// A list of what one has, numbered.
    Listed {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// What is listed.
        what: Listed,
        /// Which page, from 1.
        page: usize,
    },
    /// Correct a line of a timeline.
    Amend {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// The line's number.
        line: u64,
        /// Its words, if they change.
        text: Option<String>,
        /// Its time, if that changes.
        at: Option<Time>,
    },
    /// Open an incident; even if one looks like it.
    Declare(Box<Declaration>, bool),
    /// A task goes to whoever asks.
    TakeTask {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// The task's number.
        task: u32,
    },
    /// What the commander must know now.
    Brief(Option<u64>),
    /// What a role asks of whoever holds it.
    RoleCard {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// Which role.
        role: Role,
    },
    /// Who is on duty, for a service.
    OnCall(Option<String>),
    /// Hear of all incidents of an asset or team, or no more.
    Follow {
        /// Its name.
        of: String,
        /// Hear, or no more.
        on: bool,
    },
    /// Somebody's own address in PagerDuty.
    LinkAddress(String),
    /// Work in this channel.
    Link(Option<u64>),
    /// Who may do what.
    Who,
    /// One incident.
    Show(Option<u64>),
    /// What an incident, or an asset, reaches.
    Impact {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// The asset, if it was named.
        asset: Option<String>,
    },
    /// One asset.
    Asset(String),
    /// This incident is part of another.
    Merge {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// The other's number.
        into: u64,
    },
    /// How incidents went since, and how monitors do.
    Stats(Time),
    /// What was promised of an asset, or of an incident's, and whether it is kept.
    Sla {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// The asset, if it was named.
        asset: Option<String>,
    },
    /// An alert belongs elsewhere.
    Move {
        /// The incident's number, if it was named.
        incident: Option<u64>,
        /// Its number in the list of alerts, from 1.
        alert: usize,
        /// Where to; a new incident without.
        to: Option<u64>,
    },
    /// Hide some alerts for a while.
    Silence {
        /// Which.
        matcher: Matcher,
        /// Until when.
        until: Time,
        /// Why.
        reason: String,
    },
    /// Which silences hold.
    Silences,
    /// End a silence.
    Unsilence(u64),
    /// How it is used.
    Help(Option<String>),
}

/// What a modal asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// For a title, to open an incident.
    Declare,
    /// For people, to give roles to.
    Roles,
    /// For a severity.
    Severity,
    /// For a runbook.
    Runbook,
    /// For an update.
    Update,
    /// For the last words.
    Resolve,
    /// For why it is not over.
    Reopen,
    /// For why this step is left out.
    Skip(usize),
    /// For whom to tell, and what.
    Notify(Whom),
    /// For what a look at something showed.
    Look(Look),
    /// For a promise, which begins with these words.
    Task(String),
    /// For any verb, and the rest of its line.
    More,
    /// For the answer to the last why.
    Why,
    /// For the cause, of this kind.
    Cause(Option<CauseKind>),
    /// For what was learnt.
    Learnt(Option<Learnt>),
}

/// Which incidents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// Only those that are not over.
    pub open: bool,
    /// Only those in which I have a role.
    pub mine: bool,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Of this status.
    pub status: Option<Status>,
    /// About this asset.
    pub asset: Option<String>,
    /// Opened at or after this moment.
    pub since: Option<Time>,
    /// Opened before this moment.
    pub before: Option<Time>,
    /// With each of these words in the title, an asset, or the last update.
    pub words: Vec<String>,
    /// Older than this one.
    pub after: Option<u64>,
}

impl Search {
    /// In words: the heading of the list.
    pub fn heading(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.mine.then(|| "yours".to_owned()));
        parts.extend(self.severity.map(|severity| severity.to_string()));
        parts.extend(self.status.map(|status| status.to_string()));
        parts.extend(self.asset.as_ref().map(|asset| format!("about {asset}")));
        parts.extend(self.since.map(|at| format!("since {at}", at = at.format("%Y-%m-%d %H:%M"))));
        parts.extend(self.before.map(|at| format!("before {at}", at = at.format("%Y-%m-%d %H:%M"))));
        parts.extend((!self.words.is_empty()).then(|| format!("“{}”", self.words.join(" "))));
        let what = if self.open { "Open incidents" } else { "Incidents" };
        if parts.is_empty() { what.to_owned() } else { format!("{what}: {}", parts.join(", ")) }
    }

    /// The line that asks for the page after an incident.
    pub fn line_after(&self, number: u64) -> String {
        let mut words = vec!["search".to_owned()];
        words.extend(self.open.then(|| "open".to_owned()));
        words.extend(self.mine.then(|| "mine".to_owned()));
        words.extend(self.severity.map(|severity| severity.to_string()));
        words.extend(self.status.map(|status| status.as_str().to_owned()));
        words.extend(self.asset.as_ref().map(|asset| format!("about {asset}")));
        let moment = |at: Time| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        words.extend(self.since.map(|at| format!("since {}", moment(at))));
        words.extend(self.before.map(|at| format!("before {}", moment(at))));
        words.extend(self.words.iter().cloned());
        words.push(format!("after INC-{number}"));
        words.join(" ")
    }
}

/// What an incident has many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// What happened, the latest page first.
    Timeline,
    /// Tasks, those that are open first.
    Tasks,
    /// Alerts, in the order in which they came.
    Alerts,
}

impl Listed {
    /// The verb that asks for it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Timeline => "timeline",
            Self::Tasks => "tasks",
            Self::Alerts => "alerts",
        }
    }
}

/// No list has more pages.
const MAX_PAGE: usize = 10_000;

/// The verbs, how they are used, and what they do: the text of `help`, and the check that the parser knows each.
pub const VERBS: &[(&str, &str)] = &[
    (
        "declare [title]",
        "open an incident; without a title a form asks. `--sev 2`, `--on warehouse.orders`, `--private` say more",
    ),
    ("drill [title]", "practise: nobody is paged, nobody outside is told, no figure counts it"),
    ("list [open|mine|all]", "which incidents there are"),
    ("search <words>", "find incidents: `search orders sev2 resolved since 30d about warehouse.orders`"),
    ("show", "how this one stands"),
    ("ack", "say that you have it"),
    ("take <role>", "take a role: commander, deputy, responder, scribe, liaison; `take command` asks whoever has it"),
    ("assign <role> @user…", "give a role to people"),
    ("leave [role]", "give a role back"),
    ("role <role>", "what a role asks of you now"),
    ("oncall [service]", "who is on duty, and where that stands"),
    ("brief", "what a commander must know now: since when, root, reach, tasks, what is due"),
    ("sev <1-5>", "decide how bad it is"),
    ("update <text> [next <30m|15:00>]", "tell people how it stands, and when they hear again"),
    ("remind <15m|off>", "be reminded of the next update later, or no more"),
    ("note <text>", "put something on the timeline"),
    ("tried <text>", "write down what was tried, and what came of it; `ruled-out <text>` for what is not the cause"),
    ("timeline", "what happened, numbered; `edit <n> <text>` and `edit <n> at 06:10` correct a line"),
    ("runbook [name]", "bring a runbook; `runbook done <n> [note]`, `runbook skip <n> <reason>`"),
    ("since <time>", "since when the data is bad: `06:10`, `2h ago`, `yesterday 22:15` (UTC)"),
    ("good-again <time>", "since when the data is good again downstream"),
    ("fix <text>", "what mended it"),
    ("asset <name>", "one table, model or dashboard: how it is, whose, what it is made of, what it feeds"),
    ("impact [asset]", "what this incident, or an asset, reaches: by team and tier"),
    ("notify <upstream|downstream>", "tell the owners above, or the consumers below; a form shows whom"),
    ("look <lineage|code|data|operations> [finding]", "write down what a look showed; without a finding a form asks"),
    ("mute <team>", "tell a team no more of this incident; `unmute <team>` again"),
    (
        "subscribe [asset|team]",
        "hear of this incident, or of all of an asset or team, by direct message; `unsubscribe` ends it",
    ),
    (
        "task <text> [@user] [friday|3d|2026-12-01]",
        "promise something; `task done <n>`, `task take <n>`, `task give <n> @user`, `tasks`",
    ),
    ("page <service|@user> [text]", "page a service's people, or one person, through PagerDuty"),
    ("escalate [text]", "nobody answers: page those who answer for it again, as a new page"),
    (
        "link",
        "work on an incident in this channel: `INC-12 link`, typed where it shall go on; `link <e-mail>` tells your address in PagerDuty",
    ),
    ("mitigate [text]", "consumers are protected, the cause may still be there"),
    (
        "resolve [text]",
        "it is over: mended, good again downstream, people told; `resolve false alarm: …`, `duplicate`, `expected`; alone, it asks why and says what is missing",
    ),
    ("reopen <reason>", "it is not over"),
    ("dismiss <false-positive|expected|duplicate> <reason>", "it is over, since it was no incident, and why"),
    ("why [n] <text>", "answer a why, the last one or the n-th; five in a row usually reach the cause"),
    ("cause <data|logic|operations> <text>", "what caused it, as you agreed; never who"),
    ("retro <well|hard|lucky> <text>", "what went well, what was hard, where luck helped: for the post-mortem"),
    ("judge <useful|expected|false>", "say whether its alerts were worth it; `stats` shows the noisiest monitors"),
    ("stats [30d]", "how incidents went, and how monitors do by what people said of their alerts"),
    ("sla [asset]", "what was promised of the data, and for how long it was broken in the last 30 days"),
    ("merge INC-n", "this incident is part of another, and goes on there"),
    ("alerts", "the alerts of this incident, numbered"),
    ("move <n> <INC-n|new>", "alert n belongs to another incident, or to one of its own"),
    (
        "silence <matcher> <2h|friday> <reason>",
        "hide alerts for a while: `silence warehouse.orders* 2h backfill is running`, `silence pillar=freshness team=orders 30m …`",
    ),
    ("silences", "which silences hold, and until when"),
    ("unsilence <n>", "end a silence now"),
    ("postmortem", "draft the post-mortem from the record"),
    (
        "reviewed",
        "the post-mortem was read with those concerned; the channel is archived some days later, where that is configured",
    ),
    ("help [topic]", "this; `help who` shows who may do what"),
];

/// A line that cannot be read, in words for the one who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Unclear {
    /// What is unclear, and how it is written.
    pub words: String,
    /// The line that was perhaps meant.
    pub meant: Option<String>,
}

impl Unclear {
    fn new(words: String) -> Self {
        Self { words, meant: None }
    }
}

/// Reads a line.
///
/// # Errors
/// What is unclear, and how it is written.
pub fn parse(text: &str, now: Time) -> Result<Intent, Unclear> {
    let text = text.trim();
    let (first, rest) = split(text);
    let (incident, verb, rest) = match number(first) {
        Some(incident) => {
            let (verb, rest) = split(rest);
            (Some(incident), if verb.is_empty() { "show" } else { verb }, rest)
        }
        None => (None, first, rest),
    };
    let act = |command| Ok(Intent::Do { incident, command: Box::new(command) });
    let ask = |modal| Ok(Intent::Ask { incident, modal });
    let optional = || (!rest.is_empty()).then(|| rest.to_owned());
    match verb.to_lowercase().as_str() {
        "help" if matches!(rest.to_lowercase().as_str(), "who" | "permissions") => Ok(Intent::Who),
        "" | "help" | "?" => Ok(Intent::Help(optional())),
        "declare" | "new" | "open" | "create" | "start" if rest.is_empty() => ask(Question::Declare),
        "declare" | "new" | "open" | "create" | "start" | "declare!" | "drill" if slip_of(rest).is_some() => {
            let slip = slip_of(rest).unwrap_or_default();
            Err(usage("declare", &format!("I do not know `{slip}`, so nothing was opened.")))
        }
        "declare" | "new" | "open" | "create" | "start" => Ok(Intent::Declare(Box::new(declaration(rest)), false)),
        // What the button *Open anyway* says.
        "declare!" => Ok(Intent::Declare(Box::new(declaration(rest)), true)),
        "drill" => {
            let title = if rest.is_empty() { "practice" } else { rest };
            Ok(Intent::Declare(Box::new(Declaration { drill: true, ..declaration(title) }), true))
        }
        "list" | "ls" => match rest.to_lowercase().as_str() {
            "" | "open" => Ok(Intent::List(Box::new(Search { open: true, ..Search::default() }))),
            "mine" => Ok(Intent::List(Box::new(Search { open: true, mine: true, ..Search::default() }))),
            "all" => Ok(Intent::List(Box::default())),
            _ => search(rest, now),
        },
        "search" | "find" if rest.is_empty() => Err(usage("search", "For what?")),
        "search" | "find" => search(rest, now),
        "timeline" | "history" => Ok(listed(incident, Listed::Timeline, rest)),
        "edit" | "correct" => edit(incident, rest, now),
        "tasks" | "todo" | "actions" => Ok(listed(incident, Listed::Tasks, rest)),
        "brief" | "summary" => Ok(Intent::Brief(incident.or_else(|| number(rest)))),
        "role" | "roles" => match Role::parse(rest) {
            Some(role) => Ok(Intent::RoleCard { incident, role }),
            None if rest.is_empty() => Ok(Intent::Show(incident)),
            None => Err(usage("role", &format!("“{rest}” is no role."))),
        },
        "oncall" | "on-call" | "duty" => Ok(Intent::OnCall(optional())),
        "leave" | "drop" | "unassign" => match Role::parse(rest) {
            None if !rest.is_empty() => Err(usage("leave", &format!("“{rest}” is no role."))),
            role => act(Command::Leave { role }),
        },
        "tried" | "attempt" => act(Command::Tried { text: rest.to_owned(), ruled_out: false }),
        "ruled-out" | "ruledout" | "rule-out" => act(Command::Tried { text: rest.to_owned(), ruled_out: true }),
        "ruled" | "rule" => {
            act(Command::Tried { text: rest.trim_start_matches("out").trim().to_owned(), ruled_out: true })
        }
        "remind" | "snooze" => match rest.to_lowercase().as_str() {
            "off" | "stop" | "no" | "never" => act(Command::Remind { minutes: None }),
            "" => act(Command::Remind { minutes: Some(SNOOZE_MINUTES) }),
            when => match parse_when(when.trim_start_matches("in "), now, Toward::Future) {
                Some(at) => {
                    let minutes = u32::try_from((at - now).num_minutes().max(1)).unwrap_or(SNOOZE_MINUTES);
                    act(Command::Remind { minutes: Some(minutes) })
                }
                None => Err(no_time("remind", rest)),
            },
        },
        "show" | "status" => Ok(Intent::Show(incident.or_else(|| number(rest)))),
        "ack" | "acknowledge" | "investigating" | "claim" => act(Command::Acknowledge),
        "join" => act(Command::Take { role: Role::Responder }),
        "take" => match Role::parse(rest) {
            Some(role) => act(Command::Take { role }),
            None => Err(usage("take", "Which role?")),
        },
        "assign" if rest.is_empty() => ask(Question::Roles),
        "assign" => {
            // In any order, as people type it.
            let Some(role) = rest.split_whitespace().find_map(Role::parse) else {
                return Err(usage("assign", "Which role?"));
            };
            let people = mentions(rest);
            if people.is_empty() {
                return Err(usage("assign", "To whom? Mention people with @."));
            }
            act(Command::Assign { roles: BTreeMap::from([(role, people)]), without: BTreeMap::new() })
        }
        "sev" | "severity" | "priority" if rest.is_empty() => ask(Question::Severity),
        "sev" | "severity" | "priority" => match Severity::parse(rest) {
            Some(severity) => act(Command::SetSeverity { severity }),
            None => Err(usage("sev", "A severity is 1 (worst) to 5.")),
        },
        "update" if rest.is_empty() => ask(Question::Update),
        "update" => {
            let (text, next) = trailing_next(rest, now)?;
            act(Command::Update { text, next })
        }
        "note" => act(Command::Note { text: rest.to_owned() }),
        "runbook" => runbook(incident, rest),
        "since" => match parse_when(rest, now, Toward::Past) {
            Some(at) => act(Command::Since { at }),
            None => Err(usage("since", &format!("“{rest}” is no time I understand."))),
        },
        "good-again" | "good" => match parse_when(rest, now, Toward::Past) {
            Some(at) => act(Command::GoodAgain { at }),
            None => Err(usage("good-again", &format!("“{rest}” is no time I understand."))),
        },
        "link" | "adopt" if rest.contains('@') => match address(rest) {
            Some(address) => Ok(Intent::LinkAddress(address)),
            None => Err(usage("link", &format!("“{rest}” is no e-mail address."))),
        },
        "link" | "adopt" => Ok(Intent::Link(incident)),
        "asset" if rest.is_empty() => Err(usage("asset", "Which one?")),
        "asset" => Ok(Intent::Asset(unquote(rest))),
        "impact" | "blast" => Ok(Intent::Impact { incident, asset: optional() }),
        "notify" | "tell" => match Whom::parse(rest) {
            Some(whom) => ask(Question::Notify(whom)),
            None => Err(usage("notify", "Whom?")),
        },
        "look" => {
            let (look, finding) = split(rest);
            match Look::parse(look) {
                Some(look) if finding.is_empty() => ask(Question::Look(look)),
                Some(look) => act(Command::Look { look, finding: finding.to_owned() }),
                None => Err(usage("look", "At what?")),
            }
        }
        "mute" | "unmute" if rest.is_empty() => Err(usage("mute", "Which team?")),
        "mute" | "unmute" => act(Command::Mute { recipient: unquote(rest), muted: verb.eq_ignore_ascii_case("mute") }),
        "subscribe" | "follow" if rest.is_empty() => act(Command::Subscribe),
        "subscribe" | "follow" => match number(rest) {
            Some(incident) => Ok(Intent::Do { incident: Some(incident), command: Box::new(Command::Subscribe) }),
            None => Ok(Intent::Follow { of: unquote(rest), on: true }),
        },
        "unsubscribe" | "unfollow" if rest.is_empty() => act(Command::Unsubscribe),
        "unsubscribe" | "unfollow" => Ok(Intent::Follow { of: unquote(rest), on: false }),
        "merge" => match number(rest.trim_start_matches("into ")) {
            Some(into) => Ok(Intent::Merge { incident, into }),
            None => Err(usage("merge", "Into which one?")),
        },
        "stats" if rest.is_empty() => Ok(Intent::Stats(now - chrono::Duration::days(30))),
        "stats" => match parse_when(rest, now, Toward::Past) {
            Some(since) => Ok(Intent::Stats(since)),
            None => Err(usage("stats", &format!("“{rest}” is no time I understand."))),
        },
        "sla" => Ok(Intent::Sla { incident, asset: optional() }),
        "judge" | "alert-was" => match Verdict::parse(rest) {
            Some(verdict) => act(Command::Judge { verdict }),
            None => Err(usage("judge", "What were its alerts?")),
        },
        "alerts" => Ok(listed(incident, Listed::Alerts, rest)),
        "move" => {
            let (alert, to) = split(rest);
            let to = to.trim_start_matches("to ").trim();
            match (alert.trim_start_matches('#').parse(), number(to), to.eq_ignore_ascii_case("new")) {
                (Ok(alert), Some(to), _) => Ok(Intent::Move { incident, alert, to: Some(to) }),
                (Ok(alert), None, true) => Ok(Intent::Move { incident, alert, to: None }),
                (Ok(_), ..) => Err(usage("move", "Where to?")),
                (Err(_), ..) => Err(usage("move", "Which alert? `/incident alerts` numbers them.")),
            }
        }
        "silence" => silence(rest, now),
        "silences" => Ok(Intent::Silences),
        "unsilence" => match rest.trim_start_matches('#').parse() {
            Ok(number) => Ok(Intent::Unsilence(number)),
            Err(_) => Err(usage("unsilence", "Which one? `/incident silences` gives their numbers.")),
        },
        "fix" => act(Command::Fix { text: rest.to_owned() }),
        "task" => task(incident, rest, now),
        "page" => {
            let (target, text) = split(rest);
            if let Some(person) = mentions(target).into_iter().next() {
                return act(Command::PagePerson { person, text: (!text.is_empty()).then(|| text.to_owned()) });
            }
            if target.is_empty() {
                return Err(usage("page", "Whom?"));
            }
            act(Command::Page { target: target.to_owned(), text: (!text.is_empty()).then(|| text.to_owned()) })
        }
        "escalate" => act(Command::Escalate { text: optional() }),
        "mitigate" | "mitigated" => act(Command::Mitigate { text: optional() }),
        // Why it is over is asked, with what is still missing.
        "resolve" | "resolved" | "close" | "closed" if rest.is_empty() => ask(Question::Resolve),
        "resolve" | "resolved" | "close" | "closed" => {
            let (ending, text) = Ending::begins(rest).unwrap_or((Ending::Fixed, rest));
            act(Command::Resolve { text: (!text.is_empty()).then(|| text.to_owned()), ending })
        }
        "dismiss" => {
            let (why, reason) = split(rest);
            let ending = match why.trim_end_matches(':').to_lowercase().replace(['-', '_'], "").as_str() {
                "falsepositive" | "falsealarm" | "false" => Some(Ending::FalseAlarm),
                "expected" => Some(Ending::Expected),
                "duplicate" | "dup" => Some(Ending::Duplicate),
                _ => None,
            };
            match ending {
                Some(ending) if !reason.is_empty() => act(Command::Resolve { text: Some(reason.to_owned()), ending }),
                Some(_) => Err(usage("dismiss", "Why? Whoever reads it later wants to know.")),
                None => Err(usage("dismiss", "It is a false positive, expected, or a duplicate.")),
            }
        }
        "reopen" => act(Command::Reopen { reason: rest.to_owned() }),
        "reviewed" | "review" => act(Command::Review),
        "postmortem" | "post-mortem" | "pm" => act(Command::DraftPostmortem),
        "why" if rest.is_empty() => ask(Question::Why),
        "why" => {
            let (number, text) = split(rest);
            match number.trim_start_matches('#').parse() {
                Ok(of) => act(Command::Why { answers: Some(of), text: text.to_owned() }),
                Err(_) => act(Command::Why { answers: None, text: rest.to_owned() }),
            }
        }
        "cause" | "root-cause" => {
            let (kind, text) = split(rest);
            match CauseKind::parse(kind) {
                Some(kind) if !text.is_empty() => act(Command::Cause { kind, text: text.to_owned() }),
                None if !rest.is_empty() => Err(usage("cause", "A cause lies with data, logic or operations.")),
                kind => ask(Question::Cause(kind)),
            }
        }
        "retro" | "learnt" | "learned" => {
            let (what, text) = split(rest);
            match Learnt::parse(what) {
                Some(what) if !text.is_empty() => act(Command::Learn { what, text: text.to_owned() }),
                None if !rest.is_empty() => Err(usage("retro", "Something went well, was hard, or was lucky.")),
                what => ask(Question::Learnt(what)),
            }
        }
        // `/incident scribe @chloe`, `/incident ic`.
        word => match (Role::parse(word), mentions(rest)) {
            (Some(role), people) if people.is_empty() && matches!(rest, "" | "me") => act(Command::Take { role }),
            (Some(role), people) if !people.is_empty() => {
                act(Command::Assign { roles: BTreeMap::from([(role, people)]), without: BTreeMap::new() })
            }
            _ => Err(unknown_verb(word, text)),
        },
    }
}

/// How long a reminder is put off where nobody says for how long, in minutes.
const SNOOZE_MINUTES: u32 = 15;

/// A word that is an option: with one dash or two, as phones write them, and a letter behind.
fn option_of(word: &str) -> Option<&str> {
    let bare = word.trim_start_matches(['-', '–', '—']);
    (bare.len() < word.len() && bare.starts_with(char::is_alphabetic)).then_some(bare)
}

/// An option of a declaration that is none, or has no value that it could have: better asked than an incident that is not private.
fn slip_of(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let Some(option) = option_of(word) else {
            continue;
        };
        let known = match option.to_lowercase().as_str() {
            "private" | "drill" => true,
            "sev" | "severity" => words.clone().next().is_some_and(|next| Severity::parse(next).is_some()),
            "on" | "asset" | "about" => words.next().is_some_and(|next| option_of(next).is_none()),
            other => Severity::parse(other).is_some(),
        };
        if !known {
            return Some(word.to_owned());
        }
    }
    None
}

/// A title with what else was said: `orders are late --sev 2 --on warehouse.orders --private`, `sev1: orders are late`.
fn declaration(text: &str) -> Declaration {
    let mut found = Declaration::default();
    let mut title: Vec<&str> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match option_of(word).map(str::to_lowercase).as_deref() {
            Some("private") => found.private = true,
            Some("drill") => found.drill = true,
            Some("sev" | "severity") => {
                found.severity = words.next_if(|next| Severity::parse(next).is_some()).and_then(Severity::parse);
            }
            Some("on" | "asset" | "about") => found.asset = words.next().and_then(crate::domain::AssetName::new),
            Some(option) if Severity::parse(option).is_some() => found.severity = Severity::parse(option),
            _ => {
                let bare = word.trim_end_matches(':').to_lowercase();
                let leads = title.is_empty() && found.severity.is_none() && bare.starts_with("sev");
                match Severity::parse(&bare).filter(|_| leads) {
                    Some(severity) => found.severity = Some(severity),
                    None => title.push(word),
                }
            }
        }
    }
    found.title = unquote(&title.join(" "));
    found
}

/// Which incidents: words, and what is no word of a title.
fn search(rest: &str, now: Time) -> Result<Intent, Unclear> {
    let mut search = Search::default();
    let mut words = rest.split_whitespace();
    while let Some(word) = words.next() {
        let lower = word.to_lowercase();
        let mut time = |what: &str| {
            let given = words.next().unwrap_or_default();
            parse_when(given, now, Toward::Past)
                .ok_or_else(|| usage("search", &format!("`{what} {given}`: that is no time I understand.")))
        };
        match lower.as_str() {
            "open" => search.open = true,
            "mine" => search.mine = true,
            "since" => search.since = Some(time("since")?),
            "before" => search.before = Some(time("before")?),
            "about" | "asset" => search.asset = words.next().map(unquote),
            "after" => match words.clone().next().and_then(number) {
                Some(place) => {
                    search.after = Some(place);
                    words.next();
                }
                None => search.words.push(lower),
            },
            _ => match (Severity::parse(&lower).filter(|_| lower.starts_with("sev")), Status::parse(&lower)) {
                (Some(severity), _) => search.severity = Some(severity),
                (None, Some(status)) => search.status = Some(status),
                (None, None) => search.words.push(unquote(&lower)),
            },
        }
    }
    Ok(Intent::List(Box::new(search)))
}

/// `edit 7 the loader was restarted`, `edit 7 at 06:10`.
fn edit(incident: Option<u64>, rest: &str, now: Time) -> Result<Intent, Unclear> {
    let (line, words) = split(rest);
    let Ok(line) = line.trim_start_matches('#').parse() else {
        return Err(usage("timeline", "Which line? `/incident timeline` numbers them."));
    };
    if words.is_empty() {
        return Err(usage("timeline", "What should it say?"));
    }
    let at = words.strip_prefix("at ").and_then(|when| parse_when(when, now, Toward::Past));
    if at.is_none() && words.starts_with("at ") && looks_like_one(words) {
        return Err(no_time("timeline", words));
    }
    let text = if at.is_some() { None } else { Some(words.to_owned()) };
    Ok(Intent::Amend { incident, line, text, at })
}

/// What is meant, until when, why: the time stands between the two.
fn silence(rest: &str, now: Time) -> Result<Intent, Unclear> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let time = |word: &&str| (!word.contains('=')).then(|| parse_when(word, now, Toward::Future)).flatten();
    let found = words.iter().enumerate().skip(1).find_map(|(place, word)| Some((place, time(word)?)));
    let Some((place, until)) = found else {
        return Err(usage("silence", "Which alerts, for how long, and why?"));
    };
    let matcher = Matcher::parse(&words[..place].join(" ")).map_err(|error| usage("silence", &format!("{error}.")))?;
    let reason = words[place + 1..].join(" ");
    if reason.is_empty() {
        return Err(usage("silence", "Why? Whoever looks for a missing alert reads it."));
    }
    Ok(Intent::Silence { matcher, until, reason })
}

fn runbook(incident: Option<u64>, rest: &str) -> Result<Intent, Unclear> {
    let (verb, rest_of) = split(rest);
    let (number, words) = split(rest_of);
    match (verb.to_lowercase().as_str(), number.parse::<usize>()) {
        ("", _) => Ok(Intent::Runbooks),
        ("done", Ok(step)) => {
            let note = (!words.is_empty()).then(|| words.to_owned());
            Ok(Intent::Do { incident, command: Box::new(Command::StepDone { step, note }) })
        }
        ("skip", Ok(step)) => {
            Ok(Intent::Do { incident, command: Box::new(Command::StepSkip { step, reason: words.to_owned() }) })
        }
        ("done" | "skip", Err(_)) => Err(usage("runbook", "Which step? Steps are counted from 1.")),
        _ => Ok(Intent::Runbook { incident, name: rest.to_owned() }),
    }
}

fn task(incident: Option<u64>, rest: &str, now: Time) -> Result<Intent, Unclear> {
    let (verb, number) = split(rest);
    let which = |number: &str| {
        number
            .trim()
            .trim_start_matches('#')
            .parse::<u32>()
            .map_err(|_| usage("task", "Which one? `/incident tasks` numbers them."))
    };
    let go = |command| Ok(Intent::Do { incident, command: Box::new(command) });
    // "Give backfills a pool of their own" is a task; "give 2 @ben" hands one over.
    let names_one = number.is_empty() || which(split(number).0).is_ok();
    match verb.to_lowercase().as_str() {
        "" => return Ok(listed(incident, Listed::Tasks, "")),
        "done" => return go(Command::FinishTask { task: which(number)? }),
        "take" | "mine" if names_one => return Ok(Intent::TakeTask { incident, task: which(number)? }),
        "give" | "assign" if names_one => {
            let (number, people) = split(number);
            return match mentions(people).into_iter().next() {
                Some(assignee) => go(Command::AssignTask { task: which(number)?, assignee }),
                None => Err(usage("task", "To whom? Mention them with @.")),
            };
        }
        _ => {}
    }
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let due = words.last().and_then(|word| parse_when(word, now, Toward::Future));
    if due.is_some() {
        words.pop();
    }
    let mut assignee = None;
    words.retain(|word| {
        let person = mentions(word).into_iter().next();
        let is_person = person.is_some();
        assignee = assignee.take().or(person);
        !is_person
    });
    Ok(Intent::Do { incident, command: Box::new(Command::AddTask { text: words.join(" "), assignee, due }) })
}

/// `… next 30m` at the end of an update.
fn trailing_next(text: &str, now: Time) -> Result<(String, Option<Time>), Unclear> {
    // ASCII only, so that places in the copy are places in the text.
    let Some(at) = text.to_ascii_lowercase().rfind(" next ") else {
        return Ok((text.to_owned(), None));
    };
    let (words, when) = (text.get(..at).unwrap_or(text), text.get(at + 6..).unwrap_or_default());
    match parse_when(when, now, Toward::Future) {
        Some(next) => Ok((words.trim().to_owned(), Some(next))),
        None if looks_like_one(when) => Err(no_time("update", when)),
        // "the next run" is a sentence, not a promise.
        None => Ok((text.to_owned(), None)),
    }
}

/// `<@U1|ana>` as Slack writes it with `should_escape`, and bare `U1`.
pub fn mentions(text: &str) -> Vec<PersonId> {
    text.split_whitespace()
        .filter_map(|word| {
            let id = word
                .strip_prefix("<@")
                .and_then(|word| word.strip_suffix('>'))
                .map(|word| word.split('|').next().unwrap_or(word))?;
            (id.len() > 1 && id.chars().all(|c| c.is_ascii_alphanumeric())).then(|| id.to_owned())
        })
        .collect()
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, rest)| (first, rest.trim()))
}

/// `INC-12`, `inc-12`.
pub fn number(word: &str) -> Option<u64> {
    let (prefix, digits) = word.split_at_checked(4)?;
    prefix.eq_ignore_ascii_case("inc-").then(|| digits.parse().ok())?
}

/// An e-mail address, as Slack writes it (`<mailto:ana@example.com|ana@example.com>`) or bare, in lower case.
fn address(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>').trim_start_matches("mailto:");
    let bare = bare.split('|').next().unwrap_or(bare).to_lowercase();
    let (name, host) = bare.split_once('@')?;
    let fine = !name.is_empty() && host.contains('.') && bare.len() <= 254 && !bare.contains(char::is_whitespace);
    fine.then_some(bare)
}

/// `INC-12`, a page's number, both or none.
fn listed(incident: Option<u64>, what: Listed, rest: &str) -> Intent {
    let incident = incident.or_else(|| rest.split_whitespace().find_map(number));
    let page = rest.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(1).clamp(1, MAX_PAGE);
    Intent::Listed { incident, what, page }
}

fn unquote(text: &str) -> String {
    text.trim_matches(['"', '“', '”']).trim().to_owned()
}

/// What a line that cannot be read is answered with: why, and how it is written.
fn usage(verb: &str, why: &str) -> Unclear {
    let line = VERBS.iter().find(|(use_, _)| use_.split(' ').next() == Some(verb));
    let (use_, what) = line.copied().unwrap_or((verb, ""));
    Unclear::new(format!("{why} It is written `/incident {use_}`: {what}."))
}

/// What looks like a time and is none, or none that can be meant.
fn no_time(verb: &str, words: &str) -> Unclear {
    usage(verb, &format!("“{words}” is no time I understand, or it is past already."))
}

fn unknown_verb(word: &str, line: &str) -> Unclear {
    let nearest = VERBS
        .iter()
        .filter_map(|(use_, _)| use_.split(' ').next())
        .map(|verb| (strsim::damerau_levenshtein(&word.to_lowercase(), verb), verb))
        .filter(|(distance, verb)| *distance <= (verb.len() / 3).max(1))
        .min();
    match nearest {
        Some((_, verb)) => Unclear {
            words: format!("I do not know “{word}”. Did you mean `/incident {verb}`? `/incident help` lists all."),
            meant: Some(line.replacen(word, verb, 1)),
        },
        None => Unclear {
            words: format!(
                "I do not know “{word}”. To open an incident, write `/incident declare {word} …`; `/incident help` lists all."
            ),
            meant: Some(format!("declare {line}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Time {
        "2026-11-23T06:18:00Z".parse().expect("a time")
    }

    fn command(text: &str) -> Command {
        match parse(text, now()) {
            Ok(Intent::Do { command, .. }) => *command,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_verb_of_the_help_is_understood() {
        for (use_, _) in VERBS {
            let verb = use_.split(' ').next().expect("a verb");
            let told = parse(verb, now()).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(!told.contains("I do not know"), "{verb}: {told}");
        }
    }

    #[test]
    fn lines_read_as_meant() {
        assert_eq!(
            command("update backfill runs next 30m"),
            Command::Update {
                text: "backfill runs".to_owned(),
                next: Some("2026-11-23T06:48:00Z".parse().expect("a time")),
            }
        );
        assert_eq!(
            command("update waiting for the next run"),
            Command::Update { text: "waiting for the next run".to_owned(), next: None }
        );
        assert_eq!(
            command("task add a check <@U1|ana> friday"),
            Command::AddTask {
                text: "add a check".to_owned(),
                assignee: Some("U1".to_owned()),
                due: Some("2026-11-27T23:59:00Z".parse().expect("a time")),
            }
        );
        assert_eq!(
            command("assign responder <@U1|ana> <@U2>"),
            Command::Assign {
                roles: BTreeMap::from([(Role::Responder, vec!["U1".to_owned(), "U2".to_owned()])]),
                without: BTreeMap::new(),
            }
        );
        let Ok(Intent::Do { incident, command }) = parse("INC-12 resolve all good", now()) else { panic!("a command") };
        assert!(incident == Some(12) && matches!(*command, Command::Resolve { .. }));
        assert_eq!(parse("inc-12", now()), Ok(Intent::Show(Some(12))));
        assert_eq!(
            parse("runbook skip 3 no staging", now()),
            Ok(Intent::Do {
                incident: None,
                command: Box::new(Command::StepSkip { step: 3, reason: "no staging".to_owned() }),
            })
        );
    }

    #[test]
    fn a_slip_is_answered_with_the_likely_word() {
        insta::assert_snapshot!(parse("resovle", now()).expect_err("a slip"), @"I do not know “resovle”. Did you mean `/incident resolve`? `/incident help` lists all.");
        insta::assert_snapshot!(parse("orders are late", now()).expect_err("no verb"), @"I do not know “orders”. To open an incident, write `/incident declare orders …`; `/incident help` lists all.");
        insta::assert_snapshot!(parse("since soon", now()).expect_err("no time"), @"“soon” is no time I understand. It is written `/incident since <time>`: since when the data is bad: `06:10`, `2h ago`, `yesterday 22:15` (UTC).");
    }

    proptest! {
        #[test]
        fn no_line_panics(text in "\\PC{0,200}") {
            let _ = parse(&text, now());
        }
    }
}
