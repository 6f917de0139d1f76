//! Who asks for a change, and why it was not made.

use crate::domain::permission::Standing;
use crate::domain::{Actor, Refusal};
use crate::store::{Batch, ReadError};

/// Why nothing was done. Whatever asks the store may fail so; what may fail for another reason says which.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The decision was no; the words are for the one who asked.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// There is no such incident.
    #[error("{0}")]
    NotFound(String),
    /// It was not said which incident is meant.
    #[error(
        "This is not an incident's channel, so say which incident you mean: `/incident INC-12 ack`. `/incident list` shows what is open."
    )]
    WhichIncident,
    /// This very delivery was dealt with before.
    #[error("this was done already")]
    Duplicate,
    /// What was asked makes no sense; the words say what would.
    #[error("{0}")]
    Invalid(String),
    /// A source sends faster than it may.
    #[error("the source {name} sends more than its {rate} requests a minute; send it again a little later")]
    TooFast { name: String, rate: u32 },
    /// It is more than a record may hold; it will be so next time, too.
    #[error("This is too large to be kept, and nothing was changed; say it in fewer words. ({0})")]
    TooLarge(String),
    /// The store cannot write, or too many were faster.
    #[error("Muster cannot save anything right now; nothing was changed. Please try again in a moment. ({0})")]
    Unavailable(String),
}

impl Failure {
    /// Nobody knows `INC-number`, or not whoever asks.
    pub fn no_such(number: u64) -> Self {
        Self::NotFound(format!("There is no INC-{number}. `/incident list` shows what is open."))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Names a delivery, so that a redelivery changes nothing. Kept for two to three days.
#[derive(Debug, Clone)]
pub struct DeliveryId(pub String);

/// Who asks, and what else belongs into the same commit.
pub struct RequestMeta {
    pub actor: Actor,
    pub standing: Standing,
    pub delivery: Option<DeliveryId>,
    /// What else must be true and written with it: the end of an outbox entry, an index.
    pub also: Batch,
}

impl RequestMeta {
    pub fn by_muster(also: Batch) -> Self {
        Self { actor: Actor::Muster, standing: Standing::Muster, delivery: None, also }
    }
}
