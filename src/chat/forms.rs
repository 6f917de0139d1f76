//! How forms are opened, and how they are read when sent. The questions of a form, and the meaning of its answers, are with its verb.

use super::asker::Chat;
use super::questions::{Answered, Questions, Unsent};
use super::registry::VERBS;
use super::reply::Reply;
use super::verbs::{assign, cause, declare, look, notify, reopen, resolve, retro, runbook, sev, task, update, why};
use crate::app::Failure;
use crate::domain::command::Declaration;
use crate::domain::permission::Verb;
use crate::domain::{Incident, IncidentId};
use crate::render::{Form, Modal, ModalInput};
use crate::slack::inbound::View;

impl Chat<'_> {
    /// Opens a form about the incident that is meant.
    pub async fn ask(&self, number: Option<u64>, form: Form) -> Result<Reply, Failure> {
        if matches!(form, Form::Declare { .. }) {
            return self.ask_to_declare(&Declaration::default(), &form);
        }
        let incident = self.incident(number).await?;
        let form = if matches!(form, Form::Roles { .. }) { assign::shown(&incident) } else { form };
        let of = &incident;
        let questions = match &form {
            Form::Roles { .. } => assign::form(self, of).await?,
            Form::Severity => sev::form(self, of).await?,
            Form::Runbook => runbook::form(self, of).await?,
            Form::Update => update::form(self, of).await?,
            Form::Resolve => resolve::form(self, of).await?,
            Form::Reopen => reopen::form(self, of).await?,
            Form::Skip { step } => runbook::skip_form(self, of, *step).await?,
            Form::Notify(whom) => notify::form(self, of, *whom).await?,
            Form::Look(look) => look::form(self, of, *look).await?,
            Form::Task { begun } => task::form(self, of, begun).await?,
            Form::Why => why::form(self, of).await?,
            Form::Cause { kind } => cause::form(self, of, *kind).await?,
            Form::Learnt { what } => retro::form(self, of, *what).await?,
            Form::More => self.any_verb(of)?,
            Form::Declare { .. } | Form::TriageAttach(_) | Form::TriageSilence(_) => return Ok(Reply::Nothing),
        };
        Ok(Reply::Open(Box::new(modal(&form, Some(of), questions))))
    }

    /// Opens the form of a declaration, filled with what is known already.
    pub fn ask_to_declare(&self, known: &Declaration, form: &Form) -> Result<Reply, Failure> {
        self.may(Verb::Declare, None)?;
        Ok(Reply::Open(Box::new(modal(form, None, declare::form(self, known, &[])))))
    }

    /// Any verb with the rest of its line, as if it were typed.
    fn any_verb(&self, incident: &Incident) -> Result<Questions, Failure> {
        // The choice is checked when it is sent.
        self.may(Verb::Read, Some(incident))?;
        let verbs = VERBS.iter().map(|verb| (verb.name().to_owned(), format!("{}: {}", verb.name(), verb.help)));
        let inputs = vec![
            ModalInput::Choice {
                id: "verb",
                label: "What do you want to do?",
                options: verbs.collect(),
                initial: Some("note".to_owned()),
            },
            ModalInput::text("rest", "And the rest of the line?", "what you would type after the word").if_any(),
        ];
        Ok(Questions { title: "Anything else", submit: "Do it", inputs })
    }

    /// The command for an incident that the answers of a form give.
    pub async fn answered(&self, uid: &IncidentId, form: &Form, view: &View) -> Answered {
        Ok(match form {
            Form::Roles { shown } => assign::sent(shown, view),
            Form::Severity => sev::sent(view)?,
            Form::Runbook => runbook::sent(self, view)?,
            Form::Update => update::sent(self, view)?,
            Form::Resolve => resolve::sent(view),
            Form::Reopen => reopen::sent(view),
            Form::Skip { step } => runbook::skip_sent(*step, view),
            Form::Notify(whom) => notify::sent(self, &self.app.must(uid).await?, *whom, view).await?,
            Form::Look(look) => look::sent(*look, view),
            Form::Task { .. } => task::sent(self, view)?,
            Form::Why => why::sent(view),
            Form::Cause { .. } => cause::sent(view)?,
            Form::Learnt { .. } => retro::sent(view)?,
            Form::Declare { .. } | Form::More | Form::TriageAttach(_) | Form::TriageSilence(_) => {
                return Err(Unsent::Failed(Failure::Invalid("This form is about no incident.".to_owned())));
            }
        })
    }
}

/// A form as Slack shows it.
pub(crate) fn modal(form: &Form, incident: Option<&Incident>, questions: Questions) -> Modal {
    let Questions { title, submit, inputs } = questions;
    let metadata = form.written(incident.map(Incident::name).as_deref());
    Modal { callback: form.id(), title, submit, metadata, inputs }
}
