//! `subscribe`, `unsubscribe`: somebody hears of an incident, or of all incidents of an asset or team, or hears no more.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::{Verb, unquote};
use crate::chat::reply::Reply;
use crate::domain::{Command, permission};

pub(crate) static VERB: Verb = Verb {
    words: &["subscribe", "follow", "unsubscribe", "unfollow"],
    arguments: "[asset|team]",
    help: "hear of this incident, or of all of an asset or team, by direct message; `unsubscribe` ends it",
    parse: |line| {
        let on = !line.word.starts_with("un");
        if line.rest.is_empty() {
            return line.command(if on { Command::Subscribe } else { Command::Unsubscribe });
        }
        let of = unquote(line.rest);
        line.act(permission::Verb::Read, move |chat, _| Box::pin(said(chat, of, on)))
    },
};

async fn said(chat: &Chat<'_>, of: String, on: bool) -> Result<Reply, Failure> {
    let app = chat.app;
    let team = app.policy.teams.iter().find(|team| team.name.eq_ignore_ascii_case(&of)).map(|team| team.name.clone());
    let known = match team {
        Some(team) => team,
        // A subscription can be ended even if its subject is not known any more.
        None if !on => app.meant(&of).unwrap_or(of),
        None => app.meant(&of)?,
    };
    let news = app.subscribe_to(&known, chat.user, on).await?;
    Ok(Reply::words(&match (on, news) {
        (true, true) => {
            format!("You hear of every incident that reaches `{known}` now. `/incident unsubscribe {known}` ends it.")
        }
        (true, false) => format!("You subscribe to `{known}` already."),
        (false, true) => format!("You hear no more of `{known}`."),
        (false, false) => {
            let followed: Vec<_> = app.subscriptions_of(chat.user).iter().map(|one| format!("`{one}`")).collect();
            let followed = if followed.is_empty() { "nothing".to_owned() } else { followed.join(", ") };
            format!("You do not subscribe to `{known}`. You subscribe to {followed}.")
        }
    }))
}
