//! Which channels people of other workspaces read, by Slack's latest word. It is asked for at every start, followed by events, and kept over a
//! restart. No news of an incident goes to such a channel.

use std::collections::BTreeMap;

use super::{App, Change, Failure};
use crate::domain::ChannelId;
use crate::records::ExternalChannels;
use crate::slack::client::Listed;
use crate::store::{Batch, Id};

impl App {
    /// Whether people of another workspace read a channel (`#name` or its id), as far as Slack has said.
    pub fn is_external(&self, channel: &str) -> bool {
        self.models.external_channels.read().is_external(channel)
    }

    /// Whether they read the announcement channel. If so, announcements give no details.
    pub fn announces_to_strangers(&self) -> bool {
        self.is_external(&self.config.slack.announce_channel)
    }

    /// Keeps what Slack says of channels, in one commit with the end of the request.
    pub async fn remember_channels(&self, listed: Vec<Listed>, also: Batch) -> Result<(), Failure> {
        let routes = self.config.routes.iter().filter_map(|route| route.channel.as_deref());
        let teams = self.policy.teams.iter().filter_map(|team| team.contact.as_deref());
        let named: Vec<&str> = routes
            .chain(teams)
            .chain([self.config.slack.announce_channel.as_str()])
            .map(|name| name.trim_start_matches('#'))
            .collect();
        let matters = |channel: &Listed| {
            channel.shared || named.contains(&channel.name.as_str()) || named.contains(&channel.id.as_str())
        };
        let change = |channels: &mut Channels| {
            for channel in &listed {
                if matters(channel) {
                    channels.insert(channel.id.clone(), channel.clone());
                } else {
                    channels.remove(&channel.id);
                }
            }
        };
        self.make(&Listing { change, also }).await
    }

    /// A channel is now shared with another workspace, or no longer shared.
    pub async fn channel_shared(&self, id: &ChannelId, shared: bool, also: Batch) -> Result<(), Failure> {
        let change = |channels: &mut Channels| {
            let name = channels.get(id).map(|known| known.name.clone()).unwrap_or_default();
            channels.insert(id.to_owned(), Listed { id: id.to_owned(), name, shared });
        };
        self.make(&Listing { change, also }).await
    }
}

type Channels = BTreeMap<ChannelId, Listed>;

/// Changes what is known of channels.
struct Listing<F> {
    change: F,
    also: Batch,
}

impl<F: Fn(&mut Channels) + Sync> Change for Listing<F> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let id = Id::<ExternalChannels>::one();
        let (before, expect) = app.to_change(&id).await?;
        let before = before.unwrap_or_default();
        let mut now = before.clone();
        (self.change)(&mut now.channels);
        let mut batch = self.also.clone();
        if now != before {
            batch.put(&id, expect, &now);
        }
        Ok((batch, ()))
    }
}
