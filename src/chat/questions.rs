//! The questions of a form, and what may be wrong with an answer. Each form itself is with its verb.

use super::when::{self, Toward};
use crate::app::Failure;
use crate::domain::{Command, Time};
use crate::render::ModalInput;
use crate::slack::inbound::View;

/// Stands for words that nobody has typed yet, when a form asks beforehand whether it would be refused ([`super::asker::Chat::would`]).
pub(crate) const SOME: &str = "…";

/// A form without its identity.
pub(crate) struct Questions {
    /// At most 24 characters, like the button that sends it.
    pub title: &'static str,
    pub submit: &'static str,
    pub inputs: Vec<ModalInput>,
}

/// Why a form that was sent has no effect.
pub enum Unsent {
    /// A question, and what is wrong with its answer.
    Mistake(&'static str, String),
    Failed(Failure),
}

impl From<Failure> for Unsent {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The command that the answers of a form give.
pub(crate) type Answered = Result<Command, Unsent>;

pub(crate) fn chosen<T>(view: &View, question: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, Unsent> {
    let choice = view.choice(question).and_then(|word| parse(&word));
    choice.ok_or_else(|| Unsent::Mistake(question, "Choose one.".to_owned()))
}

/// A moment in the future, if one was given. `examples` say how to write it.
pub(crate) fn promised(view: &View, question: &'static str, now: Time, examples: &str) -> Result<Option<Time>, Unsent> {
    let mistake = |words: &str| format!("{} Write {examples}.", when::not_understood(words, Toward::Future));
    let at = |words: String| {
        when::parse(&words, now, Toward::Future).ok_or_else(|| Unsent::Mistake(question, mistake(&words)))
    };
    view.text(question).map(at).transpose()
}
