//! Assets shown below links to their pages.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Carrier, Tried, Turn};
use crate::domain::ChannelId;

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
        let shown = self.slack.unfurl(channel, ts, unfurls.into()).await;
        // A link without a preview is still a link.
        self.or_do_without(turn, shown, "assets below links").await
    }
}
