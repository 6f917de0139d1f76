//! Who asks for a change, and why it was not made.

use crate::domain::permission::Standing;
use crate::domain::{Actor, Refusal, counted};
use crate::store::{Batch, ReadError};

/// Why nothing was done. Anything that asks the store may fail in this way. Functions that may fail for other reasons say which.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The decision was no. The words are for the person who asked.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// There is no such incident.
    #[error("{0}")]
    NotFound(String),
    /// The request did not say which incident is meant.
    #[error(
        "This is not an incident's channel, so say which incident you mean: `/incident INC-12 ack`. `/incident list` shows what is open."
    )]
    WhichIncident,
    /// This same delivery was handled before.
    #[error("this was done already")]
    Duplicate,
    /// The request makes no sense. The words say what would.
    #[error("{0}")]
    Invalid(String),
    /// A source sends faster than it may.
    #[error("the source {name} sends more than its {} a minute; send it again a little later", counted(*rate as usize, "request"))]
    TooFast { name: String, rate: u32 },
    /// It is too large for a record, and would be too large next time, too.
    #[error("This is too large to be kept, and nothing was changed; say it in fewer words. ({0})")]
    TooLarge(String),
    /// The store cannot write, or too many others were faster.
    #[error("Muster cannot save anything right now; nothing was changed. Please try again in a moment. ({0})")]
    Unavailable(String),
}

impl Failure {
    /// The incident was there a moment ago.
    pub fn gone() -> Self {
        Self::NotFound("There is no such incident any more.".to_owned())
    }

    /// There is no `INC-number`, or the person who asks may not know of it.
    pub fn no_such(number: u64) -> Self {
        Self::NotFound(format!("There is no INC-{number}. `/incident list` shows what is open."))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Names a delivery, so that a redelivery changes nothing. The name is kept for two to three days.
#[derive(Debug, Clone)]
pub struct DeliveryId(pub String);

/// Who asks, and what else belongs to the same commit.
pub struct RequestMeta {
    pub actor: Actor,
    pub standing: Standing,
    pub delivery: Option<DeliveryId>,
    /// What else must hold and be written with it: the end of an outbox entry, an index.
    pub also: Batch,
}

impl RequestMeta {
    pub fn by_monitor(source: &str, also: Batch) -> Self {
        let actor = Actor::Monitor { source: source.to_owned() };
        Self { actor, standing: Standing::Monitor, delivery: None, also }
    }

    pub fn by_muster(also: Batch) -> Self {
        Self { actor: Actor::Muster, standing: Standing::Muster, delivery: None, also }
    }
}
