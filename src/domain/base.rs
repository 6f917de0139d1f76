//! What every other file of the domain uses: moments, ids, and whether an id of Slack is a person or a user group.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A number of things: `1 step`, `2 steps`.
pub fn counted(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

/// The moment something happened, always UTC.
pub type Time = chrono::DateTime<chrono::Utc>;

/// An id is text with its own type. It is made where a request comes in, and can be used wherever text is expected.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
        #[derive(derive_more::AsRef, derive_more::Deref, derive_more::Display, derive_more::From)]
        #[serde(transparent)]
        #[as_ref(str)]
        #[deref(forward)]
        #[from(String, &str)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }
    )* };
}

ids! {
    /// The internal id of an incident, a ULID.
    IncidentId;
    /// An alert of an incident, by Muster's own id.
    AlertId;
    /// A channel of Slack, by its id (`C…`, `D…` or `G…`).
    ChannelId;
    /// A person, by the Slack user id (`U…` or `W…`).
    UserId;
}

/// A message in Slack.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct MessageRef {
    pub channel: ChannelId,
    /// Slack's timestamp, which is the id of the message in its channel.
    pub ts: String,
}

/// A person or a user group of Slack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Principal {
    Person(UserId),
    /// `S…`
    Group(String),
}

impl Principal {
    /// `None` if it is neither, for example a channel or a schedule.
    pub fn parse(id: &str) -> Option<Self> {
        match id.chars().next()? {
            'U' | 'W' => Some(Self::Person(id.into())),
            'S' => Some(Self::Group(id.to_owned())),
            _ => None,
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Person(id) => id,
            Self::Group(id) => id,
        }
    }

    pub fn person(&self) -> Option<&UserId> {
        if let Self::Person(id) = self { Some(id) } else { None }
    }
}

impl From<UserId> for Principal {
    fn from(id: UserId) -> Self {
        Self::Person(id)
    }
}

/// The stored form of an invitation. An id that is no user group is a person.
impl From<String> for Principal {
    fn from(id: String) -> Self {
        Self::parse(&id).unwrap_or_else(|| Self::Person(id.into()))
    }
}

impl From<Principal> for String {
    fn from(one: Principal) -> Self {
        one.as_str().to_owned()
    }
}

/// Whether a message to this Slack address goes directly to one person.
pub fn is_person(address: &str) -> bool {
    matches!(Principal::parse(address), Some(Principal::Person(_)))
}

/// Whether a message to this Slack address goes to a channel (`#…`, `C…` or `G…`).
pub fn is_channel(address: &str) -> bool {
    address.starts_with(['#', 'C', 'G'])
}
