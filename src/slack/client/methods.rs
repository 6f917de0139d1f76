//! The methods of Slack's Web API that Muster calls. A call can name no other.

use crate::domain::worded;

worded! {
    pub enum Method {
        AppsConnectionsOpen = "apps.connections.open",
        AuthTest = "auth.test",
        BookmarksAdd = "bookmarks.add",
        BookmarksList = "bookmarks.list",
        CanvasesEdit = "canvases.edit",
        ChatPostEphemeral = "chat.postEphemeral",
        ChatPostMessage = "chat.postMessage",
        ChatUnfurl = "chat.unfurl",
        ChatUpdate = "chat.update",
        ConversationsArchive = "conversations.archive",
        ConversationsCanvasesCreate = "conversations.canvases.create",
        ConversationsCreate = "conversations.create",
        ConversationsHistory = "conversations.history",
        ConversationsInfo = "conversations.info",
        ConversationsInvite = "conversations.invite",
        ConversationsJoin = "conversations.join",
        ConversationsList = "conversations.list",
        ConversationsReplies = "conversations.replies",
        ConversationsSetTopic = "conversations.setTopic",
        FilesCompleteUploadExternal = "files.completeUploadExternal",
        FilesDelete = "files.delete",
        FilesGetUploadUrlExternal = "files.getUploadURLExternal",
        PinsAdd = "pins.add",
        ReactionsAdd = "reactions.add",
        ReactionsRemove = "reactions.remove",
        UsergroupsUsersList = "usergroups.users.list",
        UsersInfo = "users.info",
        UsersList = "users.list",
        ViewsOpen = "views.open",
        ViewsPublish = "views.publish",
    }
}
