//! Command to events and effects, or a refusal. The only place where it is decided what happens to an incident.
//!
//! [`decide`] checks the permission and hands the command to one file a verb. Each of them looks at the state and the
//! [`Context`] only, so that it can be run again after a conflict and gives the same answer.

mod alert;
mod declare;
mod drill;
mod lineage;
mod merge;
mod notify;
mod outcome;
mod pager;
mod rca;
mod record;
mod roles;
mod runbook;
mod status;
mod tell;

pub use status::gaps;

use super::command::Opening;
use super::event::{Actor, Event, Opened};
use super::evolve;
use super::incident::{Case, Duty, Incident, PageStatus};
use super::lineage::Whom;
use super::permission::{Standing, Verb, Who, allowed};
use super::runbook::Library;
use super::{Alert, Command, Effect, Entry, PersonId, Policy, Refusal, Role, Time};

/// All that a decision may know besides the state.
#[derive(Clone)]
pub struct Context<'a> {
    /// The moment of the decision.
    pub now: Time,
    /// A fresh ULID; everything new that this decision makes is named after it.
    pub fresh: String,
    /// The number that a new incident gets; 0 where none is opened.
    pub next_number: u64,
    /// Who asks.
    pub actor: Actor,
    /// What we know of the one who asks.
    pub standing: Standing,
    /// What the operator decided beforehand.
    pub policy: &'a Policy,
    /// The runbooks.
    pub library: &'a Library,
    /// How much the asset of the signal matters, by the catalog.
    pub tier: Option<u8>,
    /// What is known of people.
    pub people: &'a dyn People,
}

/// What is known of people.
pub trait People: Sync {
    /// How somebody is called, by the Slack id.
    fn name(&self, id: &str) -> String;

    /// Whether somebody is one of these people, or in one of these user groups.
    fn belongs(&self, person: &str, to: &[String]) -> bool;

    /// What is known of somebody's place in the workspace.
    fn standing(&self, person: &str) -> Standing;

    /// Who is on duty for a service now.
    fn on_duty(&self, service: Option<&str>) -> Vec<Duty>;
}

/// What a command leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The new entries of the timeline.
    pub entries: Vec<Entry>,
    /// The state after them.
    pub case: Case,
    /// What the outside must do.
    pub effects: Vec<Effect>,
}

impl Decision {
    /// What two decisions of one commit come to, the second made after the first. Alerts that join one after another are one line of the
    /// timeline and one message, and what shows the present state is shown once.
    pub fn go_on_with(&mut self, next: Self) {
        let mut case = next.case;
        let in_one_line = match (self.entries.last_mut(), next.entries.as_slice()) {
            (Some(last), [only]) => last.actor == only.actor && last.event.absorb(&only.event),
            _ => false,
        };
        match self.entries.last() {
            Some(last) if in_one_line => case.incident.entries = last.seq,
            _ => self.entries.extend(next.entries),
        }
        self.case = case;
        for effect in next.effects {
            if effect.shows_present_state() && self.effects.contains(&effect) {
                continue;
            }
            let said_with_another = match &effect {
                Effect::Say { event, actor } => self.effects.iter_mut().any(|known| match known {
                    Effect::Say { event: before, actor: by } => by == actor && before.absorb(event),
                    _ => false,
                }),
                _ => false,
            };
            if !said_with_another {
                self.effects.push(effect);
            }
        }
    }
}

/// Opens an incident.
///
/// # Errors
/// A refusal, in words for the one who asks. Nothing has changed then.
pub fn open(opening: &Opening, context: &Context<'_>) -> Result<Decision, Refusal> {
    permitted(opening.verb(), context.standing, context.actor.person(), None, context.policy, context.people)?;
    let draft = match opening {
        Opening::Declare(declaration) => declare::declare(context, declaration)?,
        Opening::Receive { signal, because } => alert::open(context, signal, because),
    };
    Ok(draft.finish())
}

