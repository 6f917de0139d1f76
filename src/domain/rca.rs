//! The words of a root-cause analysis and of what is learned from it: kinds of causes, and the subjects of a look back.
//! `decide` and `postmortem` use them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The kind of a cause. It is never a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// The incoming data was wrong, late or missing.
    Data,
    /// The code that worked on the data was wrong.
    Logic,
    Operations,
}

impl CauseKind {
    pub const ALL: [Self; 3] = [Self::Data, Self::Logic, Self::Operations];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Logic => "logic",
            Self::Operations => "operations",
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Self::Data => "Data: what came in was wrong, late or missing",
            Self::Logic => "Logic: what was done with it was wrong",
            Self::Operations => "Operations: what runs it failed",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().trim_end_matches(':').to_lowercase().as_str() {
            "data" | "source" => Some(Self::Data),
            "logic" | "code" => Some(Self::Logic),
            "operations" | "operation" | "operational" | "ops" | "infrastructure" => Some(Self::Operations),
            _ => None,
        }
    }
}

/// A cause that people agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cause {
    pub kind: CauseKind,
    pub text: String,
}

/// The subject of a look back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Learnt {
    Well,
    Hard,
    Lucky,
}

impl Learnt {
    pub const ALL: [Self; 3] = [Self::Well, Self::Hard, Self::Lucky];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Hard => "hard",
            Self::Lucky => "lucky",
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Self::Well => "What went well",
            Self::Hard => "What was hard",
            Self::Lucky => "Where we were lucky",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().trim_end_matches(':').to_lowercase().as_str() {
            "well" | "good" => Some(Self::Well),
            "hard" | "bad" | "difficult" => Some(Self::Hard),
            "lucky" | "luck" => Some(Self::Lucky),
            _ => None,
        }
    }
}
