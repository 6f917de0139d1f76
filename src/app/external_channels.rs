//! Which channels people of other workspaces read, as Slack said last: asked for at every start, followed by events, kept over a
//! restart. What is told of an incident goes to none of them.

use super::{App, Failure};
use crate::records::ExternalChannels;
use crate::slack::client::Listed;
use crate::store::{Batch, Expect, Id, Rec};

impl App {
    /// Whether people of another workspace read a channel (`#name` or its id), as far as Slack said so.
    pub fn strangers_read(&self, channel: &str) -> bool {
        self.models.external_channels.read().strangers_read(channel)
    }

    /// Whether they read the announcement channel: then announcements name no details.
    pub fn announces_to_strangers(&self) -> bool {
        self.strangers_read(&self.config.slack.announce_channel)
    }

    /// What Slack says of channels, with what belongs to the asking.
    ///
    /// # Errors
    /// The store cannot write.
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
        self.change_channels(also, |channels| {
            for channel in &listed {
                if matters(channel) {
                    channels.insert(channel.id.clone(), channel.clone());
                } else {
                    channels.remove(&channel.id);
                }
            }
        })
        .await
    }

    /// A channel came to be shared with another workspace, or is not any more.
    pub(super) async fn channel_shared(&self, id: &str, shared: bool, also: Batch) -> Result<(), Failure> {
        self.change_channels(also, |channels| {
            let name = channels.get(id).map(|known| known.name.clone()).unwrap_or_default();
            channels.insert(id.to_owned(), Listed { id: id.to_owned(), name, shared });
        })
        .await
    }

    async fn change_channels(
        &self,
        mut also: Batch,
        change: impl FnOnce(&mut std::collections::BTreeMap<String, Listed>),
    ) -> Result<(), Failure> {
        let id = Id::<ExternalChannels>::one();
        let before: Option<Rec<ExternalChannels>> = self.store.get(&id).await?;
        let expect = before.as_ref().map_or(Expect::Absent, |rec| Expect::Ver(rec.ver));
        let before = before.map(|rec| rec.value).unwrap_or_default();
        let mut now = before.clone();
        change(&mut now.channels);
        if now != before {
            also.put(&id, expect, &now);
        }
        self.commit(also).await
    }
}