/// Decides about an incident.
///
/// # Errors
/// A refusal, in words for the one who asks. Nothing has changed then.
pub fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Decision, Refusal> {
    let (verb, incident) = (command.verb(), &case.incident);
    permitted(verb, context.standing, context.actor.person(), Some(incident), context.policy, context.people)?;
    // Who can do nothing here is given nothing to do.
    if context.actor.person().is_some() {
        let here = incident.people();
        for person in command.gives_to().into_iter().filter(|person| !here.contains(person)) {
            match context.people.standing(person) {
                Standing::Member => {}
                standing => {
                    return Err(Refusal::NotForThem { name: context.people.name(person), standing });
                }
            }
        }
    }
    let mut draft = Draft { case: case.clone(), entries: Vec::new(), effects: Vec::new(), context };
    match command {
        Command::Receive { signal, known, because, quiet } => {
            alert::receive(&mut draft, signal, known.as_deref(), because, *quiet)?;
        }
        Command::Merge { into, name } => merge::merge(&mut draft, into, name)?,
        Command::Judge { verdict } => merge::judge(&mut draft, *verdict),
        Command::MoveAlert { alert, to } => merge::move_alert(&mut draft, alert, to.as_ref())?,
        Command::Acknowledge => status::acknowledge(&mut draft)?,
        Command::Mitigate { text } => status::mitigate(&mut draft, text.as_deref())?,
        Command::Resolve { text, ending } => status::resolve(&mut draft, text.as_deref(), *ending)?,
        Command::Reopen { reason } => status::reopen(&mut draft, reason)?,
        Command::SetSeverity { severity } => status::set_severity(&mut draft, *severity)?,
        Command::Take { role } => roles::take(&mut draft, *role)?,
        Command::Assign { roles, without } => roles::assign(&mut draft, roles, without)?,
        Command::AnswerHandover { request, accept } => {
            roles::answer_handover(&mut draft, request, *accept)?;
        }
        Command::HandoverDue { request } => roles::handover_due(&mut draft, request),
        Command::CheckCommander { asked } => roles::check_commander(&mut draft, *asked),
        Command::Leave { role } => roles::leave(&mut draft, *role)?,
        Command::Remind { minutes } => tell::remind(&mut draft, *minutes)?,
        Command::Tried { text, ruled_out } => record::tried(&mut draft, text, *ruled_out)?,
        Command::Amend { line, text, at } => record::amend(&mut draft, line, text.as_deref(), *at)?,
        Command::EditPin { message, text } => record::edit_pin(&mut draft, message, text.as_deref()),
        Command::AssignTask { task, assignee } => record::assign_task(&mut draft, *task, assignee)?,
        Command::CheckTask { task } => record::check_task(&mut draft, *task),
        Command::CheckAcknowledged { asked } => status::check_acknowledged(&mut draft, *asked),
        Command::Update { text, next } => tell::update(&mut draft, text, *next)?,
        Command::CheckUpdate { promised } => tell::check_update(&mut draft, *promised),
        Command::Page { target, text } => tell::page(&mut draft, target, text.as_deref())?,
        Command::Note { text } => record::note(&mut draft, text)?,
        Command::Pin { message, author, text } => record::pin(&mut draft, message, author, text),
        Command::Unpin { message } => record::unpin(&mut draft, message),
        Command::Since { at } => record::since(&mut draft, *at)?,
        Command::GoodAgain { at } => record::good_again(&mut draft, *at)?,
        Command::Fix { text } => record::fix(&mut draft, text)?,
        Command::AddTask { text, assignee, due } => record::add_task(&mut draft, text, assignee.as_ref(), *due)?,
        Command::FinishTask { task } => record::finish_task(&mut draft, *task)?,
        Command::DraftPostmortem => record::draft_postmortem(&mut draft),
        Command::Review => record::review(&mut draft)?,
        Command::AttachRunbook { runbook, because } => {
            runbook::attach(&mut draft, runbook, because)?;
        }
        Command::StepDone { step, note } => runbook::done(&mut draft, *step, note.as_deref())?,
        Command::StepSkip { step, reason } => runbook::skip(&mut draft, *step, reason)?,
        Command::Look { look, finding } => lineage::look(&mut draft, *look, finding)?,
        Command::Assess { candidates, radius, tell, followers } => {
            lineage::assess(&mut draft, candidates, radius.as_ref(), tell);
            notify::automatically(&mut draft, Whom::Subscribed, followers);
        }
        Command::Why { answers, text } => rca::why(&mut draft, *answers, text)?,
        Command::Cause { kind, text } => rca::cause(&mut draft, *kind, text)?,
        Command::Learn { what, text } => rca::learnt(&mut draft, *what, text)?,
        Command::PagePerson { person, text } => tell::page_person(&mut draft, person, text.as_deref())?,
        Command::Escalate { text } => tell::escalate(&mut draft, text.as_deref())?,
        Command::PictureShown { picture } => draft.add(Event::PictureShown { picture: picture.clone() }),
        Command::Notify { whom, recipients, text } => {
            notify::notify(&mut draft, *whom, recipients, text.as_deref())?;
        }
        Command::Inherit { told } => notify::inherit(&mut draft, told),
        Command::Mute { recipient, muted } => notify::mute(&mut draft, recipient, *muted)?,
        Command::Subscribe => notify::subscribe(&mut draft)?,
        Command::Unsubscribe => notify::unsubscribe(&mut draft)?,
        Command::NoticeDelivered { recipient, message } => {
            draft.add(Event::NoticePosted { recipient: recipient.clone(), message: message.clone() });
        }
        Command::PagerSays { key, news, url } => {
            pager::says(&mut draft, key, *news, url.as_deref());
        }
        Command::PageAccepted { key } => pager::accepted(&mut draft, key),
        Command::PageRefused { key, why } => pager::refused(&mut draft, key, why),
        Command::ChannelReady { channel } => outcome::channel_ready(&mut draft, channel),
        Command::Link { channel } => outcome::link(&mut draft, channel)?,
        Command::ChannelGone { channel, why } => outcome::channel_gone(&mut draft, channel, why),
        Command::CheckArchive { resolved, reviewed } => outcome::check_archive(&mut draft, *resolved, *reviewed),
        Command::ChannelArchived { channel } => outcome::channel_archived(&mut draft, channel),
        Command::CheckOpening => outcome::check_opening(&mut draft),
        Command::MessagePosted { slot, message } => {
            outcome::message_posted(&mut draft, *slot, message);
        }
        Command::GiveUp { what, why, say } => outcome::give_up(&mut draft, what, why, *say),
        Command::PostmortemPosted { canvas } => {
            draft.add(Event::PostmortemDrafted { canvas: canvas.clone() });
            // The card offers the review now.
            draft.effect(Effect::ShowCard);
        }
    }
    Ok(draft.finish())
}

