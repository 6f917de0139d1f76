//! Assets shown below links to their pages.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Carrier, Tried, Turn};
use crate::domain::ChannelId;
use crate::slack::client::FailureKind;

impl Carrier {
    pub(super) async fn unfurl(
        &self,
        turn: &Turn,
        channel: &ChannelId,
        ts: &str,
        assets: &BTreeMap<String, String>,
    ) -> Tried {
        let mut unfurls = serde_json::Map::new();
        for (link, asset) in assets {
            unfurls.insert(link.clone(), json!({"blocks": self.app.asset_card(asset).await?.blocks_json()}));
        }
        match self.slack.unfurl(channel, ts, unfurls.into()).await {
            // A link without a preview is still a link.
            Err(error) if error.verdict == FailureKind::Permanent => {
                tracing::warn!(%error, "links to assets cannot be shown");
            }
            other => other?,
        }
        self.done(turn).await
    }
}
