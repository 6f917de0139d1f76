//! Where a person has to choose: which incident is meant, what was meant by a slip, whether it is one that is open already. Each
//! choice is a button that carries the whole line.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Caller, Reply, sentence_markdown};
use crate::app::queries::Filter;
use crate::app::{App, Failure};
use crate::domain::Incident;
use crate::domain::command::Declaration;
use crate::domain::lineage::walk::Way;
use crate::domain::permission::Verb;
use crate::render::{Button, Rendered, views};
use crate::slack::slash::{Unclear, VERBS};

/// A button that says a line as if it had been typed; none for one that is too long for it, of which nothing may be lost. Several of one
/// message need names of their own.
pub(super) fn again(place: usize, label: &str, line: &str) -> Option<Button> {
    (line.chars().count() <= MAX_LINE).then(|| Button::new(format!("again:{place}"), label, line))
}

/// The longest line that a button carries (Slack's limit for its value is 2,000 characters).
const MAX_LINE: usize = 1900;
/// So many choices fit a tired eye.
const CHOICES: usize = 5;
/// So many open incidents are compared with a new one.
const COMPARED: usize = 200;

impl App {
    /// A slip, with the line that was perhaps meant.
    pub(super) fn unclear(&self, unclear: &Unclear) -> Reply {
        let buttons: Vec<_> = unclear
            .meant
            .iter()
            .filter_map(|line| again(0, &format!("/incident {}", line.chars().take(60).collect::<String>()), line))
            .collect();
        Rendered::new(&sentence_markdown(&unclear.words), &buttons).into()
    }

    /// The open incidents, each a button that says the line again for it.
    pub(super) async fn which_incident(&self, line: &str, caller: &Caller<'_>) -> Reply {
        if self.may_read(caller).is_err() {
            return Reply::words(&Failure::WhichIncident.to_string());
        }
        let mut open = self.visible(&Filter { open: true, ..Filter::default() }, caller, 50).await.unwrap_or_default();
        // What I am in comes first.
        open.sort_by_key(|incident| !incident.people().iter().any(|person| person == caller.user));
        if open.is_empty() {
            return Reply::words(
                "No incident is open. `/incident declare <title>` opens one; `/incident list all` shows those that are over.",
            );
        }
        let buttons: Vec<_> = open
            .iter()
            .take(CHOICES)
            .enumerate()
            .filter_map(|(place, one)| {
                again(place, &format!("{}: {}", one.name(), one.title), &format!("{} {line}", one.name()))
            })
            .collect();
        let names: Vec<_> =
            open.iter().take(CHOICES).map(|one| json!({"name": one.name(), "title": one.title})).collect();
        let names = if buttons.is_empty() { names } else { Vec::new() };
        let view = json!({"line": line, "more": open.len().saturating_sub(CHOICES), "names": names});
        Rendered::new(&self.templates.render("which_incident", &view), &buttons).into()
    }

    /// Opens an incident, unless open ones look like it: then those are shown first.
    pub(super) async fn declare_said(
        &self,
        mut declaration: Declaration,
        anyway: bool,
        caller: &Caller<'_>,
    ) -> Result<Reply, Failure> {
        self.may(Verb::Declare, caller, None)?;
        // The same command once more is no new one.
        if let Some(delivery) = &caller.delivery
            && self.was_delivered(delivery).await?
        {
            return Err(Failure::Duplicate);
        }
        declaration.asset = declaration.asset.map(|asset| self.catalog.known_as(&asset));
        let anyway = anyway || line_of(&declaration).chars().count() > MAX_LINE;
        let alike = if anyway { Vec::new() } else { self.look_alikes(&declaration, caller).await? };
        if alike.is_empty() {
            let decision = self.declare(declaration, caller).await?;
            return Ok(Reply::words(&self.told(&decision)));
        }
        let mut buttons: Vec<_> = alike
            .iter()
            .enumerate()
            .filter_map(|(place, one)| {
                again(
                    place,
                    &format!("Join {incident}", incident = one.name()),
                    &format!("{} take responder", one.name()),
                )
            })
            .collect();
        buttons.extend(again(alike.len(), "Open a new one anyway", &line_of(&declaration)).map(Button::danger));
        Ok(Rendered::new(&self.alike_words(&alike), &buttons).into())
    }

    /// The open incidents that look alike, in words.
    pub(super) fn alike_words(&self, alike: &[Incident]) -> String {
        let names = |id: &str| self.name(id);
        let incidents: Vec<_> = alike.iter().map(|one| views::incident(one, &names, self.now())).collect();
        self.templates.render("look_alikes", &json!({"incidents": incidents}))
    }

    /// The open incidents about the same asset, one the lineage ties to it, or with much the same title; the newest first.
    pub(super) async fn look_alikes(&self, new: &Declaration, caller: &Caller<'_>) -> Result<Vec<Incident>, Failure> {
        // Whoever may not read learns nothing by declaring.
        if new.drill || self.may_read(caller).is_err() {
            return Ok(Vec::new());
        }
        let open = self.visible(&Filter { open: true, ..Filter::default() }, caller, COMPARED).await?;
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

    /// An asset with all its names, and what is near it in the lineage; in lower case.
    fn tied_to(&self, asset: &str) -> BTreeSet<String> {
        let mut tied = BTreeSet::from([asset.to_lowercase()]);
        let graph = self.catalog.graph();
        if let Some(node) = graph.find(asset) {
            tied.extend(graph.names(node).map(str::to_lowercase));
            let view = self.view(&graph);
            for way in [Way::Up, Way::Down] {
                let near = view.walk_near(node, way, self.config.triage.lineage_hops, 500);
                tied.extend(near.iter().map(|met| graph.name(met.node).to_lowercase()));
            }
        }
        tied
    }

    /// How it is used: all of it by heading, or one topic.
    pub(super) async fn help(&self, topic: Option<&str>, caller: &Caller<'_>) -> Reply {
        let topic = topic.map(str::to_lowercase);
        let fits = |use_: &str, what: &str| {
            topic.as_ref().is_none_or(|topic| {
                use_.split(' ').next() == Some(topic.as_str())
                    || what.contains(topic.as_str())
                    || use_.contains(topic.as_str())
            })
        };
        let matching: Vec<_> = VERBS.iter().filter(|(use_, what)| fits(use_, what)).collect();
        let verbs = if matching.is_empty() { VERBS.iter().collect() } else { matching };
        let here = match caller.channel {
            Some(channel) => self.uid_of_channel(channel).await.ok().flatten(),
            None => None,
        };
        let here = match here {
            Some(uid) => self.incident(&uid).await.ok().flatten().map(|incident| incident.name()),
            None => None,
        };
        let verbs: Vec<_> =
            verbs.into_iter().map(|(use_, what)| json!({"use": format!("/incident {use_}"), "what": what})).collect();
        views::plain_view(&self.templates, "help", &json!({"verbs": verbs, "here": here})).into()
    }
}

/// A declaration as the line that makes it, whatever it looks like.
fn line_of(declaration: &Declaration) -> String {
    let mut line = format!("declare! {}", declaration.title);
    if let Some(severity) = declaration.severity {
        line.push_str(&format!(" --sev {}", severity.number()));
    }
    if let Some(asset) = &declaration.asset {
        line.push_str(&format!(" --on {asset}"));
    }
    if declaration.private {
        line.push_str(" --private");
    }
    line
}

/// The words of a title that tell it from others.
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
