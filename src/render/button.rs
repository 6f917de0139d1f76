//! A button below a message.

use serde::{Deserialize, Serialize};

/// What it says, and what is called.
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

impl Button {
    /// A plain button.
    pub fn new(action: impl Into<String>, label: &str, value: &str) -> Self {
        Self { action: action.into(), label: label.to_owned(), value: value.to_owned(), style: None }
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
