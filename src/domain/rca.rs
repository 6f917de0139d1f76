//! The words of a root-cause analysis and of what is learned from it: kinds of causes, and the subjects of a look back.
//! `decide` and `postmortem` use them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::worded;

worded! {
    /// The kind of a cause. It is never a person.
    pub enum CauseKind {
        /// The incoming data was wrong, late or missing.
        Data = "data" | "source": "Data: what came in was wrong, late or missing",
        /// The code that worked on the data was wrong.
        Logic = "logic" | "code": "Logic: what was done with it was wrong",
        Operations = "operations" | "operation" | "operational" | "ops" | "infrastructure": "Operations: what runs it failed",
    }
}

/// A cause that people agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cause {
    pub kind: CauseKind,
    pub text: String,
}

worded! {
    /// The subject of a look back.
    pub enum Learnt {
        Well = "well" | "good": "What went well",
        Hard = "hard" | "bad" | "difficult": "What was hard",
        Lucky = "lucky" | "luck": "Where we were lucky",
    }
}
