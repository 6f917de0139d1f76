//! A message, ready to be sent.

use slack_morphism::prelude::SlackBlock;

use super::button::Button;
use super::markdown;

/// A message, ready for Slack.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub blocks: Vec<SlackBlock>,
    /// The text for notifications and screen readers, escaped for Slack's own markup.
    pub text: String,
    /// The Markdown that it was made from.
    pub markdown: String,
    pub buttons: Vec<Button>,
    /// Whether all of it fits into a message. If not, the rest goes into a file where that is possible.
    pub whole: bool,
}

/// How a person is called, by the Slack id.
pub type Names<'a> = &'a (dyn Fn(&str) -> String + Sync);

impl Rendered {
    /// From Markdown and buttons.
    pub fn new(markdown: &str, buttons: &[Button]) -> Self {
        let (mut blocks, whole) = markdown::blocks(markdown);
        if !whole {
            blocks.extend(markdown::blocks("…").0);
        }
        blocks.extend(markdown::actions(buttons));
        let text = markdown::fallback(markdown);
        Self { blocks, text, markdown: markdown.to_owned(), buttons: buttons.to_vec(), whole }
    }

    pub fn blocks_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.blocks).unwrap_or_default()
    }
}
