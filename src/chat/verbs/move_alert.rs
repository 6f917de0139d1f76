//! `move`: moves an alert to another incident, or to a new one.

use super::alerts;
use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::{Verb, numbered};
use crate::chat::reply::Reply;
use crate::domain::incident::number;
use crate::domain::{Command, permission};

pub(crate) static VERB: Verb = Verb {
    words: &["move"],
    arguments: "<n> <INC-n|new>",
    help: "alert n belongs to another incident, or to one of its own",
    parse: |line| {
        let (alert, to) = line.split();
        let to = to.trim_start_matches("to ").trim();
        let Some(alert) = numbered::<usize>(alert) else {
            return Err(line.unclear("Which alert? `/incident alerts` numbers them."));
        };
        match number(to) {
            None if !to.eq_ignore_ascii_case("new") => Err(line.unclear("Where to?")),
            to => line.act(permission::Verb::Triage, move |chat, number| Box::pin(said(chat, number, alert, to))),
        }
    },
};

/// `alert` is counted from 1.
async fn said(chat: &Chat<'_>, number: Option<u64>, alert: usize, to: Option<u64>) -> Result<Reply, Failure> {
    let uid = chat.target(number).await?;
    let alert = alerts::in_order(chat.app, &uid).await?.into_iter().nth(alert.wrapping_sub(1));
    let alert = alert.map(|alert| alert.id).unwrap_or_default();
    let to = match to {
        Some(to) => {
            let other = chat.open_one(to).await?;
            chat.may_go(&uid, &other).await?;
            Some((other, format!("INC-{to}")))
        }
        None => None,
    };
    chat.act(&uid, Command::MoveAlert { alert, to }).await
}
