//! `cause`: what caused it, as people agreed. It never names a person.

use crate::app::Failure;
use crate::chat::line::Verb;
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, chosen, form};
use crate::domain::Command;
use crate::domain::rca::CauseKind;
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["cause", "root-cause"],
    arguments: "<data|logic|operations> <text>",
    help: "what caused it, as you agreed; never who",
    parse: |line| {
        let (kind, text) = line.split();
        match CauseKind::parse(kind.trim_end_matches(':')) {
            Some(kind) if !text.is_empty() => line.command(Command::Cause { kind, text: text.to_owned() }),
            None if !line.rest.is_empty() => Err(line.unclear("A cause lies with data, logic or operations.")),
            kind => line.ask_about(Form::Cause, kind.map(CauseKind::as_str).unwrap_or_default()),
        }
    },
};

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let kinds = CauseKind::ALL.map(|one| (one.as_str(), one.meaning()));
    let kind = CauseKind::parse(asked.words).unwrap_or(CauseKind::Data);
    let incident = asked.incident_for(Command::Cause { kind, text: SOME.to_owned() }).await?;
    let inputs = vec![
        ModalInput::choice("kind", "Where does it lie? Never with a person.", kinds, kind.as_str()),
        ModalInput::text("text", "What caused it?", "the loader's disk was full and nothing watched it"),
    ];
    Ok(Questions::about(&incident, "The cause", "Write down", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let kind = chosen(view, "kind", CauseKind::parse)?;
    asked.give(Command::Cause { kind, text: view.text("text").unwrap_or_default() }).await
}
