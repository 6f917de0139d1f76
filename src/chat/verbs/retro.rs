//! `retro`: what went well, what was hard, where luck helped.

use crate::app::Failure;
use crate::chat::line::Verb;
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, chosen, form};
use crate::domain::Command;
use crate::domain::rca::Learnt;
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["retro", "learnt", "learned"],
    arguments: "<well|hard|lucky> <text>",
    help: "what went well, what was hard, where luck helped: for the post-mortem",
    parse: |line| {
        let (what, text) = line.split();
        match Learnt::parse(what.trim_end_matches(':')) {
            Some(what) if !text.is_empty() => line.command(Command::Learn { what, text: text.to_owned() }),
            None if !line.rest.is_empty() => Err(line.unclear("Something went well, was hard, or was lucky.")),
            what => line.ask_about(Form::Learnt, what.map(Learnt::as_str).unwrap_or_default()),
        }
    },
};

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let kinds = Learnt::ALL.map(|one| (one.as_str(), one.meaning()));
    let what = Learnt::parse(asked.words).unwrap_or(Learnt::Well);
    let incident = asked.incident_for(Command::Learn { what, text: SOME.to_owned() }).await?;
    let inputs = vec![
        ModalInput::choice("what", "What does the look back see?", kinds, what.as_str()),
        ModalInput::text("text", "What was it?", "the runbook had the very step"),
    ];
    Ok(Questions::about(&incident, "What did we learn?", "Write down", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let what = chosen(view, "what", Learnt::parse)?;
    asked.give(Command::Learn { what, text: view.text("text").unwrap_or_default() }).await
}
