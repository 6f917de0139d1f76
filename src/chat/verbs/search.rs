//! `search`: incidents by words, asset, time and state.

use crate::app::Failure;
use crate::app::queries::{Filter, number_at, place_of};
use crate::chat::asker::Chat;
use crate::chat::line::{Line, Unclear, Verb, unquote};
use crate::chat::reply::Reply;
use crate::chat::when::{self, LocalClock, Toward};
use crate::domain::incident::number;
use crate::domain::{AssetName, Severity, Status, Time, permission};
use crate::render::{again, views};
use serde_json::{Value, json};

/// How many incidents a page shows.
const PAGE: usize = 15;

pub(crate) static VERB: Verb = Verb {
    words: &["search", "find"],
    arguments: "<words>",
    help: "find incidents: `search orders sev2 resolved since 30d about warehouse.orders`",
    parse: |line| {
        if line.rest.is_empty() {
            return Err(line.unclear("Search for what?"));
        }
        let search = read(&line)?;
        line.act(permission::Verb::Read, move |chat, _| Box::pin(said(chat, search)))
    },
};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Search {
    /// Only incidents that are not over.
    pub open: bool,
    /// Only incidents in which I have a role.
    pub mine: bool,
    pub severity: Option<Severity>,
    pub status: Option<Status>,
    pub asset: Option<String>,
    /// Only incidents opened at or after this moment.
    pub since: Option<Time>,
    pub before: Option<Time>,
    /// Only incidents with each of these words in the title, an asset, or the last update.
    pub words: Vec<String>,
    pub after: Option<u64>,
}

impl Search {
    /// In words: the heading of the list.
    pub(crate) fn heading(&self, clock: LocalClock) -> String {
        let mut parts = Vec::new();
        parts.extend(self.mine.then(|| "yours".to_owned()));
        parts.extend(self.severity.map(|severity| severity.to_string()));
        parts.extend(self.status.map(|status| status.to_string()));
        parts.extend(self.asset.as_ref().map(|asset| format!("about {asset}")));
        parts.extend(self.since.map(|at| format!("since {}", clock.said(at))));
        parts.extend(self.before.map(|at| format!("before {}", clock.said(at))));
        parts.extend((!self.words.is_empty()).then(|| format!("“{}”", self.words.join(" "))));
        let what = if self.open { "Open incidents" } else { "Incidents" };
        if parts.is_empty() { what.to_owned() } else { format!("{what}: {}", parts.join(", ")) }
    }

    /// The line that asks for the page after this incident.
    pub(crate) fn line_after(&self, number: u64) -> String {
        let mut words = vec!["search".to_owned()];
        words.extend(self.open.then(|| "open".to_owned()));
        words.extend(self.mine.then(|| "mine".to_owned()));
        words.extend(self.severity.map(|severity| severity.to_string()));
        words.extend(self.status.map(|status| status.as_str().to_owned()));
        words.extend(self.asset.as_ref().map(|asset| format!("about {asset}")));
        let moment = |at: Time| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        words.extend(self.since.map(|at| format!("since {}", moment(at))));
        words.extend(self.before.map(|at| format!("before {}", moment(at))));
        words.extend(self.words.iter().cloned());
        words.push(format!("after INC-{number}"));
        words.join(" ")
    }
}

/// Reads which incidents are meant: the filters, and the words of a title.
pub(crate) fn read(line: &Line<'_>) -> Result<Search, Unclear> {
    let mut search = Search::default();
    let all: Vec<&str> = line.rest.split_whitespace().collect();
    let mut words = all.iter();
    while let Some(&word) = words.next() {
        let lower = word.to_lowercase();
        let mut time = || {
            let rest = words.as_slice();
            let Some((count, at)) = when::leading(rest, line.clock, Toward::Past) else {
                return line.past(rest.first().unwrap_or(&""));
            };
            words.nth(count - 1);
            Ok(at)
        };
        match lower.as_str() {
            "open" => search.open = true,
            "mine" => search.mine = true,
            "since" => search.since = Some(time()?),
            "before" => search.before = Some(time()?),
            "about" | "asset" => search.asset = words.next().map(|word| unquote(word)),
            "after" => match words.clone().next().and_then(|word| number(word)) {
                Some(place) => {
                    search.after = Some(place);
                    words.next();
                }
                None => search.words.push(lower),
            },
            _ => match (Severity::parse(&lower).filter(|_| lower.starts_with("sev")), Status::parse(&lower)) {
                (Some(severity), _) => search.severity = Some(severity),
                (None, Some(status)) => search.status = Some(status),
                (None, None) => search.words.push(unquote(&lower)),
            },
        }
    }
    Ok(search)
}

/// One page of what was found.
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
    // If nothing was found on this page, the search goes on from where it stopped.
    let last = page.next.as_deref().and_then(number_at);
    let buttons: Vec<_> = last.and_then(|number| again(0, "Older", &search.line_after(number))).into_iter().collect();
    let names = |id: &str| app.name(id);
    let incidents: Vec<Value> = page.incidents.iter().map(|one| views::incident(one, &names, app.now())).collect();
    let view = json!({"title": search.heading(chat.clock()), "incidents": incidents, "more": page.next.is_some()});
    Ok(app.shown("list", &view, &buttons).into())
}
