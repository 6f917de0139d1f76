//! `timeline`: what happened, numbered, latest page first. `edit` corrects a line.

use serde_json::{Value, json};

use crate::app::{App, Failure};
use crate::chat::asker::Chat;
use crate::chat::line::{self, Read, Verb, numbered};
use crate::chat::reply::Reply;
use crate::chat::when::Toward;
use crate::domain::timeline::{Line, lines};
use crate::domain::{Command, Incident, Time, permission};
use crate::render;

/// How many lines a page shows.
const LINES: usize = 40;

pub(crate) static VERB: Verb = Verb {
    words: &["timeline", "history", "edit", "correct"],
    arguments: "or edit <n> <text|at 06:10>",
    help: "what happened, numbered; `edit` corrects the words or the time of a line",
    parse: |line| {
        if matches!(line.word, "edit" | "correct") {
            return edit(&line);
        }
        let page = line.page();
        line.act(permission::Verb::Read, move |chat, number| Box::pin(said(chat, number, page)))
    },
};

async fn said(chat: &Chat<'_>, number: Option<u64>, page: usize) -> Result<Reply, Failure> {
    let incident = chat.incident(number).await?;
    let (lines, more) = latest(chat.app, &incident, page).await?;
    Ok(chat.paged("timeline", &incident, &lines, Vec::new(), more.then_some("Earlier"), page))
}

/// The lines of the `page`-th page from the end, and whether there are earlier lines.
async fn latest(app: &App, incident: &Incident, page: usize) -> Result<(Vec<Value>, bool), Failure> {
    let mut read = 4 * LINES * page;
    loop {
        let latest = app.latest_entries(incident, read as u64).await?;
        let all = latest.first().is_none_or(|first| first.seq == 1);
        let mut lines = lines(&latest);
        // Not every entry is a line, so more entries may have to be read.
        if !all && lines.len() < LINES * page {
            read *= 2;
            continue;
        }
        lines.truncate(lines.len().saturating_sub(LINES * (page - 1)));
        let earlier = lines.len().saturating_sub(LINES);
        lines.drain(..earlier);
        return Ok((views(app, &lines), earlier > 0 || !all));
    }
}

/// Lines as templates see them.
pub(crate) fn views(app: &App, lines: &[Line]) -> Vec<Value> {
    let view = |line: &Line| {
        json!({
            "number": line.entry.seq, "at": line.at,
            "text": render::timeline::line(&app.templates, line, &|id| app.name(id)),
            "link": line.message().map(|message| app.link(message)),
        })
    };
    lines.iter().map(view).collect()
}

/// `edit 7 the loader was restarted`, `edit 7 at 06:10`.
fn edit(line: &line::Line<'_>) -> Read {
    let (number, words) = line.split();
    let Some(number) = numbered(number) else {
        return Err(line.unclear("Which line? `/incident timeline` numbers them."));
    };
    if words.is_empty() {
        return Err(line.unclear("What should it say?"));
    }
    let at = words.strip_prefix("at ").map(|time| line.perhaps(time, Toward::Past)).transpose()?.flatten();
    let text = if at.is_some() { None } else { Some(words.to_owned()) };
    line.act(permission::Verb::Note, move |chat, incident| Box::pin(correct(chat, incident, number, text, at)))
}

async fn correct(
    chat: &Chat<'_>,
    incident: Option<u64>,
    number: u64,
    text: Option<String>,
    at: Option<Time>,
) -> Result<Reply, Failure> {
    let uid = chat.target(incident).await?;
    let found = chat.app.entries(&uid, number.saturating_sub(1), 1).await?.into_iter().find(|one| one.seq == number);
    let Some(line) = found else {
        return Err(Failure::NotFound("There is no such line. `/incident timeline` numbers them.".to_owned()));
    };
    chat.act(&uid, Command::Amend { line: Box::new(line), text, at }).await
}
