//! `link`: moves an incident to this channel. With an e-mail address, it says who somebody is in PagerDuty.

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::{Command, permission};

pub(crate) static VERB: Verb = Verb {
    words: &["link", "adopt"],
    arguments: "[e-mail]",
    help: "`INC-12 link` moves that incident to this channel; with an e-mail address, it says who you are in PagerDuty",
    parse: |line| {
        if !line.rest.contains('@') {
            return line.act(permission::Verb::Status, |chat, number| Box::pin(here(chat, number)));
        }
        match address(line.rest) {
            Some(address) => line.act(permission::Verb::Read, move |chat, _| Box::pin(of_somebody(chat, address))),
            None => Err(line.unclear(&format!("“{}” is not an e-mail address.", line.rest))),
        }
    },
};

async fn here(chat: &Chat<'_>, number: Option<u64>) -> Result<Reply, Failure> {
    let uid = chat.target(number).await?;
    let channel = chat.channel.cloned().unwrap_or_default();
    if chat.app.at_home_in(&channel).await?.is_some_and(|other| other != uid) {
        return Err(Failure::Invalid(
            "This is the channel of another incident. Type the command in a channel that belongs to no incident."
                .to_owned(),
        ));
    }
    chat.act(&uid, Command::Link { channel }).await
}

async fn of_somebody(chat: &Chat<'_>, address: String) -> Result<Reply, Failure> {
    chat.app.link_address(chat.user, &address).await?;
    Ok(Reply::words(&format!(
        "Muster looks for you in PagerDuty as {address} from now on: on schedules, and when somebody pages you."
    )))
}

/// An e-mail address, as Slack writes it (`<mailto:ana@example.com|ana@example.com>`) or bare, in lower case.
fn address(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>').trim_start_matches("mailto:");
    let bare = bare.split('|').next().unwrap_or(bare).to_lowercase();
    let (name, host) = bare.split_once('@')?;
    let fine = !name.is_empty() && host.contains('.') && bare.len() <= 254 && !bare.contains(char::is_whitespace);
    fine.then_some(bare)
}
