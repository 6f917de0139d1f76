//! Stories, a file a theme. Their names are facts. `docs/slack.md` lists the surfaces of Slack with the stories that prove them.

use crate::harness::{Bot, Setup};

mod attacks;
mod channels;
mod contract;
mod correlation;
mod declaring;
mod doors;
mod errors;
mod faults;
mod finding;
mod floor;
mod limits;
mod lineage;
mod mail;
mod monitors;
mod one_incident;
mod peers;
mod people;
mod refusals;
mod roles;
mod socket;
mod tasks;
mod timeline;
mod verbs;
mod visibility;

async fn bot_with(extra: &str) -> Bot {
    Bot::set_up(Setup { extra: extra.to_owned(), ..Setup::default() }).await
}

/// What only one person reads next in a channel, with its buttons.
fn whispered(bot: &Bot, channel: &str, user: &str) -> muster::sandbox::MessageView {
    bot.sandbox.slack().ephemerals(channel, user).pop().unwrap_or_else(|| panic!("{user} heard nothing in #{channel}"))
}

async fn press(bot: &Bot, user: &str, message: &muster::sandbox::MessageView, label: &str) {
    bot.sandbox.slack().click(user, message, label).await.unwrap();
    bot.settle().await;
}

fn labels(message: &muster::sandbox::MessageView) -> Vec<&str> {
    message.buttons.iter().map(|button| button.label.as_str()).collect()
}
