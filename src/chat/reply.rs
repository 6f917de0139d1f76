//! What the person who asked gets back. `http` decides how it reaches them.

use std::collections::BTreeMap;

use crate::render::{Button, Modal, Rendered, sentence_markdown};

/// What the person who asked gets back.
pub enum Reply {
    /// Words that only they see, in the answer to a slash command.
    Say(Box<Rendered>),
    /// Words that only they see, where there is no such answer: an ephemeral message.
    Ephemeral(String, Vec<Button>),
    Open(Box<Modal>),
    /// Another form, which replaces the one that was sent.
    Instead(Box<Modal>),
    /// Mistakes in a form, by question.
    Mistakes(BTreeMap<String, String>),
    /// No answer, because the change can be seen.
    Nothing,
}

impl Reply {
    pub fn words(text: &str) -> Self {
        Self::Say(Box::new(Rendered::new(&sentence_markdown(text), &[])))
    }

    pub fn mistake(question: &str, words: impl Into<String>) -> Self {
        Self::Mistakes([(question.to_owned(), words.into())].into())
    }

    /// The answer to a line, for places where only an ephemeral message can be seen.
    pub fn ephemeral(self) -> Self {
        match self {
            Self::Say(message) => Self::Ephemeral(message.markdown, message.buttons),
            other => other,
        }
    }
}

impl From<Rendered> for Reply {
    fn from(message: Rendered) -> Self {
        Self::Say(Box::new(message))
    }
}
