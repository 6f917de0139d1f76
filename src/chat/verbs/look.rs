//! `look`: what a look at the lineage, the code, the data or the operations showed.

use crate::app::Failure;
use crate::chat::line::Verb;
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, form};
use crate::domain::Command;
use crate::domain::event::Look;
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["look"],
    arguments: "<lineage|code|data|operations> [finding]",
    help: "write down what a look showed; without a finding a form asks",
    parse: |line| {
        let (look, finding) = line.split();
        match Look::parse(look) {
            Some(look) if finding.is_empty() => line.ask_about(Form::Look, look.as_str()),
            Some(look) => line.command(Command::Look { look, finding: finding.to_owned() }),
            None => Err(line.unclear("What did you look at?")),
        }
    },
};

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let look = asked.about(Look::parse)?;
    let incident = asked.incident_for(Command::Look { look, finding: SOME.to_owned() }).await?;
    let found: Vec<_> = match look {
        Look::Lineage => incident.roots.iter().map(|root| format!("{}: {}", root.asset, root.reason.words())).collect(),
        _ => Vec::new(),
    };
    let question = "What did the look show, or rule out?";
    let input = ModalInput::text("text", question, "raw_orders is stale too; its loader failed at 05:00");
    let inputs = vec![input.starting(&found.join("\n")).at_most(3000)];
    Ok(Questions::about(&incident, "What did you find?", "Write down", inputs).remember(look.as_str()))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let look = asked.about(Look::parse)?;
    asked.give(Command::Look { look, finding: view.text("text").unwrap_or_default() }).await
}