/// Whether somebody may do something: by the table of standings, and then by the operator's rules.
///
/// # Errors
/// Why not, and what to do instead.
pub fn permitted(
    verb: Verb,
    standing: Standing,
    person: Option<&PersonId>,
    incident: Option<&Incident>,
    policy: &Policy,
    people: &dyn People,
) -> Result<(), Refusal> {
    if !allowed(standing, verb) {
        return Err(Refusal::NotAllowed { verb, standing });
    }
    let (Standing::Member, Some(person)) = (standing, person) else {
        return Ok(());
    };
    let rules = &policy.permissions;
    let who = rules.who(verb);
    let may = match who {
        Who::Everyone => true,
        Who::Team => people.belongs(person, &rules.team),
        Who::Responders => incident.is_none_or(|incident| incident.people().contains(person)),
        Who::Commander => incident.is_none_or(|incident| incident.has_role(Role::Commander, person)),
        Who::Admins => false,
    };
    if may || people.belongs(person, &rules.admins) {
        return Ok(());
    }
    let hint = match (who, incident.map(|incident| incident.holder(Role::Commander))) {
        (Who::Commander, Some(Some(holder))) => format!("That is {person}.", person = people.name(holder)),
        (Who::Commander, Some(None)) => "Nobody is; `/incident take commander` makes you that.".to_owned(),
        (Who::Responders, _) => "`/incident take responder` makes you one.".to_owned(),
        _ => String::new(),
    };
    Err(Refusal::Reserved { verb, who, hint })
}

/// A decision in the making: what is added is applied at once, so that later steps see it.
struct Draft<'a> {
    case: Case,
    entries: Vec<Entry>,
    effects: Vec<Effect>,
    context: &'a Context<'a>,
}

impl<'a> Draft<'a> {
    /// Of an incident that begins.
    fn of(opened: &Opened, context: &'a Context<'a>) -> Self {
        let entry =
            Entry { seq: 1, at: context.now, actor: context.actor.clone(), event: Event::Opened(opened.clone()) };
        let case = evolve::begin(opened, &entry);
        Self { case, entries: vec![entry], effects: Vec::new(), context }
    }
}

