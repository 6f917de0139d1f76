//! A button below a message.

use serde::{Deserialize, Serialize};

use super::actions::{Action, Press};

/// A button's text, and what it calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What is called when it is pressed.
    pub action: String,
    /// The text, at most 75 characters.
    pub label: String,
    /// What comes with the call: the incident.
    pub value: String,
    /// `primary`, `danger` or none.
    pub style: Option<String>,
}

/// The longest line that a button carries. Slack's limit for its value is 2,000 characters.
pub const MAX_LINE: usize = 1900;

/// A button that says a line as if it were typed. `None` if the line is too long, because no part of it may be lost. Several such buttons in one
/// message need different places.
pub fn again(place: usize, label: &str, line: &str) -> Option<Button> {
    let fits = line.chars().count() <= MAX_LINE;
    fits.then(|| Button::new(&Action::Again { place, line: line.to_owned() }, label))
}

impl Button {
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

    /// A button that people must press with care.
    #[must_use]
    pub fn danger(self) -> Self {
        Self { style: Some("danger".to_owned()), ..self }
    }
}
