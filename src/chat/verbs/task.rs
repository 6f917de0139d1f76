//! `task`, `tasks`: what is promised, by whom, and by when.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::choices::page_of;
use crate::chat::line::{Line, Read, Unclear, Verb, mentions, numbered, split};
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, SOME, Sent, form, promised};
use crate::chat::reply::Reply;
use crate::chat::when::{self, Toward};
use crate::domain::{Command, permission};
use crate::render::{Button, ModalInput, Press};
use crate::slack::inbound::View;

/// How many tasks a page shows.
const TASKS: usize = 30;
/// How many of them have a button.
const BUTTONS: usize = 5;
/// A task is one line of text.
const MAX_TASK: usize = 300;

pub(crate) static VERB: Verb = Verb {
    words: &["task", "tasks", "todo", "actions"],
    arguments: "<text> [@user] [friday|3d|2026-12-01]",
    help: "promise something; `task done <n>`, `task take <n>`, `task give <n> @user`, `tasks`",
    parse: |line| {
        if line.word != "task" || line.rest.is_empty() {
            let page = line.page();
            return line.act(permission::Verb::Read, move |chat, number| Box::pin(said(chat, number, page)));
        }
        let (what, of) = line.split();
        // "Give backfills a pool of their own" is a task; "give 2 @ben" hands one over.
        let names_one = of.is_empty() || which(&line, split(of).0).is_ok();
        match what.to_lowercase().as_str() {
            "done" => line.command(Command::FinishTask { task: which(&line, of)? }),
            "take" | "mine" if names_one => {
                let task = which(&line, of)?;
                line.act(permission::Verb::Task, move |chat, number| Box::pin(take(chat, number, task)))
            }
            "give" | "assign" if names_one => {
                let (number, people) = split(of);
                match mentions(people).into_iter().next() {
                    Some(assignee) => line.command(Command::AssignTask { task: which(&line, number)?, assignee }),
                    None => Err(line.unclear("To whom? Mention them with @.")),
                }
            }
            _ => add(&line),
        }
    },
};

fn which(line: &Line<'_>, number: &str) -> Result<u32, Unclear> {
    numbered(number).ok_or_else(|| line.unclear("Which task? `/incident tasks` numbers them."))
}

fn add(line: &Line<'_>) -> Read {
    let mut words: Vec<&str> = line.rest.split_whitespace().collect();
    let due = when::trailing(&words, line.clock, Toward::Future);
    if let Some((count, _)) = due {
        words.truncate(words.len() - count);
    }
    let assignee = words.iter().flat_map(|word| mentions(word)).next();
    words.retain(|word| mentions(word).is_empty());
    line.command(Command::AddTask { text: words.join(" "), assignee, due: due.map(|(_, at)| at) })
}

async fn take(chat: &Chat<'_>, number: Option<u64>, task: u32) -> Result<Reply, Failure> {
    let uid = chat.target(number).await?;
    chat.act(&uid, Command::AssignTask { task, assignee: chat.user.to_owned() }).await
}

async fn said(chat: &Chat<'_>, number: Option<u64>, page: usize) -> Result<Reply, Failure> {
    let incident = chat.incident(number).await?;
    let tasks = chat.app.task_views(&chat.app.tasks(&incident.uid).await?);
    let (tasks, more) = page_of(tasks, page, TASKS);
    let open = tasks.iter().filter(|task| task["done"] == false).filter_map(|task| task["number"].as_u64());
    let done = |task: u64| {
        let press = Press::TaskDone(u32::try_from(task).unwrap_or_default());
        Button::on(&incident.name(), press, &format!("Done {task}"))
    };
    let buttons = open.take(BUTTONS).map(done).collect();
    Ok(chat.paged("tasks", &incident, &tasks, buttons, more.then_some("More"), page))
}

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let incident = asked.incident_for(Command::AddTask { text: SOME.to_owned(), assignee: None, due: None }).await?;
    let begun: String = asked.words.chars().take(MAX_TASK).collect();
    let inputs = vec![
        ModalInput::line("text", "What is to be done?", "add a freshness check to raw_orders")
            .starting(&begun)
            .at_most(MAX_TASK),
        ModalInput::People { id: "owner", label: "Who does it?", initial: Vec::new(), several: false },
        ModalInput::line("due", asked.chat.clock().asks("By when?"), "friday, 3d, or 2026-12-01").if_any(),
    ];
    Ok(Questions::about(&incident, "A task", "Add", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let due = promised(view, "due", asked.chat.clock(), "friday, 3d or 2026-12-01")?;
    let assignee = view.people("owner").into_iter().next();
    asked.give(Command::AddTask { text: view.text("text").unwrap_or_default(), assignee, due }).await
}
