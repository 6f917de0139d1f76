//! Reads the configuration: first the file, then the variables, which override it. Then it checks everything, so that it can report all
//! mistakes at once.

use std::path::Path;

use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};

use super::mistakes::{Problems, explain_toml, with_suggestion};
use super::variables::SECRET_VARIABLES;
use super::{Config, ConfigError, Variables};

impl Config {
    /// Reads the file, if there is one, and the variables, and checks both.
    pub fn load(path: Option<&Path>, variables: &Variables) -> Result<Self, ConfigError> {
        let (file, text) = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| ConfigError(vec![format!("{}: cannot be read: {error}", path.display())]))?;
                (path.display().to_string(), text)
            }
            None => ("muster.toml".to_owned(), String::new()),
        };
        Self::parse(&file, &text, variables)
    }

    /// As [`Self::load`], from a text.
    pub fn parse(file: &str, text: &str, variables: &Variables) -> Result<Self, ConfigError> {
        // Parse the file alone first, strictly, because only this parser knows line numbers.
        toml::from_str::<Self>(text).map_err(|error| ConfigError(vec![explain_toml(file, text, &error)]))?;
        let mut figment = Figment::from(Serialized::defaults(Self::default())).merge(Toml::string(text));
        for (name, value) in variables {
            let Some(key) = name.strip_prefix("MUSTER_").filter(|key| key.contains("__")) else {
                continue;
            };
            if SECRET_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let Ok(value) = value.parse::<figment::value::Value>();
            figment = figment.merge(Serialized::default(&key.to_lowercase().replace("__", "."), value));
        }
        let mut config: Self = figment.extract().map_err(|error| {
            ConfigError(
                error
                    .into_iter()
                    .map(|error| {
                        let variable = format!("MUSTER_{}", error.path.join("__").to_uppercase());
                        format!("{variable}: {}", with_suggestion(&error.kind.to_string()))
                    })
                    .collect(),
            )
        })?;
        let mut found = Problems::none_yet(file, text);
        config.read_secrets(variables, &mut found);
        config.check(&mut found);
        found.none().map(|()| config)
    }
}
