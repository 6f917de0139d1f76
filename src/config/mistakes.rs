//! Mistakes in a configuration, with the line of the file, and with the word that was probably meant.

use std::fmt::Display;

/// All mistakes of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// The mistakes found so far in a file, each with its line there.
pub(super) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<String>,
}

impl<'a> Problems<'a> {
    pub(super) fn none_yet(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// A mistake near this word.
    pub(super) fn at(&mut self, near: &str, what: impl Display) {
        let quoted = format!("\"{near}\"");
        match self.text.lines().position(|line| line.contains(&quoted)) {
            Some(line) => self.found.push(format!("{}:{}: {what}", self.file, line + 1)),
            None => self.general(what),
        }
    }

    pub(super) fn general(&mut self, what: impl Display) {
        self.found.push(format!("{}: {what}", self.file));
    }

    pub(super) fn not_set(&mut self, near: &str, variable: &str, holds: &str) {
        self.at(near, format!("the variable {variable} is not set. It should hold {holds}"));
    }

    /// Something may name a thing that does not exist.
    pub(super) fn unless_known(&mut self, whose: &str, what: &str, name: &str, known: &[&str]) {
        if !known.contains(&name) {
            let meant = nearest(name, known);
            self.at(name, format!("{whose} names the {what} `{name}`, which does not exist{meant}"));
        }
    }

    pub(super) fn none(self) -> Result<(), ConfigError> {
        if self.found.is_empty() { Ok(()) } else { Err(ConfigError(self.found)) }
    }
}

pub(super) fn explain_toml(file: &str, text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("{file}:{line}: {}", with_suggestion(error.message()))
}

/// "unknown field `listn`, expected one of `listen`, …" gains "did you mean `listen`?".
pub(super) fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(wrong) = quoted.next().filter(|_| message.starts_with("unknown")) else {
        return message.to_owned();
    };
    let known: Vec<&str> = quoted.collect();
    format!("{message}{}", nearest(wrong, &known))
}

pub(super) fn nearest(wrong: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(wrong, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 3)
        .min()
        .map(|(_, word)| format!("; did you mean `{word}`?"))
        .unwrap_or_default()
}
