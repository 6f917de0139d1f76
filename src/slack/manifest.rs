//! What the app asks of a workspace. A test holds `manifest.yml` to it.

/// The permissions of the bot's token.
#[rustfmt::skip]
pub const SCOPES: [&str; 23] = [
    "app_mentions:read", "canvases:write", "commands", "chat:write", "chat:write.public", "channels:manage",
    "channels:join", "channels:read", "channels:history", "groups:write", "groups:read", "groups:history",
    "users:read", "users:read.email", "usergroups:read", "pins:write", "bookmarks:read", "bookmarks:write",
    "reactions:read", "reactions:write", "files:write", "links:read", "links:write",
];

/// The events that Slack sends. [`super::inbound::event`] reads each of them.
#[rustfmt::skip]
pub const EVENTS: [&str; 19] = [
    "app_home_opened", "app_mention", "channel_archive", "channel_deleted", "channel_left", "channel_rename",
    "channel_shared", "channel_unshared", "group_archive", "group_deleted", "group_left", "group_rename",
    "link_shared", "message.channels", "message.groups", "reaction_added", "reaction_removed", "team_join",
    "user_change",
];
