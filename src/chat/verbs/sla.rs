//! `sla`: what was promised of assets, and for how long each one was broken lately.

use serde_json::json;

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::permission;
use crate::domain::sla::DAYS;

/// How many assets of an incident are shown.
const ASSETS: usize = 10;

pub(crate) static VERB: Verb = Verb {
    words: &["sla"],
    arguments: "[asset]",
    help: "what was promised of the data, and for how long it was bad in the incidents of the last 30 days",
    parse: |line| {
        let asset = line.optional();
        line.act(permission::Verb::Read, move |chat, number| Box::pin(said(chat, number, asset)))
    },
};

async fn said(chat: &Chat<'_>, number: Option<u64>, asset: Option<String>) -> Result<Reply, Failure> {
    let app = chat.app;
    let assets = match asset {
        Some(asset) => vec![app.meant(&asset)?],
        None => chat.incident(number).await?.assets.iter().map(ToString::to_string).collect(),
    };
    let mut lines = Vec::new();
    for asset in assets.iter().take(ASSETS) {
        lines.push(app.sla(asset, app.viewer(chat.user).await?).await?);
    }
    Ok(app.shown("sla", &json!({"lines": lines, "days": DAYS}), &[]).into())
}
