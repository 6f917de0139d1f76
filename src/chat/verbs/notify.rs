//! `notify`: tells owners upstream or consumers downstream. A form shows whom, and what they will read.

use serde_json::json;

use crate::app::Failure;
use crate::chat::line::Verb;
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, Sent, Unsent, form};
use crate::domain::effect::Notice;
use crate::domain::incident::Recipient;
use crate::domain::lineage::Whom;
use crate::domain::told::WhoWasTold;
use crate::domain::{Command, Refusal, counted};
use crate::render::{Form, ModalInput, views};
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["notify", "tell"],
    arguments: "<upstream|downstream>",
    help: "tell the owners above, or the consumers below; a form shows whom",
    parse: |line| match Whom::parse(line.rest) {
        Some(whom) => line.ask_about(Form::Notify, whom.as_str()),
        None => Err(line.unclear("Whom do you want to tell?")),
    },
};

fn reached(recipient: &Recipient) -> bool {
    recipient.slack.is_some() || recipient.email.is_some()
}

pub(crate) static FORM: FormSpec = form!(Instead::Nothing, "text", open, sent);

/// Whom a notification reaches, what they read, and what can be added.
async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let (chat, incident) = (asked.chat, asked.incident().await?);
    let (app, whom) = (chat.app, asked.about(Whom::parse)?);
    let (all, told) = (app.recipients(&incident, whom).await?, app.who_was_told(&incident.uid).await?);
    let unreachable: Vec<_> = all.iter().filter(|one| !reached(one)).map(|one| one.name.clone()).collect();
    let knows = |one: &Recipient| told.values().any(|told| told.recipient.is_same(one) && !told.is_unreached());
    let new: Vec<_> = all.iter().filter(|one| reached(one) && !knows(one)).collect();
    match chat.would(&incident, Command::Notify { whom, recipients: all.clone(), text: None }).await {
        Err(Failure::Refused(Refusal::NobodyLeftToTell { .. })) if unreachable.len() == all.len() => {
            return Err(Failure::NotFound(format!(
                "None of them can be reached. No channel or address is known for: {}. Add one under `[[teams]]` or in the catalog.",
                unreachable.join(", ")
            )));
        }
        other => other?,
    }
    let first = new.first().ok_or(Refusal::NobodyLeftToTell { whom: whom.as_str() })?;
    let notice = Notice::First { whom, text: None };
    let names = |id: &str| app.name(id);
    let preview = views::notice(&app.templates, &notice, first, &incident, &names, app.now(), &views::Sent::default());
    let who = WhoWasTold::of(told.values());
    let told: Vec<_> = who.told.iter().map(|told| told.name.clone()).chain(who.not_recorded).collect();
    let view = json!({"first": first.name, "told": told, "telling": who.pending, "unreachable": unreachable});
    let words = format!("{}\n\n---\n\n{preview}", app.templates.render("notify_form", &view));
    let option = |one: &&Recipient| {
        let way = one.slack.as_ref().or(one.email.as_ref()).cloned().unwrap_or_default();
        (one.key.clone(), format!("{} ({}) {way}", one.name, counted(one.total, "asset")))
    };
    let inputs = vec![
        ModalInput::Several {
            id: "teams",
            label: "Who is told? Take out whom you want to leave out.",
            options: new.iter().map(option).collect(),
            initial: new.iter().map(|one| one.key.clone()).collect(),
        },
        ModalInput::text(
            "text",
            "What are they asked to do? Write it in your own words.",
            "Use yesterday's figures until 09:00.",
        )
        .starting(&views::ask(&app.templates, whom))
        .at_most(3000)
        .if_any(),
        ModalInput::Words(words),
    ];
    Ok(Questions::about(&incident, "Tell people", "Send", inputs).remember(whom.as_str()))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let (chat, incident, whom) = (asked.chat, asked.incident().await?, asked.about(Whom::parse)?);
    let chosen = view.choices("teams");
    if chosen.is_empty() {
        return Err(Unsent::Mistake("teams", "Nobody is left; choose at least one, or cancel.".to_owned()));
    }
    let mut recipients = chat.app.recipients(&incident, whom).await?;
    // A key in a form is cut to Slack's limit.
    recipients.retain(|one| chosen.iter().any(|key| one.key == *key || one.key.starts_with(key.trim_end_matches('…'))));
    // Text that was left unchanged is not repeated on the timeline.
    let text = view.text("text").filter(|text| *text != views::ask(&chat.app.templates, whom));
    asked.give(Command::Notify { whom, recipients, text }).await
}
