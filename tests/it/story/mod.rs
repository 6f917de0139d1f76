//! Stories, a file a theme. Their names are facts. `docs/slack.md` lists the surfaces of Slack with the stories that prove them.

use serde_json::{Value, json};

use crate::harness::{Bot, Setup};

mod bodies;
mod channels;
mod correlation;
mod declaring;
mod doors;
mod errors;
mod faults;
mod field;
mod finding;
mod heartbeats;
mod intake;
mod learning;
mod limits;
mod lineage;
mod mail;
mod messages;
mod monitors;
mod moves;
mod named;
mod newcomers;
mod one_incident;
mod paging;
mod peers;
mod people;
mod refusals;
mod roles;
mod rounds;
mod routes;
mod silences;
mod slips;
mod socket;
mod strangers;
mod tasks;
mod timeline;
mod times;
mod truth;
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

/// A small warehouse: raw → stg → orders → revenue → dashboard; returns stand apart.
async fn warehouse(extra: &str) -> Bot {
    let bot = bot_with(extra).await;
    let edges = "edges: [[w.raw, w.stg], [w.stg, w.orders], [w.orders, w.revenue], [w.revenue, bi.dash], [w.raw_returns, w.returns]]";
    assert_eq!(bot.put("/api/v1/catalog/yaml", edges.to_owned()).await.0, 200);
    bot
}

fn alert(asset: &str) -> Value {
    json!({"key": asset, "title": format!("{asset} is wrong"), "asset": asset, "severity": "error"})
}

fn outcome(answer: &Value) -> (String, String) {
    let alert = &answer["alerts"][0];
    (alert["outcome"].as_str().unwrap().to_owned(), alert["incident"].as_str().unwrap_or_default().to_owned())
}

async fn open_incidents(bot: &Bot) -> usize {
    bot.get("/api/v1/incidents?status=open").await["incidents"].as_array().unwrap().len()
}
