//! Mistakes in a configuration, with the line of the file, and with the word that was probably meant.

/// All mistakes of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// A mistake, and a word of the file near it.
pub(super) struct Problem {
    near: Option<String>,
    what: String,
}

impl Problem {
    pub(super) fn at(near: &str, what: String) -> Self {
        Self { near: Some(near.to_owned()), what }
    }

    pub(super) fn not_set(near: &str, variable: &str, holds: &str) -> Self {
        Self::at(near, format!("the variable {variable} is not set. It should hold {holds}"))
    }

    /// Something names a thing that does not exist.
    pub(super) fn unknown(whose: &str, what: &str, name: &str, known: &[&str]) -> Self {
        Self::at(name, format!("{whose} names the {what} `{name}`, which does not exist{}", nearest(name, known)))
    }

    pub(super) fn general(what: String) -> Self {
        Self { near: None, what }
    }

    pub(super) fn located(self, file: &str, text: &str) -> String {
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
