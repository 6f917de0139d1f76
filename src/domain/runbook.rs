//! Runbooks and playbooks: Markdown with front matter and steps to check off. This file parses them and chooses the best
//! match. It does not read files from disk.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::incident::StepState;
use super::reason::{Fit, RunbookReason};
use super::{Incident, Pillar, Role};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookKind {
    /// How to work on one service or failure. Muster may attach it without being asked.
    #[default]
    Runbook,
    /// How to handle an incident. It is attached when somebody asks.
    Playbook,
}

/// When a runbook applies. An empty field matches everything. The others must match.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Applies {
    #[serde(deserialize_with = "known_pillars")]
    pub pillars: Vec<Pillar>,
    /// Globs. One of them must match an asset.
    pub assets: Vec<String>,
    pub sources: Vec<String>,
    /// Labels. All of them must match. Each value is a glob.
    pub labels: BTreeMap<String, String>,
}

/// An unknown pillar is a slip. The runbook would never be found by it.
fn known_pillars<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Pillar>, D::Error> {
    let words = Vec::<String>::deserialize(from)?;
    words.iter().map(|word| Pillar::known(word).map_err(D::Error::custom)).collect()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub title: String,
    pub url: String,
}

/// The head of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontMatter {
    /// What people type: lower-case letters, digits, `-`, `_`.
    pub id: String,
    pub title: String,
    /// Runbook or playbook.
    #[serde(default)]
    pub kind: BookKind,
    #[serde(default)]
    pub applies: Applies,
    pub owner: Option<String>,
    #[serde(default)]
    pub links: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Runbook {
    #[serde(flatten)]
    pub head: FrontMatter,
    /// The task-list items, in order, Markdown without the box.
    pub steps: Vec<String>,
}

/// A fault in a file, and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct BookError {
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl Runbook {
    /// The longest step that fits a checklist in one message.
    pub const MAX_STEP_CHARS: usize = 400;
    /// The most steps that fit one message (Slack allows 50 blocks).
    pub const MAX_STEPS: usize = 20;

    /// Reads a file's text.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, BookError> {
        let wrong = |line: usize, what: String| BookError { file: file.to_owned(), line, what };
        let text = text.replace("\r\n", "\n");
        let Some(rest) = text.strip_prefix("---\n") else {
            return Err(wrong(1, "a runbook begins with front matter between two lines of `---`".to_owned()));
        };
        let Some(end) = rest.find("\n---\n") else {
            return Err(wrong(1, "the front matter has no closing `---`".to_owned()));
        };
        let (head, body) = (&rest[..end], &rest[end + 5..]);
        let head: FrontMatter = serde_saphyr::from_str(head).map_err(|error| {
            let line = error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
            // The line within the front matter would only confuse beside the line of the file.
            let what = error.without_snippet().to_string();
            wrong(line + 1, what.split(" at line").next().unwrap_or(&what).to_owned())
        })?;
        if head.id.is_empty()
            || head.id.len() > 64
            || !head.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        {
            let id = &head.id;
            let what = format!("`id: {id}` may only hold lower-case letters, digits, `-` and `_`, at most 64");
            return Err(wrong(2, what));
        }
        for glob in head.applies.assets.iter().chain(head.applies.labels.values()) {
            if let Err(error) = compile(glob) {
                return Err(wrong(2, format!("`{glob}` is no glob: {error}")));
            }
        }
        let body_line = text[..text.len() - body.len()].matches('\n').count() + 1;
        let steps =
            steps(body).map_err(|(offset, what)| wrong(body_line + body[..offset].matches('\n').count(), what))?;
        if steps.is_empty() {
            return Err(wrong(body_line, "there are no steps; write them as `- [ ] what to do`".to_owned()));
        }
        if steps.len() > Self::MAX_STEPS {
            let what = format!("{} steps are more than {}; split the file", steps.len(), Self::MAX_STEPS);
            return Err(wrong(body_line, what));
        }
        Ok(Self { head, steps })
    }

    /// How well it fits an incident, with the reason. A higher number is better. `None` if it does not apply.
    /// A matching asset counts most, then labels, the source, and the pillar.
    pub fn fit(&self, incident: &Incident) -> Option<(u32, RunbookReason)> {
        let applies = &self.head.applies;
        let mut score = 0;
        let mut because = Vec::new();
        if !applies.assets.is_empty() {
            let (glob, asset) = applies.assets.iter().find_map(|glob| {
                let matcher = compile(glob).ok()?;
                incident.assets.iter().find(|asset| matcher.is_match(asset.as_str())).map(|asset| (glob, asset))
            })?;
            score += 1000;
            because.push(Fit::Asset { asset: asset.clone(), pattern: glob.clone() });
        }
        for (label, glob) in &applies.labels {
            let value = incident.labels.get(label)?;
            if !compile(glob).ok()?.is_match(value) {
                return None;
            }
            score += 100;
            because.push(Fit::Label { label: label.clone(), value: value.clone() });
        }
        if !applies.sources.is_empty() {
            let source = incident.source.as_ref()?;
            applies.sources.contains(source).then_some(())?;
            score += 10;
            because.push(Fit::Source { source: source.clone() });
        }
        if !applies.pillars.is_empty() {
            applies.pillars.contains(&incident.pillar).then_some(())?;
            score += 1;
            because.push(Fit::Pillar { pillar: incident.pillar });
        }
        (score > 0).then_some((score, RunbookReason::Fits(because)))
    }
}

