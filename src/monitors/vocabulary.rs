//! The words of monitors, in tables: severities, pillars, and the labels that name assets and owners. A source's `words` in
//! the configuration come first.

use std::collections::BTreeMap;

use super::known::Known;
use crate::config::SourceWords;
use crate::domain::{AssetName, Level, Pillar, pillar_words};

/// Labels that may name the asset. The first one that is found is used.
pub(super) const ASSET_LABELS: [&str; 5] = ["dataset", "asset", "table", "model", "table_name"];
/// Labels that name the asset only if the catalog knows it. Prometheus writes its scrape job into every series.
const ASSET_LABELS_IF_KNOWN: &[&str] = &["job"];
/// Labels that may name the owner.
const OWNER_LABELS: &[&str] = &["owner", "team"];

/// The words of a source.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) own: &'a SourceWords,
    pub(super) known: &'a dyn Known,
}

impl Words<'_> {
    /// The level that a word means.
    pub(super) fn level(self, word: &str) -> Option<Level> {
        let word = word.trim();
        let own = self.own.severity.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        own.map(|(_, level)| *level).or_else(|| Level::parse(word))
    }

    /// The pillar of a check with this name or kind. The source's own words come first.
    pub(super) fn pillar(self, text: &str) -> Option<Pillar> {
        let own = self.own.pillar.iter().find(|(part, _)| pillar_words::begins_in(text, part));
        own.map(|(_, pillar)| *pillar).or_else(|| Pillar::of_check(text))
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
        let own = self.own.asset_labels.iter().map(String::as_str);
        let named = own.chain(ASSET_LABELS).find_map(|label| AssetName::new(labels.get(label)?));
        let mut if_known = ASSET_LABELS_IF_KNOWN.iter().filter_map(|label| labels.get(*label));
        named.or_else(|| if_known.find(|name| self.known.is_asset(name)).and_then(|name| AssetName::new(name)))
    }

    /// The owner that labels name.
    pub(super) fn owner(self, labels: &BTreeMap<String, String>) -> Option<String> {
        let own = self.own.owner_labels.iter().map(String::as_str);
        own.chain(OWNER_LABELS.iter().copied()).find_map(|label| labels.get(label)).cloned()
    }
}
