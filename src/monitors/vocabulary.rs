//! The words of monitors, in tables: severities, pillars, and the labels that name assets and owners. A source's `words` in
//! the configuration come first.

use std::collections::BTreeMap;

use crate::config::SourceWords;
use crate::domain::{AssetName, Level, Pillar};

/// Labels that may name the asset. The first one that is found is used.
pub(super) const ASSET_LABELS: [&str; 6] = ["dataset", "asset", "table", "model", "table_name", "job"];
/// Labels that may name the owner.
const OWNER_LABELS: &[&str] = &["owner", "team"];

/// The words of a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a>(pub(super) &'a SourceWords);

impl Words<'_> {
    /// The level that a word means.
    pub(super) fn level(self, word: &str) -> Option<Level> {
        let word = word.trim();
        let own = self.0.severity.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        own.map(|(_, level)| *level).or_else(|| Level::parse(word))
    }

    /// The pillar of a check with this name or kind. The source's own words come first.
    pub(super) fn pillar(self, text: &str) -> Option<Pillar> {
        let lower = text.to_lowercase();
        let own = self.0.pillar.iter().find(|(part, _)| lower.contains(&part.to_lowercase()));
        own.map(|(_, pillar)| *pillar).or_else(|| Pillar::of_check(&lower))
    }

    /// The pillar that the labels name, or otherwise the one that the first text suggests.
    pub(super) fn pillar_of(self, labels: &BTreeMap<String, String>, texts: &[&str], otherwise: Pillar) -> Pillar {
        labels
            .get("pillar")
            .and_then(|word| Pillar::parse(word))
            .or_else(|| texts.iter().find_map(|text| self.pillar(text)))
            .unwrap_or(otherwise)
    }

    /// The asset that labels name.
    pub(super) fn asset(self, labels: &BTreeMap<String, String>) -> Option<AssetName> {
        let own = self.0.asset_labels.iter().map(String::as_str);
        own.chain(ASSET_LABELS.iter().copied())
            .find_map(|label| labels.get(label))
            .and_then(|name| AssetName::new(name))
    }

    /// The owner that labels name.
    pub(super) fn owner(self, labels: &BTreeMap<String, String>) -> Option<String> {
        let own = self.0.owner_labels.iter().map(String::as_str);
        own.chain(OWNER_LABELS.iter().copied()).find_map(|label| labels.get(label)).cloned()
    }
}
