//! `look`: what a look at the lineage, the code, the data or the operations showed.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::questions::{Questions, SOME};
use crate::domain::event::Look;
use crate::domain::{Command, Incident, permission};
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["look"],
    arguments: "<lineage|code|data|operations> [finding]",
    help: "write down what a look showed; without a finding a form asks",
    may: permission::Verb::Note,
    parse: |line| {
        let (look, finding) = line.split();
        match Look::parse(look) {
            Some(look) if finding.is_empty() => line.ask(Form::Look(look)),
            Some(look) => line.command(Command::Look { look, finding: finding.to_owned() }),
            None => Err(line.unclear("What did you look at?")),
        }
    },
};

pub(crate) async fn form(chat: &Chat<'_>, incident: &Incident, look: Look) -> Result<Questions, Failure> {
    chat.would(incident, Command::Look { look, finding: SOME.to_owned() }).await?;
    let found: Vec<_> = match look {
        Look::Lineage => incident.roots.iter().map(|root| format!("{}: {}", root.asset, root.reason)).collect(),
        _ => Vec::new(),
    };
    let question = "What did the look show, or rule out?";
    let input = ModalInput::text("text", question, "raw_orders is stale too; its loader failed at 05:00");
    let inputs = vec![input.starting(&found.join("\n")).at_most(3000)];
    Ok(Questions { title: "What did you find?", submit: "Write down", inputs })
}

pub(crate) fn sent(look: Look, view: &View) -> Command {
    Command::Look { look, finding: view.text("text").unwrap_or_default() }
}
