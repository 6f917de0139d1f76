//! Where a person must choose: which incident is meant, what a typing mistake meant, whether an open incident is the same one, which page of a
//! list. Each choice is a button that carries the whole line.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::asker::Chat;
use super::line::{Intent, Unclear, Understood};
use super::named::{self, Named, Weight};
use super::reply::Reply;
use crate::app::Failure;
use crate::app::queries::Filter;
use crate::domain::Incident;
use crate::domain::command::Declaration;
use crate::domain::lineage::walk::Way;
use crate::domain::permission::Verb;
use crate::render::{Button, Rendered, again, sentence_markdown};

/// How many choices are shown. A tired person reads no more.
const CHOICES: usize = 5;
/// How many open incidents are compared with a new one.
const COMPARED: usize = 200;

/// A line that was not understood, with buttons for the lines that may have been meant.
pub(crate) fn unclear(unclear: &Unclear) -> Reply {
    let label = |line: &str| format!("/incident {}", line.chars().take(60).collect::<String>());
    let button = |(place, line): (usize, &String)| again(place, &label(line), line);
    let buttons: Vec<_> = unclear.meant.iter().enumerate().filter_map(button).collect();
    Rendered::new(&sentence_markdown(&unclear.words), &buttons).into()
}

/// A line whose incident is known, or the question which one is meant.
pub(crate) enum Settled {
    Sure(Understood),
    Asked(Reply),
}

fn weight(intent: &Intent) -> Weight {
    let of = |verb: Verb| match verb {
        Verb::Read => Weight::Shows,
        Verb::Acknowledge | Verb::Severity | Verb::Status | Verb::Triage => Weight::Decides,
        _ => Weight::Changes,
    };
    match intent {
        Intent::Command(command) => of(command.verb()),
        Intent::Act(may, _) => of(*may),
        Intent::Ask(..) | Intent::Help(_) | Intent::Permissions => Weight::Shows,
    }
}

/// A page of a list, from 1, and whether another one follows.
pub(crate) fn page_of(all: Vec<Value>, page: usize, size: usize) -> (Vec<Value>, bool) {
    let before = (page - 1).saturating_mul(size);
    let more = all.len() > before.saturating_add(size);
    (all.into_iter().skip(before).take(size).collect(), more)
}

