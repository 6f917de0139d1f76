//! Severities, the most severe first.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Level;

/// `SEV1` (everyone is hurt) to `SEV5` (nobody notices). A smaller value is more severe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    Sev1,
    Sev2,
    #[default]
    Sev3,
    Sev4,
    Sev5,
}

impl Severity {
    /// All five, most severe first.
    pub const ALL: [Self; 5] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4, Self::Sev5];

    /// 1 to 5.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Understands `1`, `sev1`, `SEV-1`, `p1`, `P-1`, `critical`.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        if word == "critical" {
            return Some(Self::Sev1);
        }
        let digits =
            word.strip_prefix("sev").or_else(|| word.strip_prefix('p')).unwrap_or(&word).trim_start_matches(['-', ' ']);
        let number: usize = digits.parse().ok()?;
        Self::ALL.get(number.checked_sub(1)?).copied()
    }

    /// The severity of an alert of this level. Critical is SEV2. Each lower level is one step milder. A tier-1 asset is one step worse.
    pub fn of(level: Level, tier: Option<u8>) -> Self {
        let index = match level {
            Level::Critical => 1,
            Level::Error => 2,
            Level::Warning => 3,
            Level::Info => 4,
        };
        Self::ALL[if tier == Some(1) { index - 1 } else { index }]
    }

    /// The level that Muster sends to PagerDuty.
    pub fn level(self) -> Level {
        match self {
            Self::Sev1 | Self::Sev2 => Level::Critical,
            Self::Sev3 => Level::Error,
            Self::Sev4 => Level::Warning,
            Self::Sev5 => Level::Info,
        }
    }

    /// What it means, for the menu in which people choose one.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Sev1 => "everyone is hurt: customers or executives decide on wrong data",
            Self::Sev2 => "many consumers are hurt, or a deadline is at risk",
            Self::Sev3 => "some consumers are hurt, and someone should act now",
            Self::Sev4 => "an annoyance, to be mended in working hours",
            Self::Sev5 => "for the record",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SEV{}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_map_to_the_default_severities() {
        let of = |level| Severity::of(level, None).to_string();
        assert_eq!(
            [of(Level::Critical), of(Level::Error), of(Level::Warning), of(Level::Info)],
            ["SEV2", "SEV3", "SEV4", "SEV5"]
        );
        assert_eq!(Severity::of(Level::Critical, Some(1)), Severity::Sev1);
        assert_eq!(Severity::of(Level::Info, Some(2)), Severity::Sev5);
    }

    #[test]
    fn people_write_severities_in_many_ways() {
        for word in ["2", "sev2", "SEV2", "Sev-2", " sev2 "] {
            assert_eq!(Severity::parse(word), Some(Severity::Sev2), "{word}");
        }
        for word in ["0", "6", "sev", "high", ""] {
            assert_eq!(Severity::parse(word), None, "{word}");
        }
    }
}
