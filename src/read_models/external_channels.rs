//! Which channels people of other workspaces can read, as Slack last said.

use std::sync::Arc;

use super::ReadModel;
use crate::records::ExternalChannels;
use crate::store::{Change, Id, Kind, ReadError, Store};

/// The channels that Muster must know about.
#[derive(Debug, Default, PartialEq)]
pub struct Channels(ExternalChannels);

impl ReadModel for Channels {
    const FOLLOWS: &'static [Kind] = &[Kind::Meta];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        Ok(Self(store.value(&Id::<ExternalChannels>::one()).await?.unwrap_or_default()))
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes.iter().filter(|change| change.kind == Kind::Meta) {
            if change.id == Id::<ExternalChannels>::one().as_str() {
                self.0 = change.value().map(Arc::unwrap_or_clone).unwrap_or_default();
            }
        }
    }
}

impl Channels {
    /// Whether people of another workspace read a channel (`#name` or its id), as far as Slack said so.
    pub fn is_external(&self, channel: &str) -> bool {
        let name = channel.trim_start_matches('#');
        self.0.channels.values().any(|known| known.shared && (known.id == *name || known.name == name))
    }
}
