//! `sev`: how bad it is.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::questions::{Answered, Questions, chosen};
use crate::domain::{Command, Incident, Severity, permission};
use crate::render::{Form, views};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["sev", "severity", "priority"],
    arguments: "<1-5>",
    help: "decide how bad it is",
    may: permission::Verb::Severity,
    parse: |line| match Severity::parse(line.rest) {
        Some(severity) => line.command(Command::SetSeverity { severity }),
        None if line.rest.is_empty() => line.ask(Form::Severity),
        None => Err(line.unclear("A severity is 1 (worst) to 5.")),
    },
};

pub(crate) async fn form(chat: &Chat<'_>, incident: &Incident) -> Result<Questions, Failure> {
    // A severity other than the present one.
    let severity = if incident.severity == Severity::Sev1 { Severity::Sev2 } else { Severity::Sev1 };
    chat.would(incident, Command::SetSeverity { severity }).await?;
    Ok(Questions { title: "Severity", submit: "Change", inputs: vec![views::severity_input(incident.severity)] })
}

pub(crate) fn sent(view: &View) -> Answered {
    Ok(Command::SetSeverity { severity: chosen(view, "severity", Severity::parse)? })
}