fn compile(glob: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(glob).case_insensitive(true).build()?.compile_matcher())
}

/// The task-list items of a Markdown text, or the offset of the first unusable one and why it is unusable.
fn steps(markdown: &str) -> Result<Vec<String>, (usize, String)> {
    let mut steps = Vec::new();
    let mut item: Option<(usize, bool)> = None;
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TASKLISTS).into_offset_iter() {
        match event {
            Event::Start(Tag::Item) => item = Some((range.start, false)),
            Event::TaskListMarker(_) => {
                if let Some((start, marked)) = item.as_mut() {
                    *start = range.end;
                    *marked = true;
                }
            }
            Event::End(TagEnd::Item) => {
                if let Some((start, true)) = item.take() {
                    let text = markdown[start..range.end].split_whitespace().collect::<Vec<_>>().join(" ");
                    if text.chars().count() > Runbook::MAX_STEP_CHARS {
                        let what = format!("a step can be at most {} characters long", Runbook::MAX_STEP_CHARS);
                        return Err((start, what));
                    }
                    steps.push(text);
                }
            }
            _ => {}
        }
    }
    Ok(steps)
}

#[derive(Debug, Clone, Default)]
pub struct Library(BTreeMap<String, Runbook>);

impl Library {
    /// A library of these.
    pub fn new(books: impl IntoIterator<Item = (String, Runbook)>) -> Result<Self, BookError> {
        let mut library = BTreeMap::new();
        for (file, book) in books {
            let id = book.head.id.clone();
            if library.insert(id.clone(), book).is_some() {
                return Err(BookError { file, line: 2, what: format!("the id `{id}` is taken by another file") });
            }
        }
        Ok(Self(library))
    }

    /// Finds one by its id, or by a part of an id or title that only one has.
    pub fn find(&self, name: &str) -> Option<&Runbook> {
        let name = name.trim().to_lowercase();
        if let Some(book) = self.0.get(&name) {
            return Some(book);
        }
        let fits = |book: &&Runbook| book.head.id.contains(&name) || book.head.title.to_lowercase().contains(&name);
        let mut matches = self.all().filter(fits);
        match (matches.next(), matches.next()) {
            (Some(book), None) => Some(book),
            _ => None,
        }
    }

    /// All of them, by id.
    pub fn all(&self) -> impl Iterator<Item = &Runbook> {
        self.0.values()
    }

    /// What the playbooks ask of a role: their steps that begin with its name, `**Scribe:** …`, as Markdown. If a playbook is the
    /// incident's checklist, only its open steps.
    pub fn duties(&self, role: Role, incident: &Incident) -> Vec<String> {
        let checklist = incident.checklist.as_ref();
        let open = |book: &Runbook, place: usize| {
            let step = checklist.filter(|list| list.runbook == book.head.id).and_then(|list| list.steps.get(place));
            step.is_none_or(|step| step.state == StepState::Open)
        };
        let playbooks = self.0.values().filter(|book| book.head.kind == BookKind::Playbook);
        let steps =
            playbooks.flat_map(|book| book.steps.iter().enumerate().map(move |(place, step)| (book, place, step)));
        steps
            .filter(|(book, place, _)| open(book, *place))
            .filter_map(|(_, _, step)| {
                let (who, what) = step.strip_prefix("**")?.split_once(":**")?;
                let named = who.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| word == role.as_str());
                named.then(|| what.trim().to_owned())
            })
            .collect()
    }

    /// The runbook that fits an incident best, and why. If two fit equally well, the one with the smaller id.
    pub fn best(&self, incident: &Incident) -> Option<(&Runbook, RunbookReason)> {
        self.0
            .values()
            .filter(|book| book.head.kind == BookKind::Runbook)
            .filter_map(|book| book.fit(incident).map(|(score, because)| (score, book, because)))
            .rev()
            .max_by_key(|(score, ..)| *score)
            .map(|(_, book, because)| (book, because))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_names_its_line() {
        let error = |text: &str| Runbook::parse("x.md", text).expect_err("this is wrong").to_string();
        assert!(error("hello").starts_with("x.md:1: a runbook begins"));
        assert!(error("---\nid: a\ntitle: t\n").contains("no closing"));
        assert!(
            error("---\nid: a\ntitel: t\n---\n- [ ] x\n").starts_with("x.md:3:"),
            "{}",
            error("---\nid: a\ntitel: t\n---\n- [ ] x\n")
        );
        assert!(error("---\nid: A b\ntitle: t\n---\n- [ ] x\n").contains("lower-case"));
        assert!(error("---\nid: a\ntitle: t\n---\n\nno steps\n").starts_with("x.md:5: there are no steps"));
        let long = format!("---\nid: a\ntitle: t\n---\n\n- [ ] x\n- [ ] {}\n", "y".repeat(500));
        assert!(error(&long).starts_with("x.md:7:"), "{}", error(&long));
    }

    #[test]
    fn steps_are_the_task_list_items() {
        let text = "---\nid: a\ntitle: t\n---\n\nIntro\n\n- plain\n- [ ] **first**\n  goes on\n- [x] second `code`\n";
        let book = Runbook::parse("x.md", text).expect("a good file");
        assert_eq!(book.steps, ["**first** goes on", "second `code`"]);
    }
}
