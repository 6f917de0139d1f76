//! `runbook`: attaches a runbook, and checks off or skips its steps.

use serde_json::json;

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::{Verb, split};
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, form};
use crate::chat::reply::Reply;
use crate::domain::reason::RunbookReason;
use crate::domain::runbook::Runbook;
use crate::domain::{Command, permission};
use crate::render::ModalInput;
use crate::slack::inbound::View;

pub(crate) static VERB: Verb = Verb {
    words: &["runbook"],
    arguments: "[name]",
    help: "bring a runbook; `runbook done <n> [note]`, `runbook skip <n> <reason>`",
    parse: |line| {
        let (what, rest) = line.split();
        let (step, words) = split(rest);
        match (what.to_lowercase().as_str(), step.parse::<usize>()) {
            ("", _) => line.act(permission::Verb::Read, |chat, _| Box::pin(async move { Ok(all(chat)) })),
            ("done", Ok(step)) => {
                let note = (!words.is_empty()).then(|| words.to_owned());
                line.command(Command::StepDone { step, note })
            }
            ("skip", Ok(step)) => line.command(Command::StepSkip { step, reason: words.to_owned() }),
            ("done" | "skip", Err(_)) => Err(line.unclear("Which step? Steps are counted from 1.")),
            _ => {
                let name = line.rest.to_owned();
                line.act(permission::Verb::Runbook, move |chat, number| Box::pin(bring(chat, number, name)))
            }
        }
    },
};

fn all(chat: &Chat<'_>) -> Reply {
    let one = |book: &Runbook| json!({"id": book.head.id, "title": book.head.title, "owner": book.head.owner});
    let books: Vec<_> = chat.app.library.all().map(one).collect();
    chat.app.shown("runbooks", &json!({"books": books}), &[]).into()
}

async fn bring(chat: &Chat<'_>, number: Option<u64>, name: String) -> Result<Reply, Failure> {
    let uid = chat.target(number).await?;
    chat.act(&uid, named(chat, &name)?).await
}

fn named(chat: &Chat<'_>, name: &str) -> Result<Command, Failure> {
    let library = &chat.app.library;
    let runbook = library.find(name).cloned().ok_or_else(|| {
        let ids: Vec<_> = library.all().map(|book| format!("`{}`", book.head.id)).collect();
        let ids = ids.join(", ");
        Failure::NotFound(format!("There is no runbook “{name}”, or more than one fits. There are: {ids}."))
    })?;
    Ok(Command::AttachRunbook { runbook, because: RunbookReason::Asked { by: chat.user.to_owned() } })
}

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "runbook", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let (chat, incident) = (asked.chat, asked.incident().await?);
    let library = &chat.app.library;
    // A runbook other than the present one.
    let other = |book: &&Runbook| incident.checklist.as_ref().is_none_or(|list| list.runbook != book.head.id);
    match library.all().find(other) {
        Some(book) => chat.would(&incident, named(chat, &book.head.id)?).await?,
        None => chat.may(permission::Verb::Runbook, Some(&incident))?,
    }
    let inputs = vec![ModalInput::Choice {
        id: "runbook",
        label: "Which one?",
        options: library.all().map(|book| (book.head.id.clone(), book.head.title.clone())).collect(),
        initial: library.best(&incident).map(|(book, _)| book.head.id.clone()),
    }];
    Ok(Questions::about(&incident, "Bring a runbook", "Bring", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    asked.give(named(asked.chat, &view.choice("runbook").unwrap_or_default())?).await
}

pub(crate) static SKIP_FORM: FormSpec = form!(Instead::Line("runbook skip <n> <reason>"), "text", open_skip, skip_sent);

async fn open_skip(asked: Asked<'_>) -> Result<Questions, Failure> {
    let step = asked.about(|step| step.parse().ok())?;
    let incident = asked.incident_for(Command::StepSkip { step, reason: SOME.to_owned() }).await?;
    let inputs = vec![ModalInput::text("text", "Why is this step left out?", "there is no staging copy")];
    Ok(Questions::about(&incident, "Skip a step", "Skip", inputs).remember(asked.words))
}

async fn skip_sent(asked: Asked<'_>, view: &View) -> Sent {
    let step = asked.about(|step| step.parse().ok())?;
    asked.give(Command::StepSkip { step, reason: view.text("text").unwrap_or_default() }).await
}