impl Draft<'_> {
    fn now(&self) -> Time {
        self.context.now
    }

    /// Whether the one who asks may do this, too.
    fn may(&self, verb: Verb) -> Result<(), Refusal> {
        let (context, incident) = (self.context, &self.case.incident);
        permitted(verb, context.standing, context.actor.person(), Some(incident), context.policy, context.people)
    }

    fn incident(&self) -> &Incident {
        &self.case.incident
    }

    fn case(&self) -> &Case {
        &self.case
    }

    fn add(&mut self, event: Event) {
        let actor = self.context.actor.clone();
        self.add_as(actor, event);
    }

    fn add_as(&mut self, actor: Actor, event: Event) {
        let entry = Entry { seq: self.case.incident.entries + 1, at: self.context.now, actor, event };
        evolve::go_on(&mut self.case, &entry);
        self.entries.push(entry);
    }

    /// Brings an alert; the event that says so comes with it.
    fn alert(&mut self, alert: Alert) {
        self.case.alerts.insert(alert.id.clone(), alert);
    }

    fn effect(&mut self, effect: Effect) {
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    /// Adds the event and says it in the channel.
    fn add_and_say(&mut self, event: Event) {
        self.add(event.clone());
        let actor = self.context.actor.clone();
        self.effect(Effect::Say { event: Box::new(event), actor });
    }

    /// Makes everything that shows the present state true again.
    fn show(&mut self) {
        self.effect(Effect::ShowCard);
        self.effect(Effect::ShowTopic);
        self.announce();
    }

    /// Makes the line in the announcement channel true, where there is one and everybody may know.
    fn announce(&mut self) {
        if self.context.policy.announces && !self.incident().private {
            self.effect(Effect::ShowAnnouncement);
        }
    }

    /// Asks the lineage again, where there is something it could know about.
    fn assess(&mut self) {
        let incident = self.incident();
        if !incident.assets.is_empty() && incident.status.is_open() {
            self.effect(Effect::Assess);
        }
    }

    /// Pages a target under a new key.
    fn page(&mut self, target: &str, text: &str) {
        self.page_whom(target, None, text);
    }

    /// Pages a target, or one person in its name, under a new key.
    fn page_whom(&mut self, target: &str, person: Option<&PersonId>, text: &str) {
        let incident = self.incident();
        let count = incident.paged.max(incident.pages.len()) + 1;
        let key = format!("{}:inc-{}:{target}:{count}", self.context.policy.instance, incident.uid.to_lowercase());
        let target = person.map_or_else(|| target.to_owned(), |person| self.context.people.name(person));
        let text = text.to_owned();
        self.add(Event::PageRequested {
            person: person.cloned(),
            key: key.clone(),
            target: target.clone(),
            text: text.clone(),
        });
        self.effect(Effect::Page { key, target, text });
    }

    /// Pages the service of the incident, or the default, if the severity asks for it and that was not done yet.
    fn page_if_severe(&mut self) {
        let incident = self.incident();
        if incident.drill {
            return;
        }
        let policy = self.context.policy;
        let (target, page_from, can_page) = match incident.service.as_deref().and_then(|name| policy.service(name)) {
            Some(service) => (service.name.clone(), service.page_from, service.can_page || policy.can_page_by_default),
            None => (super::policy::DEFAULT_TARGET.to_owned(), policy.page_from, policy.can_page_by_default),
        };
        let paged_already =
            incident.pages.values().any(|page| page.target == target && page.status != PageStatus::Resolved);
        if incident.severity <= page_from && can_page && !paged_already {
            let text = incident.title.clone();
            self.page(&target, &text);
        }
    }

    /// Brings the runbook that fits best, if one does and none is there.
    fn attach_best_runbook(&mut self) {
        let incident = self.incident();
        if incident.checklist.is_some() {
            return;
        }
        if let Some((book, because)) = self.context.library.best(incident) {
            let (book, because) = (book.clone(), because);
            runbook::add(self, &book, &because);
        }
    }

    fn finish(self) -> Decision {
        Decision { entries: self.entries, case: self.case, effects: self.effects }
    }
}

/// A text that people typed: trimmed, not empty, not too long.
fn words(what: &'static str, example: &'static str, max: usize, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() {
        return Err(Refusal::Empty { what, example });
    }
    if length > max {
        return Err(Refusal::TooLong { what, max, length });
    }
    Ok(text.to_owned())
}

/// The longest title, which must fit a Slack header (150) with the incident's name.
pub const MAX_TITLE: usize = 120;
/// The longest text of a note, update, fix, reason: Slack's limit for a section.
pub const MAX_TEXT: usize = 3000;
