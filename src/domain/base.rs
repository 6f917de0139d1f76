//! What every other file of the domain speaks of: moments and people.

/// The moment something happened, always UTC.
pub type Time = chrono::DateTime<chrono::Utc>;

/// A person, by the Slack user id (`U…` or `W…`).
pub type PersonId = String;
