//! `list`: which incidents there are. `search` finds among them.

use serde_json::{Value, json};

use super::search::{self, Search};
use crate::app::Failure;
use crate::app::queries::{Filter, number_at, place_of};
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::{AssetName, permission};
use crate::render::{again, views};

/// So many incidents stand on a page.
const PAGE: usize = 15;

pub(crate) static VERB: Verb = Verb {
    words: &["list", "ls"],
    arguments: "[open|mine|all]",
    help: "which incidents there are",
    may: permission::Verb::Read,
    parse: |line| {
        let search = match line.rest.to_lowercase().as_str() {
            "" | "open" => Search { open: true, ..Search::default() },
            "mine" => Search { open: true, mine: true, ..Search::default() },
            "all" => Search::default(),
            _ => search::read(&line)?,
        };
        line.act(move |chat, _| Box::pin(said(chat, search)))
    },
};

pub(crate) async fn said(chat: &Chat<'_>, search: Search) -> Result<Reply, Failure> {
    let app = chat.app;
    let filter = Filter {
        open: search.open,
        person: search.mine.then(|| chat.user.to_owned()),
        severity: search.severity,
        status: search.status,
        asset: search.asset.as_deref().and_then(AssetName::new).map(|asset| app.catalog.known_as(&asset)),
        since: search.since,
        before: search.before,
        words: search.words.clone(),
        viewer: app.viewer(chat.user).await?,
    };
    let page = app.list(&filter, search.after.map(place_of).as_deref(), PAGE).await?;
    // Where nothing was found on this page, the search goes on where it stopped.
    let last = page.next.as_deref().and_then(number_at);
    let buttons: Vec<_> = last.and_then(|number| again(0, "Older", &search.line_after(number))).into_iter().collect();
    let names = |id: &str| app.name(id);
    let incidents: Vec<Value> = page.incidents.iter().map(|one| views::incident(one, &names, app.now())).collect();
    let view = json!({"title": search.heading(), "incidents": incidents, "more": page.next.is_some()});
    Ok(app.shown("list", &view, &buttons).into())
}
