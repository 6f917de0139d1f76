//! A line that somebody types after `/incident`: the incident, the verb, the rest. Also what many verbs read in a line: numbers, people,
//! addresses, times. Each verb reads the rest of its line itself ([`super::verbs`]).

use futures_util::future::BoxFuture;

use super::asker::Chat;
use super::named::Named;
use super::reply::Reply;
use super::when::{self, LocalClock, NotATime, Toward};
use crate::app::Failure;
use crate::domain::permission;
use crate::domain::{Command, Role, Time, UserId};
use crate::render::Form;

/// The highest number of a page in any list.
const MAX_PAGE: usize = 10_000;

/// Verbs that are about no incident. In their lines an incident's name is a word like any other.
const ABOUT_NO_INCIDENT: [&str; 10] =
    ["declare", "drill", "list", "search", "silence", "silences", "unsilence", "stats", "oncall", "asset"];

/// A verb of `/incident`. Who may use it follows from what its line makes: a command has its permission (`Command::verb`), and
/// `Line::act` names one.
pub struct Verb {
    /// Its name, and the other words that people type for it, in lower case.
    pub words: &'static [&'static str],
    pub arguments: &'static str,
    pub help: &'static str,
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

    /// How it is used in place of its form: the one argument that otherwise may be left out is needed.
    pub fn usage_in_full(&self) -> String {
        let alone = self.arguments.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match alone.filter(|alone| !alone.contains('[')) {
            Some(alone) => format!("{} <{alone}>", self.name()),
            None => self.usage(),
        }
    }

    /// Whether `INC-n` in the rest of its line is the incident that it is about, and no argument of its own.
    pub fn is_about_whom_it_names(&self) -> bool {
        !self.arguments.contains("INC-n") && !ABOUT_NO_INCIDENT.contains(&self.name())
    }

    /// Whether it gives something to people. Then a name in its line that nobody has, or several people have, is a mistake.
    pub fn names_people(&self) -> bool {
        self.arguments.contains("@user")
    }
}

pub enum Intent {
    /// A command about an incident, which is decided there.
    Command(Box<Command>),
    /// A form asks for more. The words say what it is about.
    Ask(Form, String),
    /// What the verb does itself, once this permission is checked. Mostly it reads.
    Act(permission::Verb, Act),
    /// How verbs are used: all verbs, or those about a topic.
    Help(Option<String>),
    Permissions,
}

/// Takes the incident that was named.
pub(crate) type Act =
    Box<dyn for<'a> FnOnce(&'a Chat<'a>, Option<u64>) -> BoxFuture<'a, Result<Reply, Failure>> + Send + Sync>;

/// A line that was understood.
pub struct Understood {
    pub verb: &'static Verb,
    /// Which incident the line names.
    pub named: Named,
    /// The line without that incident.
    pub line: String,
    pub intent: Intent,
}

/// A line as its verb sees it.
#[derive(Clone)]
pub struct Line<'a> {
    pub verb: &'static Verb,
    /// The verb as it was typed, in lower case. It is one of the verb's words.
    pub word: &'a str,
    pub rest: &'a str,
    /// Which incident the line names.
    pub named: Named,
    /// By whose clock its times are read.
    pub(crate) clock: LocalClock,
}

/// A line that cannot be read. The words are for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Unclear {
    /// What is unclear, and how to write it.
    pub words: String,
    /// The lines that were perhaps meant.
    pub meant: Vec<String>,
    /// Its first word is no verb, and like none.
    pub is_no_verb: bool,
}

pub(crate) type Read = Result<Understood, Unclear>;

impl<'a> Line<'a> {
    pub fn understood(&self, intent: Intent) -> Read {
        let line = format!("{} {}", self.word, self.rest).trim().to_owned();
        Ok(Understood { verb: self.verb, named: self.named.clone(), line, intent })
    }

    pub fn command(&self, command: Command) -> Read {
        self.understood(Intent::Command(Box::new(command)))
    }

    pub fn ask(&self, form: Form) -> Read {
        self.ask_about(form, "")
    }

    /// Asks with a form about something, as the form's words say it.
    pub fn ask_about(&self, form: Form, words: &str) -> Read {
        self.understood(Intent::Ask(form, words.to_owned()))
    }

    /// Does something for which the person needs this permission.
    pub fn act<F>(&self, may: permission::Verb, act: F) -> Read
    where
        F: for<'b> FnOnce(&'b Chat<'b>, Option<u64>) -> BoxFuture<'b, Result<Reply, Failure>> + Send + Sync + 'static,
    {
        self.understood(Intent::Act(may, Box::new(act)))
    }

    /// The page that the rest names, counted from 1.
    pub fn page(&self) -> usize {
        self.rest.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(1).clamp(1, MAX_PAGE)
    }

    /// The first word of the rest, and what follows it.
    pub fn split(&self) -> (&'a str, &'a str) {
        split(self.rest)
    }

    /// The rest, if there is any.
    pub fn optional(&self) -> Option<String> {
        (!self.rest.is_empty()).then(|| self.rest.to_owned())
    }

    /// The reason why the line cannot be read, and how to write it.
    pub fn unclear(&self, why: &str) -> Unclear {
        let words = format!("{why} It is written `/incident {}`: {}.", self.verb.usage(), self.verb.help);
        Unclear { words, meant: Vec::new(), is_no_verb: false }
    }

    /// A moment that has passed.
    pub fn past(&self, words: &str) -> Result<Time, Unclear> {
        self.time(words, Toward::Past).map_err(|unclear| self.unclear(&unclear.words))
    }

    /// A moment that is still to come.
    pub fn future(&self, words: &str) -> Result<Time, Unclear> {
        self.time(words, Toward::Future).map_err(|unclear| self.unclear(&unclear.words))
    }

    /// A moment, if the words are one. What was meant as a time and is none is a mistake; what may be anything is `None`.
    pub(crate) fn perhaps(&self, words: &str, toward: Toward) -> Result<Option<Time>, Unclear> {
        match self.time(words, toward) {
            Ok(at) => Ok(Some(at)),
            Err(unclear) if unclear.meant => Err(self.unclear(&unclear.words)),
            Err(_) => Ok(None),
        }
    }

    fn time(&self, words: &str, toward: Toward) -> Result<Time, NotATime> {
        when::parse(words, self.clock, toward)
    }

    /// The role that the rest names.
    pub fn role(&self) -> Result<Role, Unclear> {
        Role::parse(self.rest).ok_or_else(|| self.unclear(&format!("“{}” is not a role.", self.rest)))
    }
}

/// The first word, and what follows it.
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

/// The words of a text. What stands in quotes is one word, with its quotes. A quote that never ends is a letter.
pub(crate) fn quoted_words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let quoted = matches!(first, '"' | '“' | '”').then(|| {
            let begin = first.len_utf8();
            let (at, last) = rest.get(begin..)?.char_indices().find(|(_, c)| matches!(c, '"' | '“' | '”'))?;
            Some(begin + at + last.len_utf8())
        });
        let end = quoted.flatten().or_else(|| rest.find(char::is_whitespace)).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(word)
    })
}
