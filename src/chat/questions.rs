//! What a form is: its questions, what it remembers, and what its answers do. Each form itself is in the file of its verb.

use futures_util::future::BoxFuture;

use super::asker::Chat;
use super::line::{Verb, split};
use super::reply::Reply;
use super::when::{self, LocalClock, Toward};
use crate::app::Failure;
use crate::domain::incident::number;
use crate::domain::{Command, Incident, Time};
use crate::render::{Form, Modal, ModalInput, sentence_markdown};
use crate::slack::inbound::View;

/// Stands for words that nobody has typed yet, when a form asks beforehand whether it would be refused ([`super::asker::Chat::would`]).
pub(crate) const SOME: &str = "…";

/// A form, whole. It is a static in the file of what it is about, mostly of a verb. [`super::forms`] lists them.
pub(crate) struct FormSpec {
    pub instead: Instead,
    /// The question under which a refusal is shown.
    pub main: &'static str,
    pub open: for<'a> fn(Asked<'a>) -> BoxFuture<'a, Result<Questions, Failure>>,
    pub sent: for<'a> fn(Asked<'a>, &'a View) -> BoxFuture<'a, Sent>,
}

/// What does the same as a form in one line, if the form cannot be opened.
pub(crate) enum Instead {
    /// The verb, with all that it needs.
    Verb(&'static Verb),
    Line(&'static str),
    /// Nothing: what a person chooses is shown only in the form.
    Nothing,
}

/// A form, from what can be typed instead of it, the question under which a refusal is shown, and its two functions.
macro_rules! form {
    ($instead:expr, $main:literal, $open:ident, $sent:ident) => {
        $crate::chat::questions::FormSpec {
            instead: $instead,
            main: $main,
            open: |asked| Box::pin($open(asked)),
            sent: |asked, view| Box::pin($sent(asked, view)),
        }
    };
}
pub(crate) use form;

/// Who opens or sends a form, and what about.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub chat: &'a Chat<'a>,
    /// The incident's number, if one is named.
    pub number: Option<u64>,
    /// The words that the form is opened with, or those that it remembers.
    pub words: &'a str,
}

/// What the answers of a form lead to.
pub(crate) type Sent = Result<Reply, Unsent>;

impl Asked<'_> {
    /// The incident that is meant.
    pub(crate) async fn incident(&self) -> Result<Incident, Failure> {
        self.chat.incident(self.number).await
    }

    /// The same, unless this command would be refused there.
    pub(crate) async fn incident_for(&self, command: Command) -> Result<Incident, Failure> {
        let incident = self.incident().await?;
        self.chat.would(&incident, command).await?;
        Ok(incident)
    }

    /// What the words mean.
    ///
    /// # Errors
    /// The form is from another version of Muster.
    pub(crate) fn about<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Failure> {
        let unknown = "I do not know this form any more. `/incident help` lists what I can do.";
        parse(self.words).ok_or_else(|| Failure::Invalid(unknown.to_owned()))
    }

    /// Gives a command for the incident. Nothing is answered, because the change can be seen.
    pub(crate) async fn give(&self, command: Command) -> Sent {
        let uid = self.chat.target(self.number).await?;
        self.chat.decide(&uid, command).await?;
        Ok(Reply::Nothing)
    }
}

/// What a form asks.
pub(crate) struct Questions {
    /// At most 24 characters, like the button that sends it.
    title: &'static str,
    submit: &'static str,
    inputs: Vec<ModalInput>,
    /// What comes back with the answers: the incident, and the words that the form remembers.
    metadata: String,
}

impl Questions {
    /// About an incident, which the form names.
    pub(crate) fn about(of: &Incident, title: &'static str, submit: &'static str, mut inputs: Vec<ModalInput>) -> Self {
        inputs.insert(0, ModalInput::Words(sentence_markdown(&format!("{}: {}", of.name(), of.title))));
        Self { title, submit, inputs, metadata: of.name() }
    }

    /// About no incident. These words come back with the answers.
    pub(crate) fn apart(words: String, title: &'static str, submit: &'static str, inputs: Vec<ModalInput>) -> Self {
        Self { title, submit, inputs, metadata: words }
    }

    /// These words also come back with the answers.
    pub(crate) fn remember(mut self, words: &str) -> Self {
        self.metadata = format!("{} {words}", self.metadata).trim().to_owned();
        self
    }

    /// The form as Slack shows it.
    pub(crate) fn modal(self, form: Form) -> Box<Modal> {
        let Self { title, submit, inputs, metadata } = self;
        Box::new(Modal { callback: form.into(), title, submit, metadata, inputs })
    }
}

/// What came back with the answers: the incident's number, and the words that the form remembers.
pub(crate) fn remembered(metadata: &str) -> (Option<u64>, &str) {
    let (first, rest) = split(metadata);
    number(first).map_or((None, metadata), |number| (Some(number), rest))
}

/// Why a form that was sent has no effect.
pub(crate) enum Unsent {
    /// A question, and what is wrong with its answer.
    Mistake(&'static str, String),
    Failed(Failure),
}

impl From<Failure> for Unsent {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub(crate) fn chosen<T>(view: &View, question: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, Unsent> {
    let choice = view.choice(question).and_then(|word| parse(&word));
    choice.ok_or_else(|| Unsent::Mistake(question, "Choose one.".to_owned()))
}

/// A moment in the future, if one was given. `examples` say how to write it.
pub(crate) fn promised(
    view: &View,
    question: &'static str,
    clock: LocalClock,
    examples: &str,
) -> Result<Option<Time>, Unsent> {
    let at = |words: String| {
        let mistake =
            |unclear: when::NotATime| Unsent::Mistake(question, format!("{} Write {examples}.", unclear.words));
        when::parse(&words, clock, Toward::Future).map_err(mistake)
    };
    view.text(question).map(at).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_remembers_its_incident_and_its_words() {
        assert_eq!(remembered("INC-12"), (Some(12), ""));
        assert_eq!(remembered("INC-12 commander:U1 responder:U2"), (Some(12), "commander:U1 responder:U2"));
        assert_eq!(remembered("C1  soda/orders are late"), (None, "C1  soda/orders are late"));
    }
}
