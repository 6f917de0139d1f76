//! What goes back to the one who asked. How it reaches them is `http`'s business.

use std::collections::BTreeMap;

use crate::render::{Button, Modal, Rendered, sentence_markdown};

/// What goes back to the one who asked.
pub enum Reply {
    /// Words only they see; in the answer to a slash command.
    Say(Box<Rendered>),
    /// Words only they see, where there is no such answer: an ephemeral message.
    Ephemeral(String, Vec<Button>),
    Open(Box<Modal>),
    /// Another form in the place of the one that was sent.
    Instead(Box<Modal>),
    /// Mistakes in a form, by question.
    Mistakes(BTreeMap<String, String>),
    /// Nothing; the change shows.
    Nothing,
}

impl Reply {
    pub fn words(text: &str) -> Self {
        Self::Say(Box::new(Rendered::sentence(&sentence_markdown(text))))
    }

    pub fn mistake(question: &str, words: impl Into<String>) -> Self {
        Self::Mistakes([(question.to_owned(), words.into())].into())
    }

    /// What would be the answer to a line, where only an ephemeral message can be seen.
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
