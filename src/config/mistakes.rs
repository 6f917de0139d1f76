//! Mistakes in a configuration, with the line of the file, and with the word that was probably meant.

/// All mistakes of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// A mistake, and a word of the file near it.
struct Problem {
    near: Option<String>,
    what: String,
}

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// A mistake near this word.
    pub(super) fn at(&mut self, near: &str, what: impl Into<String>) {
        self.0.push(Problem { near: Some(near.to_owned()), what: what.into() });
    }

    pub(super) fn general(&mut self, what: impl Into<String>) {
        self.0.push(Problem { near: None, what: what.into() });
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

    /// Nothing, or all of them, each with its line in the file.
    pub(super) fn none_in(self, file: &str, text: &str) -> Result<(), ConfigError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(ConfigError(self.0.into_iter().map(|problem| problem.located(file, text)).collect())),
        }
    }
}

impl Problem {
    fn located(self, file: &str, text: &str) -> String {
        let line = self.near.and_then(|near| {
            let quoted = format!("\"{near}\"");
            text.lines().position(|line| line.contains(&quoted))
        });
        match line {
            Some(line) => format!("{file}:{}: {}", line + 1, self.what),
            None => format!("{file}: {}", self.what),
        }
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
