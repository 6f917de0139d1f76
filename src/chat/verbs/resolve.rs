//! `resolve`: it is over. Without a text, a form asks why, and says what is missing.

use serde_json::json;

use crate::app::Failure;
use crate::chat::line::Verb;
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, Sent, form};
use crate::domain::Command;
use crate::domain::decide::gaps;
use crate::domain::incident::Ending;
use crate::domain::reason::Gap;
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["resolve", "resolved", "close", "closed"],
    arguments: "[text]",
    help: "it is over: mended, good again downstream, people told; `resolve false alarm: …`, `duplicate`, `expected`; alone, it asks why and says what is missing",
    parse: |line| {
        if line.rest.is_empty() {
            return line.ask(Form::Resolve);
        }
        let (ending, text) = Ending::begins(line.rest).unwrap_or((Ending::Fixed, line.rest));
        line.command(Command::Resolve { text: (!text.is_empty()).then(|| text.to_owned()), ending })
    },
};

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let incident = asked.incident_for(Command::Resolve { text: None, ending: Ending::Fixed }).await?;
    let question = "The cause is mended, data is good again downstream, people are told?";
    let endings = Ending::ALL.map(|ending| (ending.as_str(), ending.as_str()));
    let gaps: Vec<_> = gaps(&incident.clone().into()).iter().map(Gap::advice).collect();
    let inputs = vec![
        ModalInput::text("text", question, "What ended it, in a sentence").if_any(),
        ModalInput::choice("ending", "Why is it over?", endings, Ending::Fixed.as_str()),
        ModalInput::Words(asked.chat.app.templates.render("gaps", &json!({"gaps": gaps}))),
    ];
    Ok(Questions::about(&incident, "Resolve", "Resolve", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let ending = view.choice("ending").and_then(|word| Some(Ending::begins(&word)?.0)).unwrap_or_default();
    asked.give(Command::Resolve { text: view.text("text"), ending }).await
}
