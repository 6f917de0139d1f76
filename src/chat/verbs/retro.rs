//! `retro`: what went well, what was hard, where luck helped.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::questions::{Answered, Questions, SOME, chosen};
use crate::domain::rca::Learnt;
use crate::domain::{Command, Incident, permission};
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["retro", "learnt", "learned"],
    arguments: "<well|hard|lucky> <text>",
    help: "what went well, what was hard, where luck helped: for the post-mortem",
    may: permission::Verb::Note,
    parse: |line| {
        let (what, text) = line.split();
        match Learnt::parse(what) {
            Some(what) if !text.is_empty() => line.command(Command::Learn { what, text: text.to_owned() }),
            None if !line.rest.is_empty() => Err(line.unclear("Something went well, was hard, or was lucky.")),
            what => line.ask(Form::Learnt { what }),
        }
    },
};

pub(crate) async fn form(chat: &Chat<'_>, incident: &Incident, what: Option<Learnt>) -> Result<Questions, Failure> {
    let kinds = Learnt::ALL.map(|one| (one.as_str(), one.meaning()));
    let what = what.unwrap_or(Learnt::Well);
    chat.would(incident, Command::Learn { what, text: SOME.to_owned() }).await?;
    let inputs = vec![
        ModalInput::choice("what", "What does the look back see?", kinds, what.as_str()),
        ModalInput::text("text", "What was it?", "the runbook had the very step"),
    ];
    Ok(Questions { title: "What did we learn?", submit: "Write down", inputs })
}

pub(crate) fn sent(view: &View) -> Answered {
    let what = chosen(view, "what", Learnt::parse)?;
    Ok(Command::Learn { what, text: view.text("text").unwrap_or_default() })
}
