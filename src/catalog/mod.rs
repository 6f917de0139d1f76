//! FLOOR 1. Importers of lineage and ownership: one file for each format, each from bytes to [`Import`]. `domain::lineage::sighting`
//! decides how sightings of several sources become one asset, and `app` writes them.

pub mod dbt;
pub mod openlineage;
pub mod yaml;

use std::collections::BTreeMap;

use regex::Regex;
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::domain::lineage::names::clean;
use crate::domain::lineage::sighting::Sighting;
use crate::domain::lineage::{Change, Check, Owner};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    pub sightings: Vec<Sighting>,
    pub changes: Vec<(String, Change)>,
    /// Which columns a column comes from, by asset: `column` → `asset.column`s.
    pub columns: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// What each check is about, by the check's id.
    pub checks: BTreeMap<String, Check>,
    /// The parts that could not be used.
    pub unusable: Vec<Unusable>,
}

/// A part of a body that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unusable {
    /// Where it is, as a JSON pointer.
    pub at: String,
    pub why: String,
}

/// Why a body cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BadCatalog(pub String);

/// The operator's spelling of names: rules first, then aliases.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// Patterns and their replacements, in order.
    pub rules: Vec<(Regex, String)>,
    /// Other names, in lower case, and the right name for each.
    pub aliases: BTreeMap<String, String>,
}

impl Naming {
    /// A name in the operator's spelling.
    pub fn apply(&self, name: &str) -> String {
        let mut name = clean(name);
        for (pattern, replacement) in &self.rules {
            name = pattern.replace(&name, replacement.as_str()).into_owned();
        }
        self.aliases.get(&name.to_ascii_lowercase()).cloned().unwrap_or(name)
    }

    /// Spells every name of an import in this way.
    pub fn spell(&self, mut import: Import) -> Import {
        if self.rules.is_empty() && self.aliases.is_empty() {
            return import;
        }
        let all = |names: &mut Vec<String>| {
            for name in names {
                *name = self.apply(name);
            }
        };
        for sighting in &mut import.sightings {
            all(&mut sighting.names);
            sighting.parents.iter_mut().for_each(|(names, _)| all(names));
        }
        for (name, _) in &mut import.changes {
            *name = self.apply(name);
        }
        import.checks.values_mut().for_each(|check| check.asset = self.apply(&check.asset));
        import.columns = import.columns.into_iter().map(|(name, columns)| (self.apply(&name), columns)).collect();
        import
    }
}

/// The bare name of `@team`, `team:orders` or `group:orders`.
fn bare(name: &str) -> &str {
    let name = name.trim();
    let name = name
        .split_once(':')
        .filter(|(kind, _)| matches!(*kind, "team" | "group" | "user"))
        .map_or(name, |(_, name)| name);
    name.trim_start_matches('@')
}

/// An owner from one word: a name, an address or a channel.
fn owner(word: &str, consumer: bool) -> Option<Owner> {
    let name = bare(word);
    if name.is_empty() {
        return None;
    }
    let slack = name.starts_with('#').then(|| name.to_owned());
    let email = name.contains('@').then(|| name.to_owned());
    Some(Owner { name: name.trim_start_matches('#').to_owned(), slack, email, consumer })
}
