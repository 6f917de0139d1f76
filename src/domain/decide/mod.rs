//! Turns a command into events and effects, or a refusal. Only this module decides what happens to an incident.
//!
//! [`decide`] checks the permission and passes the command on. Each group of commands has one file. It looks only at the state
//! and the [`Context`], so it can run again after a conflict and give the same answer. The shared parts are in `draft`, `pages`,
//! `words` and `context`.

mod alert;
mod channel;
mod context;
mod declare;
mod draft;
mod drill;
mod lineage;
mod merge;
mod notify;
mod pager;
mod pages;
mod permitted;
mod rca;
mod record;
mod reminders;
mod roles;
mod runbook;
mod status;
mod words;

pub use context::{Context, People};
pub use draft::Decision;
pub use permitted::permitted;
pub use status::gaps;
pub use words::{MAX_TEXT, MAX_TITLE};

use draft::Draft;

use super::command::Opening;
use super::event::Event;
use super::incident::Case;
use super::lineage::Whom;
use super::permission::Standing;
use super::{Command, Effect, Refusal};

/// Opens an incident.
///
/// # Errors
/// A refusal, in words for the person who asked. Then nothing has changed.
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
/// A refusal, in words for the person who asked. Then nothing has changed.
pub fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Decision, Refusal> {
    let (verb, incident) = (command.verb(), &case.incident);
    permitted(verb, context.standing, context.actor.person(), Some(incident), context.policy, context.people)?;
    // People who can do nothing in this workspace are not given anything to do.
    if context.actor.person().is_some() {
        let here = incident.people();
        for person in command.gives_to().into_iter().filter(|person| !here.contains(person)) {
            let standing = context.people.standing(person);
            if standing != Standing::Member {
                return Err(Refusal::NotForThem { name: context.people.name(person), standing });
            }
        }
    }
    let mut new = Draft::going_on(case, context);
    let draft = &mut new;
    match command {
        Command::Receive { signal, known, because, quiet } => {
            alert::receive(draft, signal, known.as_ref(), because, *quiet)?
        }
        Command::Merge { into, name } => merge::merge(draft, into, name)?,
        Command::Judge { verdict } => merge::judge(draft, *verdict),
        Command::MoveAlert { alert, to } => merge::move_alert(draft, alert, to.as_ref())?,
        Command::Acknowledge => status::acknowledge(draft)?,
        Command::Mitigate { text } => status::mitigate(draft, text.as_deref())?,
        Command::Resolve { text, ending } => status::resolve(draft, text.as_deref(), *ending)?,
        Command::Reopen { reason } => status::reopen(draft, reason)?,
        Command::SetSeverity { severity } => status::set_severity(draft, *severity)?,
        Command::Take { role } => roles::take(draft, *role)?,
        Command::Assign { roles, without } => roles::assign(draft, roles, without)?,
        Command::AnswerHandover { request, accept } => roles::answer_handover(draft, request, *accept)?,
        Command::HandoverDue { request } => roles::handover_due(draft, request),
        Command::CheckCommander { asked } => roles::check_commander(draft, *asked),
        Command::Leave { role } => roles::leave(draft, *role)?,
        Command::Remind { minutes } => reminders::remind(draft, *minutes)?,
        Command::Tried { text, ruled_out } => record::tried(draft, text, *ruled_out)?,
        Command::Amend { line, text, at } => record::amend(draft, line, text.as_deref(), *at)?,
        Command::EditPin { message, text } => record::edit_pin(draft, message, text.as_deref()),
        Command::AssignTask { task, assignee } => record::assign_task(draft, *task, assignee)?,
        Command::CheckTask { task } => record::check_task(draft, *task),
        Command::CheckAcknowledged { asked } => status::check_acknowledged(draft, *asked),
        Command::Update { text, next, impact } => reminders::update(draft, text, *next, impact.as_deref())?,
        Command::CheckUpdate { promised } => reminders::check_update(draft, *promised),
        Command::Page { target, text } => pages::page(draft, target, text.as_deref())?,
        Command::Note { text } => record::note(draft, text)?,
        Command::Pin { message, author, text } => record::pin(draft, message, author, text),
        Command::Unpin { message } => record::unpin(draft, message),
        Command::Since { at } => record::since(draft, *at)?,
        Command::GoodAgain { at } => record::good_again(draft, *at)?,
        Command::Fix { text } => record::fix(draft, text)?,
        Command::AddTask { text, assignee, due } => record::add_task(draft, text, assignee.as_ref(), *due)?,
        Command::FinishTask { task } => record::finish_task(draft, *task)?,
        Command::DraftPostmortem => record::draft_postmortem(draft),
        Command::Review => record::review(draft)?,
        Command::AttachRunbook { runbook, because } => runbook::attach(draft, runbook, because)?,
        Command::StepDone { step, note } => runbook::done(draft, *step, note.as_deref())?,
        Command::StepSkip { step, reason } => runbook::skip(draft, *step, reason)?,
        Command::Look { look, finding } => lineage::look(draft, *look, finding)?,
        Command::Assess { candidates, radius, tell, followers } => {
            lineage::assess(draft, candidates, radius.as_ref(), tell);
            notify::automatically(draft, Whom::Subscribed, followers);
        }
        Command::Why { answers, text } => rca::why(draft, *answers, text)?,
        Command::Cause { kind, text } => rca::cause(draft, *kind, text)?,
        Command::Learn { what, text } => rca::learnt(draft, *what, text)?,
        Command::PagePerson { person, text } => pages::page_person(draft, person, text.as_deref())?,
        Command::Escalate { text } => pages::escalate(draft, text.as_deref())?,
        Command::PictureShown { picture } => draft.add(Event::PictureShown { picture: picture.clone() }),
        Command::Notify { whom, recipients, text } => notify::notify(draft, *whom, recipients, text.as_deref())?,
        Command::Inherit { told } => notify::inherit(draft, told),
        Command::Mute { recipient, muted } => notify::mute(draft, recipient, *muted)?,
        Command::Subscribe => notify::subscribe(draft)?,
        Command::Unsubscribe => notify::unsubscribe(draft)?,
        Command::NoticeDelivered { recipient, message } => {
            let (recipient, message) = (recipient.clone(), message.clone());
            notify::delivered(draft, Event::NoticePosted { recipient, message });
        }
        Command::NoticeMailed { recipient, address } => {
            let told = draft.case.notified.get(recipient).map(|told| told.recipient.name.clone());
            let (recipient, name, address) = (recipient.clone(), told.unwrap_or_default(), address.clone());
            notify::delivered(draft, Event::NoticeMailed { recipient, name, address });
        }
        Command::NoticeRefused { recipient, notice, why, mailed } => {
            notify::refused(draft, recipient, notice, why, *mailed);
        }
        Command::PagerSays { key, news, url } => pager::says(draft, key, *news, url.as_deref()),
        Command::PageAccepted { key } => pager::accepted(draft, key),
        Command::PageRefused { key, why } => pager::refused(draft, key, why),
        Command::ChannelReady { channel } => channel::channel_ready(draft, channel),
        Command::Link { channel } => channel::link(draft, channel)?,
        Command::ChannelGone { channel, why } => channel::channel_gone(draft, channel, why),
        Command::CheckArchive { resolved, reviewed } => channel::check_archive(draft, *resolved, *reviewed),
        Command::ChannelArchived { channel } => channel::channel_archived(draft, channel),
        Command::CheckOpening => channel::check_opening(draft),
        Command::MessagePosted { slot, message } => channel::message_posted(draft, *slot, message),
        Command::GiveUp { what, why, say } => channel::give_up(draft, what, why, *say),
        Command::PostmortemPosted { canvas } => {
            draft.add(Event::PostmortemDrafted { canvas: canvas.clone() });
            // The card now offers the review.
            draft.effect(Effect::ShowCard);
        }
    }
    Ok(new.finish())
}
