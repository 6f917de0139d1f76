//! Reads the configuration: first the file, then the variables, which override it. Then it checks everything, so that it can report all
//! mistakes at once.

use std::path::Path;

use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};

use super::mistakes::{Problems, explain_toml, nearest, with_suggestion};
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
        config.unread_variables = unread(text, variables);
        found.none().map(|()| config)
    }
}

/// Variables that are called like Muster's and that nothing reads. Those with two underscores are keys, which are read strictly. Those that the
/// file names, it reads. Those of Muster's own tests are left out.
fn unread(text: &str, variables: &Variables) -> Vec<String> {
    const OF_TESTS: [&str; 6] = ["TEST_", "WRITE_", "CRASH_", "STOP_", "KEEP_", "REQUIRE_"];
    let is_unread = |name: &&String| {
        let own = name.strip_prefix("MUSTER_").filter(|rest| !rest.contains("__"));
        own.is_some_and(|own| {
            own != "PICTURES" && !OF_TESTS.iter().any(|of| own.starts_with(of)) && !text.contains(*name)
        })
    };
    let said = |name: &String| format!("nothing reads the variable `{name}`{}", nearest(name, &SECRET_VARIABLES));
    variables.keys().filter(is_unread).map(said).collect()
}