impl Chat<'_> {
    /// A page of some list of an incident, by the template with the verb's name. `more` names the way to the next page.
    pub fn paged(
        &self,
        verb: &str,
        incident: &Incident,
        shown: &[Value],
        mut buttons: Vec<Button>,
        more: Option<&str>,
        page: usize,
    ) -> Reply {
        let next = format!("{} {verb} {}", incident.name(), page + 1);
        buttons.extend(more.and_then(|label| again(0, label, &next)));
        let view = json!({"name": incident.name(), "lines": shown, "more": more.is_some(), "page": page});
        self.app.shown(verb, &view, &buttons).into()
    }

    /// A line that begins with no verb. In an incident's channel it is probably about this incident, and a new one is the last thing offered.
    pub async fn no_verb(&self, line: &str, mut unclear: Unclear) -> Reply {
        let words = self.incident(None).await.ok().map(|here| {
            unclear.meant = ["note", "update", "resolve", "declare"].map(|verb| format!("{verb} {line}")).to_vec();
            format!("Nothing is done. Do you want to say this of {}, or open a new incident?", here.name())
        });
        let words = words.unwrap_or_else(|| {
            unclear.meant = vec![format!("declare {line}"), "list".to_owned()];
            "Nothing is done. Do you want to open an incident, or see which are open?".to_owned()
        });
        unclear.words = format!("{} {words}", unclear.words);
        self::unclear(&unclear)
    }

    /// The line with the incident that it acts on. If that is not sure, each incident that may be meant is a button, and nothing is done.
    pub(crate) async fn settled(&self, mut line: Understood) -> Result<Settled, Failure> {
        if !line.named.is_in_doubt() {
            return Ok(Settled::Sure(line));
        }
        let here = match self.channel {
            Some(channel) => self.app.uid_of_channel(channel).await?,
            None => None,
        };
        let here = match here {
            Some(uid) => Some(self.app.must(&uid).await?.number),
            None => None,
        };
        let meant = match named::sure(&line.named, weight(&line.intent), here) {
            Ok(number) => {
                line.named = number.map_or(Named::Nobody, Named::InFront);
                return Ok(Settled::Sure(line));
            }
            Err(meant) => meant,
        };
        let mut buttons = Vec::new();
        let mut names = Vec::new();
        for (place, number) in meant.into_iter().take(CHOICES).enumerate() {
            let one = self.incident(Some(number)).await?;
            let label = format!("{} {}: {}", line.verb.name(), one.name(), one.title);
            buttons.extend(again(place, &label, &format!("{} {}", one.name(), line.line)));
            names.push(json!({"name": one.name(), "title": one.title, "here": here == Some(number)}));
        }
        let view = json!({"line": line.line, "names": names, "buttons": !buttons.is_empty()});
        Ok(Settled::Asked(self.app.shown("named_incident", &view, &buttons).into()))
    }

    /// The open incidents. Each is a button that repeats the line for that incident.
    pub async fn which_incident(&self, line: &str) -> Reply {
        if self.may(Verb::Read, None).is_err() {
            return Reply::words(&Failure::WhichIncident.to_string());
        }
        let mut open = self.visible(&Filter { open: true, ..Filter::default() }, 50).await.unwrap_or_default();
        // Incidents in which the person is come first.
        open.sort_by_key(|incident| !incident.people().iter().any(|person| person == self.user));
        if open.is_empty() {
            return Reply::words(
                "No incident is open. `/incident declare <title>` opens one; `/incident list all` shows those that are over.",
            );
        }
        let shown = open.iter().take(CHOICES);
        let button = |(place, one): (usize, &Incident)| {
            again(place, &format!("{}: {}", one.name(), one.title), &format!("{} {line}", one.name()))
        };
        let buttons: Vec<_> = shown.clone().enumerate().filter_map(button).collect();
        let names: Vec<_> = match buttons.is_empty() {
            true => shown.map(|one| json!({"name": one.name(), "title": one.title})).collect(),
            false => Vec::new(),
        };
        let view = json!({"line": line, "more": open.len().saturating_sub(CHOICES), "names": names});
        self.app.shown("which_incident", &view, &buttons).into()
    }

    /// The open incidents about the same asset, about one tied to it by the lineage, or with a similar title; newest first.
    pub async fn look_alikes(&self, new: &Declaration) -> Result<Vec<Incident>, Failure> {
        // A person who may not read must learn nothing by declaring.
        if new.drill || self.may(Verb::Read, None).is_err() {
            return Ok(Vec::new());
        }
        let open = self.visible(&Filter { open: true, ..Filter::default() }, COMPARED).await?;
        let title = significant(&new.title);
        let tied = new.asset.as_ref().map(|asset| self.tied_to(asset.as_str())).unwrap_or_default();
        let alike = open.into_iter().filter(|incident| {
            let theirs = significant(&incident.title);
            let common = title.intersection(&theirs).count();
            let same_words =
                common >= 2 && 2 * common >= title.len().min(theirs.len()) || (!title.is_empty() && title == theirs);
            let named = |asset: &str| new.title.to_lowercase().contains(&asset.to_lowercase());
            !incident.drill
                && (same_words
                    || incident.assets.iter().any(|asset| {
                        let asset = asset.as_str();
                        named(asset) || tied.contains(&asset.to_lowercase())
                    }))
        });
        Ok(alike.take(3).collect())
    }

    /// An asset with all its names, and what is near it in the lineage, in lower case.
    fn tied_to(&self, asset: &str) -> BTreeSet<String> {
        let mut tied = BTreeSet::from([asset.to_lowercase()]);
        let graph = self.app.catalog.graph();
        if let Some(node) = graph.find(asset) {
            tied.extend(graph.names(node).map(str::to_lowercase));
            let view = self.app.view(&graph);
            for way in [Way::Up, Way::Down] {
                let near = view.walk_near(node, way, self.app.config.triage.lineage_hops, 500);
                tied.extend(near.iter().map(|met| graph.name(met.node).to_lowercase()));
            }
        }
        tied
    }
}

/// The words that tell a title from others.
fn significant(title: &str) -> BTreeSet<String> {
    const COMMON: [&str; 16] = [
        "from", "with", "that", "this", "have", "been", "were", "since", "again", "data", "table", "wrong", "late",
        "stale", "broken", "failed",
    ];
    title
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 3 && !COMMON.contains(&word.as_str()))
        .collect()
}
