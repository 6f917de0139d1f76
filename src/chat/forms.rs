//! The table of forms, and how a form is opened and sent.

use super::asker::Chat;
use super::questions::{Asked, FormSpec, Unsent, remembered};
use super::reply::Reply;
use super::verbs::{
    assign, cause, declare, look, notify, reopen, resolve, retro, runbook, sev, silence, task, update, why,
};
use super::{more, triage};
use crate::app::Failure;
use crate::render::Form;
use crate::slack::inbound::View;

/// Every form, in the file of what it is about. A new form does not compile until it is here.
fn spec(form: Form) -> &'static FormSpec {
    match form {
        Form::AssignRoles => &assign::FORM,
        Form::Cause => &cause::FORM,
        Form::Declare => &declare::FORM,
        Form::DeclareAnyway => &declare::FORM_ANYWAY,
        Form::Learnt => &retro::FORM,
        Form::Look => &look::FORM,
        Form::More => &more::FORM,
        Form::Notify => &notify::FORM,
        Form::Reopen => &reopen::FORM,
        Form::Resolve => &resolve::FORM,
        Form::Runbook => &runbook::FORM,
        Form::Severity => &sev::FORM,
        Form::Skip => &runbook::SKIP_FORM,
        Form::Task => &task::FORM,
        Form::TriageAttach => &triage::FORM,
        Form::TriageSilence => &silence::FORM,
        Form::Update => &update::FORM,
        Form::Why => &why::FORM,
    }
}

/// What is said at a form whose answers take too long. It stays open, and a second try counts as the first.
pub fn form_is_late(view: &View) -> Option<Reply> {
    let form = view.callback_id.parse::<Form>().ok()?;
    let words = "This takes longer than it should. Send it once more in a few seconds; it counts only once.";
    Some(Reply::mistake(spec(form).main, words))
}

impl Chat<'_> {
    /// Opens a form. The words say what it is about.
    pub async fn ask(&self, number: Option<u64>, form: Form, words: &str) -> Result<Reply, Failure> {
        let questions = (spec(form).open)(Asked { chat: self, number, words }).await?;
        Ok(Reply::Open(questions.modal(form)))
    }

    /// Takes a form that was sent. The form shows what is wrong at the question, and keeps everything that was typed.
    pub async fn form_sent(&self, view: &View) -> Reply {
        // A form of another version of Muster is not known.
        let Ok(form) = view.callback_id.parse::<Form>() else { return Reply::Nothing };
        let form = spec(form);
        let (number, words) = remembered(&view.private_metadata);
        match (form.sent)(Asked { chat: self, number, words }, view).await {
            Ok(reply) => reply,
            Err(Unsent::Mistake(question, words)) => Reply::mistake(question, words),
            Err(Unsent::Failed(Failure::Duplicate)) => Reply::Nothing,
            Err(Unsent::Failed(failure)) => Reply::mistake(form.main, failure.to_string()),
        }
    }
}
