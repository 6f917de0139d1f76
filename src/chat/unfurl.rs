//! Unfurling: what is shown below a link to an asset's page.

use std::collections::BTreeMap;

use super::asker::Chat;
use crate::app::{App, Failure};
use crate::domain::permission::Verb;
use crate::domain::{ChannelId, UserId};
use crate::records::outbox::{EntryId, Job};
use crate::store::Batch;

/// At most this many links of one message are shown.
const MAX_UNFURLED: usize = 5;

/// Shows assets below links to their pages. Everybody in that channel can read what is shown.
pub(super) async fn unfurl(
    app: &App,
    channel: ChannelId,
    ts: String,
    user: &UserId,
    links: &[String],
    mut ops: Batch,
) -> Result<(), Failure> {
    let chat = Chat { app, user, standing: app.met_or_later(user).await?, channel: None, delivery: None };
    if chat.may(Verb::Read, None).is_err() {
        return Ok(());
    }
    let assets: BTreeMap<String, String> = links
        .iter()
        .filter_map(|link| Some((link.clone(), app.meant(&app.asset_of_page(link)?).ok()?)))
        .take(MAX_UNFURLED)
        .collect();
    if assets.is_empty() {
        return Ok(());
    }
    ops.enqueue(&EntryId::unfurl(&channel, &ts), Job::Unfurl { channel, ts, assets }, app.now());
    app.commit(ops).await
}
