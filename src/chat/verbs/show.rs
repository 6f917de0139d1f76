//! `show`: the state of an incident. An incident's name alone does the same.

use serde_json::json;

use super::timeline;
use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::permission;
use crate::domain::timeline::lines;
use crate::render::views;

/// How many tasks are shown below an incident.
const TASKS: usize = 10;
/// How many entries of its timeline are read.
const ENTRIES: u64 = 15;

pub(crate) static VERB: Verb = Verb {
    words: &["show", "status"],
    arguments: "",
    help: "show this incident: how it stands now",
    parse: |line| line.act(permission::Verb::Read, |chat, number| Box::pin(said(chat, number))),
};

pub(crate) async fn said(chat: &Chat<'_>, number: Option<u64>) -> Result<Reply, Failure> {
    let (app, incident) = (chat.app, chat.incident(number).await?);
    let latest = app.latest_entries(&incident, ENTRIES).await?;
    let mut tasks = app.task_views(&app.tasks(&incident.uid).await?);
    let more_tasks = tasks.len().saturating_sub(TASKS);
    tasks.truncate(TASKS);
    let view = json!({
        "incident": views::incident(&incident, &|id| app.name(id), app.now()), "lines": timeline::views(app, &lines(&latest)),
        "tasks": tasks, "more_tasks": more_tasks,
    });
    Ok(app.shown("show", &view, &[]).into())
}
