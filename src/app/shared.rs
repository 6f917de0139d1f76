//! Which channels people of other workspaces read, as Slack said last: asked for at every start, followed by events, kept over a
//! restart. What is told of an incident goes to none of them.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde_json::json;

use super::{App, Failure};
use crate::slack::client::Listed;
use crate::store::{Engine, Expect, Kind, Op};

/// Where it is kept.
const RECORD: &str = "shared-channels";

/// Those that are shared, and those that the configuration names: an event tells the id only.
#[derive(Debug, Default)]
pub struct Channels(BTreeMap<String, Listed>);

impl Channels {
    pub(super) fn load(store: &dyn Engine) -> anyhow::Result<Self> {
        let kept = store.get(Kind::Meta, RECORD)?.map(|rec| rec.body["channels"].clone()).unwrap_or_default();
        let kept: BTreeMap<String, String> = serde_json::from_value(kept).unwrap_or_default();
        Ok(Self(kept.into_iter().map(|(id, name)| (id.clone(), Listed { id, name, shared: true })).collect()))
    }

    fn record(&self) -> serde_json::Value {
        let shared = self.0.values().filter(|channel| channel.shared);
        json!({"v": 1, "channels": shared.map(|channel| (&channel.id, &channel.name)).collect::<BTreeMap<_, _>>()})
    }
}

impl App {
    /// Whether people of another workspace read a channel (`#name` or its id), as far as Slack said so.
    pub fn strangers_read(&self, channel: &str) -> bool {
        let name = channel.trim_start_matches('#');
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        channels.0.values().any(|known| known.shared && (known.id == name || known.name == name))
    }

    /// Whether they read the announcement channel: then announcements name no details.
    pub fn announces_to_strangers(&self) -> bool {
        self.strangers_read(&self.config.slack.announce_channel)
    }

    /// What Slack says of channels, with what belongs to the asking.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn remember_channels(&self, listed: Vec<Listed>, mut also: Vec<Op>) -> Result<(), Failure> {
        let routes = self.config.routes.iter().filter_map(|route| route.channel.as_deref());
        let teams = self.policy.teams.iter().filter_map(|team| team.contact.as_deref());
        let named: Vec<&str> = routes
            .chain(teams)
            .chain([self.config.slack.announce_channel.as_str()])
            .map(|name| name.trim_start_matches('#'))
            .collect();
        let record = {
            let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
            let before = channels.record();
            for channel in listed {
                if channel.shared || named.contains(&channel.name.as_str()) || named.contains(&channel.id.as_str()) {
                    channels.0.insert(channel.id.clone(), channel);
                } else {
                    channels.0.remove(&channel.id);
                }
            }
            Some(channels.record()).filter(|record| *record != before)
        };
        also.extend(record.map(|record| Op::put(Kind::Meta, RECORD, Expect::Any, record)));
        self.commit(also).await
    }

    /// A channel came to be shared with another workspace, or is not any more.
    pub(super) fn channel_shared(&self, id: &str, shared: bool) -> Option<Op> {
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        let before = channels.record();
        let name = channels.0.get(id).map(|known| known.name.clone()).unwrap_or_default();
        channels.0.insert(id.to_owned(), Listed { id: id.to_owned(), name, shared });
        let record = channels.record();
        (record != before).then(|| Op::put(Kind::Meta, RECORD, Expect::Any, record))
    }
}
