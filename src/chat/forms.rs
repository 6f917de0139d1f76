//! The table of forms, and how a form is opened and sent.

use super::asker::Chat;
use super::questions::{Asked, FormSpec, Instead, Unsent, remembered};
use super::reply::Reply;
use super::verbs::{
    assign, cause, declare, look, notify, reopen, resolve, retro, runbook, sev, silence, task, update, why,
};
use super::{more, triage};
use crate::app::Failure;
use crate::render::{Form, Modal};
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

/// What to say if Slack opens no form: why, by Slack's code for it, and how to do the same in one line.
pub fn unopened(form: &Modal, code: &str) -> String {
    let why = match code {
        "expired_trigger_id" => "Slack allows three seconds for it, and they had passed".to_owned(),
        "exchanged_trigger_id" => "Slack opens one form for a press or a command, and it opened one already".to_owned(),
        "invalid_trigger_id" | "" => "it was not asked for by a press or a command in Slack".to_owned(),
        "no_connection" => "Slack could not be reached, or did not answer in time".to_owned(),
        code => format!("Slack answered `{code}`"),
    };
    let refused = format!("The form could not be opened: {why}. Nothing was done.");
    let known = form.callback.parse::<Form>().ok().map(spec);
    let line = match known.map(|form| &form.instead) {
        Some(Instead::Verb(verb)) => verb.usage_in_full(),
        Some(Instead::Line(line)) => (*line).to_owned(),
        Some(Instead::Nothing) | None => {
            return format!(
                "{refused} No line does the same, because you choose from what the form shows. Please ask for it again."
            );
        }
    };
    let incident = remembered(&form.metadata).0.map(|number| format!("INC-{number} ")).unwrap_or_default();
    format!("{refused} Ask for it again, or type it in one line: `/incident {incident}{line}`.")
}

#[cfg(test)]
mod tests {
    use strum::VariantNames as _;

    use super::*;
    use crate::chat::line::Intent;
    use crate::chat::registry;
    use crate::chat::when::LocalClock;

    #[test]
    fn what_is_typed_in_place_of_a_form_opens_no_form() {
        let clock = LocalClock::new("2026-11-23T06:18:00Z".parse().expect("a time"), Some(chrono_tz::Tz::UTC));
        for name in Form::VARIANTS {
            let callback = <&'static str>::from(name.parse::<Form>().expect("a form"));
            let about = |incident: &str| {
                let metadata = incident.to_owned();
                Modal { callback, title: "", submit: "", metadata, inputs: Vec::new() }
            };
            let said = unopened(&about("INC-2"), "expired_trigger_id");
            assert!(said.contains("three seconds"), "{said}");
            let Some((_, line)) = said.split_once("`/incident ") else {
                assert!(["notify", "triage_attach"].contains(name), "{name}: {said}");
                continue;
            };
            let line = line.trim_end_matches("`.");
            assert!(line.starts_with("INC-2 "), "{name}: {said}");
            let read = registry::parse(line, clock);
            assert!(!read.is_ok_and(|read| matches!(read.intent, Intent::Ask(..))), "{name}: {line} opens a form");
            assert!(!unopened(&about(""), "fatal_error").contains("INC-"), "{name}");
        }
    }
}
