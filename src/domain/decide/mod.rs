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
            match context.people.standing(person) {
                Standing::Member => {}
                standing => {
                    return Err(Refusal::NotForThem { name: context.people.name(person), standing });
                }
            }
        }
    }
    let mut draft = Draft::going_on(case, context);
    match command {
        Command::Receive { signal, known, because, quiet } => {
            alert::receive(&mut draft, signal, known.as_ref(), because, *quiet)?;
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
        Command::Remind { minutes } => reminders::remind(&mut draft, *minutes)?,
        Command::Tried { text, ruled_out } => record::tried(&mut draft, text, *ruled_out)?,
        Command::Amend { line, text, at } => record::amend(&mut draft, line, text.as_deref(), *at)?,
        Command::EditPin { message, text } => record::edit_pin(&mut draft, message, text.as_deref()),
        Command::AssignTask { task, assignee } => record::assign_task(&mut draft, *task, assignee)?,
        Command::CheckTask { task } => record::check_task(&mut draft, *task),
        Command::CheckAcknowledged { asked } => status::check_acknowledged(&mut draft, *asked),
        Command::Update { text, next, impact } => reminders::update(&mut draft, text, *next, impact.as_deref())?,
        Command::CheckUpdate { promised } => reminders::check_update(&mut draft, *promised),
        Command::Page { target, text } => pages::page(&mut draft, target, text.as_deref())?,
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
        Command::PagePerson { person, text } => pages::page_person(&mut draft, person, text.as_deref())?,
        Command::Escalate { text } => pages::escalate(&mut draft, text.as_deref())?,
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
        Command::ChannelReady { channel } => channel::channel_ready(&mut draft, channel),
        Command::Link { channel } => channel::link(&mut draft, channel)?,
        Command::ChannelGone { channel, why } => channel::channel_gone(&mut draft, channel, why),
        Command::CheckArchive { resolved, reviewed } => channel::check_archive(&mut draft, *resolved, *reviewed),
        Command::ChannelArchived { channel } => channel::channel_archived(&mut draft, channel),
        Command::CheckOpening => channel::check_opening(&mut draft),
        Command::MessagePosted { slot, message } => {
            channel::message_posted(&mut draft, *slot, message);
        }
        Command::GiveUp { what, why, say } => channel::give_up(&mut draft, what, why, *say),
        Command::PostmortemPosted { canvas } => {
            draft.add(Event::PostmortemDrafted { canvas: canvas.clone() });
            // The card now offers the review.
            draft.effect(Effect::ShowCard);
        }
    }
    Ok(draft.finish())
}
