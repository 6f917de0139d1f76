//! `cause`: what caused it, as people agreed. It never names a person.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::questions::{Answered, Questions, SOME, chosen};
use crate::domain::rca::CauseKind;
use crate::domain::{Command, Incident, permission};
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["cause", "root-cause"],
    arguments: "<data|logic|operations> <text>",
    help: "what caused it, as you agreed; never who",
    may: permission::Verb::Note,
    parse: |line| {
        let (kind, text) = line.split();
        match CauseKind::parse(kind) {
            Some(kind) if !text.is_empty() => line.command(Command::Cause { kind, text: text.to_owned() }),
            None if !line.rest.is_empty() => Err(line.unclear("A cause lies with data, logic or operations.")),
            kind => line.ask(Form::Cause { kind }),
        }
    },
};

pub(crate) async fn form(chat: &Chat<'_>, incident: &Incident, kind: Option<CauseKind>) -> Result<Questions, Failure> {
    let kinds = CauseKind::ALL.map(|one| (one.as_str(), one.meaning()));
    let kind = kind.unwrap_or(CauseKind::Data);
    chat.would(incident, Command::Cause { kind, text: SOME.to_owned() }).await?;
    let inputs = vec![
        ModalInput::choice("kind", "Where does it lie? Never with a person.", kinds, kind.as_str()),
        ModalInput::text("text", "What caused it?", "the loader's disk was full and nothing watched it"),
    ];
    Ok(Questions { title: "The cause", submit: "Write down", inputs })
}

pub(crate) fn sent(view: &View) -> Answered {
    let kind = chosen(view, "kind", CauseKind::parse)?;
    Ok(Command::Cause { kind, text: view.text("text").unwrap_or_default() })
}
