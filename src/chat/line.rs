//! A line that somebody types after `/incident`: the incident, the verb, the rest. And what many verbs read in a line: numbers, people,
//! addresses, times. What a verb makes of its line lives with the verb ([`super::verbs`]).

use futures_util::future::BoxFuture;

use super::asker::Chat;
use super::reply::Reply;
use super::when::{self, Toward};
use crate::app::Failure;
use crate::domain::incident::number;
use crate::domain::permission;
use crate::domain::{Command, Time, UserId};
use crate::render::Form;

/// No list has more pages.
const MAX_PAGE: usize = 10_000;

/// A verb of `/incident`.
pub struct Verb {
    /// Its name, and whatever else people type for it, in lower case.
    pub words: &'static [&'static str],
    pub arguments: &'static str,
    pub help: &'static str,
    /// What whoever asks must be allowed to do. A command is asked once more, with its incident, where it is decided.
    pub may: permission::Verb,
    pub parse: fn(Line<'_>) -> Read,
}

impl Verb {
    /// Its name: the first of its words.
    pub fn name(&self) -> &'static str {
        self.words.first().copied().unwrap_or_default()
    }

    pub fn usage(&self) -> String {
        format!("{} {}", self.name(), self.arguments).trim().to_owned()
    }
}

pub enum Intent {
    /// It is decided about an incident.
    Command(Box<Command>),
    /// A form asks for more.
    Ask(Form),
    /// What the verb does itself, once this is allowed: mostly reading.
    Act(permission::Verb, Act),
    /// How verbs are used: all of them, or those about something.
    Help(Option<String>),
    Permissions,
}

/// With the incident that was named.
pub(crate) type Act =
    Box<dyn for<'a> FnOnce(&'a Chat<'a>, Option<u64>) -> BoxFuture<'a, Result<Reply, Failure>> + Send + Sync>;

/// A line that was understood.
pub struct Understood {
    pub verb: &'static Verb,
    /// The incident's number, if it was named.
    pub incident: Option<u64>,
    pub intent: Intent,
}

/// A line as its verb reads it.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    pub verb: &'static Verb,
    /// The verb as it was typed, in lower case: one of its words.
    pub word: &'a str,
    pub rest: &'a str,
    /// The incident's number, if it stands before the verb.
    pub incident: Option<u64>,
    pub now: Time,
}

/// A line that cannot be read, in words for the one who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Unclear {
    /// What is unclear, and how it is written.
    pub words: String,
    pub meant: Option<String>,
}

pub(crate) type Read = Result<Understood, Unclear>;

impl<'a> Line<'a> {
    fn understood(&self, intent: Intent) -> Read {
        Ok(Understood { verb: self.verb, incident: self.incident, intent })
    }

    pub fn command(&self, command: Command) -> Read {
        self.understood(Intent::Command(Box::new(command)))
    }

    pub fn ask(&self, form: Form) -> Read {
        self.understood(Intent::Ask(form))
    }

    pub fn act<F>(&self, act: F) -> Read
    where
        F: for<'b> FnOnce(&'b Chat<'b>, Option<u64>) -> BoxFuture<'b, Result<Reply, Failure>> + Send + Sync + 'static,
    {
        self.act_as(self.verb.may, act)
    }

    /// Likewise, of a verb that is allowed otherwise in this form.
    pub(crate) fn act_as<F>(&self, may: permission::Verb, act: F) -> Read
    where
        F: for<'b> FnOnce(&'b Chat<'b>, Option<u64>) -> BoxFuture<'b, Result<Reply, Failure>> + Send + Sync + 'static,
    {
        self.understood(Intent::Act(may, Box::new(act)))
    }

    /// Likewise, about the incident that the rest of the line names, where none stands in front.
    pub fn about_rest(self) -> Self {
        let incident = self.incident.or_else(|| self.rest.split_whitespace().find_map(number));
        Self { incident, ..self }
    }

    /// Likewise, with the page that the rest names, from 1.
    pub fn page(self) -> (Self, usize) {
        let page = self.rest.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(1).clamp(1, MAX_PAGE);
        (self.about_rest(), page)
    }

    /// The first word of the rest, and what comes after it.
    pub fn split(&self) -> (&'a str, &'a str) {
        split(self.rest)
    }

    /// The rest, if there is any.
    pub fn optional(&self) -> Option<String> {
        (!self.rest.is_empty()).then(|| self.rest.to_owned())
    }

    /// Why the line cannot be read, and how it is written.
    pub fn unclear(&self, why: &str) -> Unclear {
        let words = format!("{why} It is written `/incident {}`: {}.", self.verb.usage(), self.verb.help);
        Unclear { words, meant: None }
    }

    /// A moment that has passed.
    pub fn past(&self, words: &str) -> Result<Time, Unclear> {
        when::parse(words, self.now, Toward::Past)
            .ok_or_else(|| self.unclear(&format!("“{words}” is not a time I understand.")))
    }

    /// What looks like a time and is none, or none that can be meant.
    pub fn no_time(&self, words: &str) -> Unclear {
        self.unclear(&format!("“{words}” is not a time I understand, or it has passed already."))
    }
}

/// The first word, and what comes after it.
pub(crate) fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, rest)| (first, rest.trim()))
}

/// People as Slack writes them with `should_escape`: `<@U1|ana>`.
pub(crate) fn mentions(text: &str) -> Vec<UserId> {
    text.split_whitespace()
        .filter_map(|word| {
            let id = word
                .strip_prefix("<@")
                .and_then(|word| word.strip_suffix('>'))
                .map(|word| word.split('|').next().unwrap_or(word))?;
            (id.len() > 1 && id.chars().all(|c| c.is_ascii_alphanumeric())).then(|| id.into())
        })
        .collect()
}

/// A number with or without `#`.
pub(crate) fn numbered<T: std::str::FromStr>(word: &str) -> Option<T> {
    word.trim().trim_start_matches('#').parse().ok()
}

pub(crate) fn unquote(text: &str) -> String {
    text.trim_matches(['"', '“', '”']).trim().to_owned()
}
