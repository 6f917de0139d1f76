//! `sev`: how bad it is.

use crate::app::Failure;
use crate::chat::line::Verb;
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, Sent, chosen, form};
use crate::domain::{Command, Severity};
use crate::render::{Form, views};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["sev", "severity", "priority"],
    arguments: "<1-5>",
    help: "decide how bad it is",
    parse: |line| match Severity::parse(line.rest) {
        Some(severity) => line.command(Command::SetSeverity { severity }),
        None if line.rest.is_empty() => line.ask(Form::Severity),
        None => Err(line.unclear("A severity is 1 (worst) to 5.")),
    },
};

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "severity", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let (chat, incident) = (asked.chat, asked.incident().await?);
    // A severity other than the present one.
    let severity = if incident.severity == Severity::Sev1 { Severity::Sev2 } else { Severity::Sev1 };
    chat.would(&incident, Command::SetSeverity { severity }).await?;
    Ok(Questions::about(&incident, "Severity", "Change", vec![views::severity_input(incident.severity)]))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    asked.give(Command::SetSeverity { severity: chosen(view, "severity", Severity::parse)? }).await
}
