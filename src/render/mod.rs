//! FLOOR 1. Everything that people read: views, through handlebars templates in Markdown, written out as Block Kit and
//! plain text. Escaping and Slack's limits live here; which message is sent when does not.
//!
//! A value in a template is always plain text: the escape function makes it literal in Markdown, and the Markdown is
//! written out as `rich_text` elements, in which Slack parses nothing. So no alert can ping, link or mark up.

mod actions;
mod markdown;
mod modals;
pub mod picture;
mod templates;
pub mod views;

use serde::{Deserialize, Serialize};
use slack_morphism::prelude::{SlackBlock, SlackView};

pub use actions::{Action, BUTTONS, FORMS, Form, Press, Triage, TriageCard};
pub use markdown::{escape, html, plain, sentence_markdown};
pub use modals::{Modal, ModalInput, option_of};
pub use templates::{TemplateError, Templates};

/// A button below a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What is called when it is pressed.
    pub action: String,
    /// What it says, at most 75 characters.
    pub label: String,
    /// What comes with the call: the incident.
    pub value: String,
    /// `primary`, `danger` or none.
    #[serde(default)]
    pub style: Option<String>,
}

/// The longest line that a button carries. Slack's limit for its value is 2,000 characters.
pub const MAX_LINE: usize = 1900;

/// A button that says a line as if it had been typed; none for one that is too long for it, of which nothing may be lost. Several of one
/// message need places of their own.
pub fn again(place: usize, label: &str, line: &str) -> Option<Button> {
    let fits = line.chars().count() <= MAX_LINE;
    fits.then(|| Button::new(&Action::Again { place, line: line.to_owned() }, label))
}

impl Button {
    /// A plain button.
    pub fn new(action: &Action, label: &str) -> Self {
        let (action, value) = action.written();
        Self { action, label: label.to_owned(), value, style: None }
    }

    /// A button that does something to an incident, by its name.
    pub fn on(incident: &str, press: Press, label: &str) -> Self {
        Self::new(&Action::On { incident: incident.to_owned(), press }, label)
    }

    /// The button that most people want.
    #[must_use]
    pub fn primary(self) -> Self {
        Self { style: Some("primary".to_owned()), ..self }
    }

    /// A button to be pressed with care.
    #[must_use]
    pub fn danger(self) -> Self {
        Self { style: Some("danger".to_owned()), ..self }
    }
}

/// A message, ready for Slack.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// What Slack shows.
    pub blocks: Vec<SlackBlock>,
    /// What notifications and screen readers say; escaped for Slack's own markup.
    pub text: String,
    /// What it was made from, Markdown.
    pub markdown: String,
    /// The buttons below it.
    pub buttons: Vec<Button>,
    /// Whether all of it fits into a message. What does not goes to a file where there can be one.
    pub whole: bool,
}

/// How a person is called, by the Slack id.
pub type Names<'a> = &'a (dyn Fn(&str) -> String + Sync);

impl Rendered {
    /// From Markdown and buttons.
    pub fn new(markdown: &str, buttons: &[Button]) -> Self {
        let (mut blocks, whole) = markdown::blocks(markdown);
        if !whole {
            blocks.extend(markdown::blocks("… The rest does not fit into a message of Slack.").0);
        }
        blocks.extend(markdown::actions(buttons));
        let text = markdown::fallback(markdown);
        Self { blocks, text, markdown: markdown.to_owned(), buttons: buttons.to_vec(), whole }
    }

    /// A sentence that is no template: a refusal, an answer.
    pub fn sentence(text: &str) -> Self {
        Self::new(text, &[])
    }

    /// The blocks as JSON.
    pub fn blocks_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.blocks).unwrap_or_default()
    }
}

/// A modal, ready for Slack.
pub fn modal(modal: &Modal) -> SlackView {
    modals::view(modal)
}
