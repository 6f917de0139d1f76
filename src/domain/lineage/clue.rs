//! Why an incident may have started at an asset, as values. They are turned into words when they are shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ChangeKind;
use crate::domain::times::clock;
use crate::domain::{Pillar, Time, counted};

/// A reason for or against an asset as the root cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Clue {
    ShowsIssue { pillars: Vec<Pillar> },
    /// Nothing upstream of it is known to be bad.
    NothingAbove,
    /// Nothing went bad before it.
    First,
    /// It went bad before the assets downstream of it.
    BeforeOthers,
    /// Assets downstream of it went bad before it did.
    AfterOthers { earlier: usize },
    /// Its problem explains the problems downstream.
    Explains { implied: usize, of: usize },
    /// It is a job whose outputs are bad and whose inputs are not.
    FailingJob,
    /// Several bad assets depend on it. It is checked, and shows no problem.
    SharedQuiet,
    /// Several bad assets depend on it, and nobody checks it.
    SharedUnchecked,
    /// The asset that went bad first is downstream of it.
    AboveFirst,
    /// The bad assets are this one or are downstream of it.
    Covers { covered: usize, of: usize },
    /// Something happened to it shortly before.
    Changed { what: ChangeKind, #[schema(value_type = DateTime)] at: Time, text: String },
    /// It was the root cause of earlier incidents.
    RootBefore { times: usize },
    /// It is not bad itself.
    Away { hops: u32 },
}

impl Clue {
    pub fn words(&self) -> String {
        match self {
            Self::ShowsIssue { pillars } => {
                let pillars: Vec<_> = pillars.iter().map(|pillar| pillar.as_str()).collect();
                format!("it shows the issue itself ({pillars})", pillars = pillars.join(", "))
            }
            Self::NothingAbove => "nothing above it is known to be bad".to_owned(),
            Self::First => "it was the first to go bad".to_owned(),
            Self::BeforeOthers => "it went bad before what hangs on it".to_owned(),
            Self::AfterOthers { earlier } => format!("{earlier} of those below it went bad earlier"),
            Self::Explains { implied, of } => format!("its trouble explains theirs ({implied} of {of})"),
            Self::FailingJob => "all its outputs are bad and none of its inputs is".to_owned(),
            Self::SharedQuiet => "what is bad has it in common, but its own checks are quiet".to_owned(),
            Self::SharedUnchecked => "what is bad has it in common, and no check of it is known".to_owned(),
            Self::AboveFirst => "what went bad first hangs on it".to_owned(),
            Self::Covers { covered, of } => format!("{covered} of {of} bad assets are it or come from it"),
            Self::Changed { what, at, text } => {
                let text = if text.is_empty() { String::new() } else { format!(": {text}") };
                format!("{} at {} UTC{text}", what.as_str(), clock(*at))
            }
            Self::RootBefore { times: 1 } => "it was the root before, once".to_owned(),
            Self::RootBefore { times } => format!("it was the root before, {times} times"),
            Self::Away { hops } => format!("{} away", counted(*hops as usize, "step")),
        }
    }
}

/// Why an incident may have started at an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RootReason {
    /// For these reasons, the strongest first.
    Clues(Vec<Clue>),
    /// In the words of an earlier Muster.
    Said(String),
}

impl RootReason {
    pub fn words(&self) -> String {
        match self {
            Self::Clues(clues) => clues.iter().map(Clue::words).collect::<Vec<_>>().join("; "),
            Self::Said(words) => words.clone(),
        }
    }
}
