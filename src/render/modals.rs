//! Modals: the questions, as inputs. `chat` and `app` handle the answers.

use std::borrow::Cow;

use crate::domain::UserId;
use serde_json::{Value, json};
use slack_morphism::prelude::SlackView;

use super::markdown::{blocks, cut};

#[derive(Debug, Clone, PartialEq)]
#[rustfmt::skip]
pub enum ModalInput {
    /// A line or more of text.
    /// `optional`: may be left empty.
    /// `max`: the most characters it may have.
    Text { id: &'static str, label: Cow<'static, str>, initial: String, placeholder: &'static str, multiline: bool, optional: bool, max: usize },
    Choice { id: &'static str, label: &'static str, options: Vec<(String, String)>, initial: Option<String> },
    /// One of many options, in groups.
    /// `groups`: a name, and its options as value and words.
    Grouped { id: &'static str, label: &'static str, groups: Vec<(String, Vec<(String, String)>)>, initial: String },
    /// An asset, with suggestions while somebody types.
    Lookup { id: &'static str, label: &'static str, initial: Option<String>, placeholder: &'static str },
    /// Any of a few options, with a checkbox each.
    /// `options`: value and words; at most 10.
    Checks { id: &'static str, label: &'static str, options: Vec<(String, String)>, initial: Vec<String> },
    /// Words, not a question. Markdown.
    Words(String),
    /// Any number of these options, or none.
    /// `options`: value and words; at most 100 are shown.
    Several { id: &'static str, label: &'static str, options: Vec<(String, String)>, initial: Vec<String> },
    /// `several`: whether more than one person may be chosen.
    People { id: &'static str, label: &'static str, initial: Vec<UserId>, several: bool },
}

/// Two fields may become one text, and must fit into it together.
const MAX_FIELD: usize = crate::domain::decide::MAX_TEXT - 200;
const MAX_LINE: usize = 120;

impl ModalInput {
    /// A text that must be filled in.
    pub fn text(id: &'static str, label: &'static str, placeholder: &'static str) -> Self {
        let label = label.into();
        let (initial, multiline, optional, max) = (String::new(), true, false, MAX_FIELD);
        Self::Text { id, label, initial, placeholder, multiline, optional, max }
    }

    /// A line that must be filled in.
    pub fn line(id: &'static str, label: impl Into<Cow<'static, str>>, placeholder: &'static str) -> Self {
        let label = label.into();
        let (initial, multiline, optional, max) = (String::new(), false, false, MAX_LINE);
        Self::Text { id, label, initial, placeholder, multiline, optional, max }
    }

    pub fn choice<'a>(
        id: &'static str,
        label: &'static str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
        initial: &str,
    ) -> Self {
        let options = options.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect();
        Self::Choice { id, label, options, initial: Some(initial.to_owned()) }
    }

    #[must_use]
    pub fn if_any(mut self) -> Self {
        if let Self::Text { optional, .. } = &mut self {
            *optional = true;
        }
        self
    }

    #[must_use]
    pub fn starting(mut self, words: &str) -> Self {
        if let Self::Text { initial, .. } = &mut self {
            words.clone_into(initial);
        }
        self
    }

    /// Limits the number of characters.
    #[must_use]
    pub fn at_most(mut self, characters: usize) -> Self {
        if let Self::Text { max, .. } = &mut self {
            *max = characters;
        }
        self
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Modal {
    /// The id that comes back when it is sent.
    pub callback: &'static str,
    /// At most 24 characters.
    pub title: &'static str,
    /// The button, at most 24 characters.
    pub submit: &'static str,
    /// Comes back with the answers: the incident, and what else they need.
    pub metadata: String,
    pub inputs: Vec<ModalInput>,
}

/// Our own words as Slack's plain text, cut to `max`.
fn text(words: &str, max: usize) -> Value {
    json!({"type": "plain_text", "text": cut(words, max)})
}

/// A modal, ready for Slack.
pub fn view(modal: &Modal) -> SlackView {
    let blocks: Vec<Value> = modal.inputs.iter().flat_map(input).collect();
    let view = json!({
        "type": "modal",
        "callback_id": modal.callback,
        "title": text(modal.title, 24),
        "submit": text(modal.submit, 24),
        "close": text("Cancel", 24),
        "private_metadata": modal.metadata,
        "blocks": blocks,
    });
    match serde_json::from_value(view) {
        Ok(view) => view,
        Err(error) => unreachable!("a modal of ours is one of Slack's: {error}"),
    }
}

/// An option whose value is its own words. Slack's limits are 75 characters for the words and 150 for the value.
pub fn option_of(words: &str) -> Value {
    json!({"text": text(words, 75), "value": cut(words, 150)})
}

fn input(input: &ModalInput) -> Vec<Value> {
    if let ModalInput::Words(markdown) = input {
        return blocks(markdown).0.iter().map(|block| serde_json::to_value(block).unwrap_or_default()).collect();
    }
    vec![question(input)]
}

fn question(input: &ModalInput) -> Value {
    match input {
        ModalInput::Words(_) => Value::Null,
        ModalInput::Lookup { id, label, initial, placeholder } => {
            let mut element = json!({
                "type": "external_select", "action_id": id, "min_query_length": 2, "placeholder": text(placeholder, 150),
            });
            if let Some(name) = initial {
                element["initial_option"] = option_of(name);
            }
            json!({"type": "input", "block_id": id, "label": text(label, 2000), "optional": true, "element": element})
        }
        ModalInput::Checks { id, label, options, initial } => {
            let option = |(value, words): &(String, String)| json!({"text": text(words, 75), "value": value});
            let mut element = json!({
                "type": "checkboxes", "action_id": id, "options": options.iter().take(10).map(option).collect::<Vec<_>>(),
            });
            let ticked: Vec<_> = options.iter().filter(|(value, _)| initial.contains(value)).map(option).collect();
            if !ticked.is_empty() {
                element["initial_options"] = json!(ticked);
            }
            json!({"type": "input", "block_id": id, "label": text(label, 2000), "optional": true, "element": element})
        }
        ModalInput::Several { id, label, options, initial } => {
            let option = |(value, words): &(String, String)| json!({"text": text(words, 75), "value": cut(value, 75)});
            let shown: Vec<_> = options.iter().take(100).collect();
            let mut element = json!({
                "type": "multi_static_select", "action_id": id,
                "options": shown.iter().map(|one| option(one)).collect::<Vec<_>>(),
            });
            let chosen: Vec<_> =
                shown.iter().filter(|(value, _)| initial.contains(value)).map(|one| option(one)).collect();
            if !chosen.is_empty() {
                element["initial_options"] = json!(chosen);
            }
            json!({"type": "input", "block_id": id, "label": text(label, 2000), "optional": true, "element": element})
        }
        ModalInput::Text { id, label, initial, placeholder, multiline, optional, max } => {
            let mut element =
                json!({"type": "plain_text_input", "action_id": id, "multiline": multiline, "max_length": max});
            if !initial.is_empty() {
                element["initial_value"] = json!(cut(initial, *max));
            }
            if !placeholder.is_empty() {
                element["placeholder"] = text(placeholder, 150);
            }
            json!({"type": "input", "block_id": id, "label": text(label, 2000), "optional": optional, "element": element})
        }
        ModalInput::Grouped { id, label, groups, initial } => {
            let option = |(value, words): &(String, String)| json!({"text": text(words, 75), "value": value});
            let group = |(name, options): &(String, Vec<(String, String)>)| json!({"label": text(name, 75), "options": options.iter().map(option).collect::<Vec<_>>()});
            let first = groups.iter().flat_map(|(_, options)| options).find(|(value, _)| value == initial);
            let element = json!({
                "type": "static_select", "action_id": id,
                "option_groups": groups.iter().map(group).collect::<Vec<_>>(), "initial_option": first.map(option),
            });
            json!({"type": "input", "block_id": id, "label": text(label, 2000), "element": element})
        }
        ModalInput::Choice { id, label, options, initial } => {
            let option = |(value, words): &(String, String)| json!({"text": text(words, 75), "value": value});
            let mut element = json!({
                "type": "static_select", "action_id": id,
                "options": options.iter().take(100).map(option).collect::<Vec<_>>(),
            });
            if let Some(chosen) =
                initial.as_ref().and_then(|initial| options.iter().find(|(value, _)| value == initial))
            {
                element["initial_option"] = option(chosen);
            }
            json!({"type": "input", "block_id": id, "label": text(label, 2000), "element": element})
        }
        ModalInput::People { id, label, initial, several } => {
            let mut element = if *several {
                json!({"type": "multi_users_select", "action_id": id})
            } else {
                json!({"type": "users_select", "action_id": id})
            };
            if *several && !initial.is_empty() {
                element["initial_users"] = json!(initial);
            } else if let (false, Some(person)) = (several, initial.first()) {
                element["initial_user"] = json!(person);
            }
            json!({"type": "input", "block_id": id, "label": text(label, 2000), "optional": true, "element": element})
        }
    }
}
