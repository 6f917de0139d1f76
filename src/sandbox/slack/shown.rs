//! Messages, channels and forms as people see them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::render;
use super::workspace::{Channel, Message, Workspace};

/// A message as people see it.
#[derive(Debug, Clone)]
pub struct MessageView {
    pub ts: String,
    pub channel: String,
    pub user: String,
    pub at: DateTime<Utc>,
    pub text: String,
    pub fallback: String,
    pub buttons: Vec<Button>,
    pub blocks: Value,
    pub edited: bool,
    pub pinned: bool,
    pub file: Option<FileView>,
    pub mentions: Vec<String>,
    /// The bot's mark, such as its outbox entry.
    pub metadata: Value,
    pub thread: Option<String>,
    pub reactions: Vec<String>,
    pub unfurls: Value,
}

#[derive(Debug, Clone)]
pub struct Button {
    pub action_id: String,
    pub label: String,
    pub value: String,
}

/// A file that was shared.
#[derive(Debug, Clone)]
pub struct FileView {
    pub name: String,
    pub title: String,
    pub content: String,
}

#[derive(Debug, Clone)]
pub struct ChannelView {
    pub id: String,
    pub name: String,
    pub topic: String,
    pub archived: bool,
    pub private: bool,
    pub canvas: Option<String>,
    pub members: Vec<String>,
    pub pins: Vec<String>,
    pub bookmarks: Vec<(String, String)>,
}

/// An open form of a person.
#[derive(Debug, Clone)]
pub struct ViewState {
    pub id: String,
    pub callback_id: String,
    pub title: String,
    pub view: Value,
}

pub(crate) fn view_of(channel: &Channel) -> ChannelView {
    ChannelView {
        id: channel.id.clone(),
        name: channel.name.clone(),
        topic: channel.topic.clone(),
        archived: channel.archived,
        private: channel.private,
        canvas: channel.canvas.as_ref().map(|(_, markdown)| markdown.clone()),
        members: channel.members.clone(),
        pins: channel.pins.clone(),
        bookmarks: channel.bookmarks.clone(),
    }
}

pub(crate) fn message_view(workspace: &Workspace, channel: &Channel, message: &Message) -> MessageView {
    let name = |id: &str| workspace.name(id);
    let json = message.json();
    let text = if message.blocks.is_null() {
        render::mrkdwn(&message.text, &name)
    } else {
        render::blocks(&message.blocks, &name)
    };
    let buttons =
        message.blocks.as_array().into_iter().flatten().filter(|block| block["type"] == "actions").flat_map(|block| {
            block["elements"].as_array().into_iter().flatten().map(|element| Button {
                action_id: element["action_id"].as_str().unwrap_or_default().to_owned(),
                label: element.pointer("/text/text").and_then(Value::as_str).unwrap_or_default().to_owned(),
                value: element["value"].as_str().unwrap_or_default().to_owned(),
            })
        });
    let file = message.file.as_ref().and_then(|id| workspace.files.get(id));
    MessageView {
        ts: message.ts.clone(),
        channel: channel.id.clone(),
        user: workspace.name(&message.user).trim_start_matches('@').to_owned(),
        at: message.at,
        text,
        fallback: message.text.clone(),
        buttons: buttons.collect(),
        blocks: message.blocks.clone(),
        edited: message.edited.is_some(),
        pinned: channel.pins.contains(&message.ts),
        file: file.map(|file| FileView {
            name: file.name.clone(),
            title: file.title.clone(),
            content: file.content.clone(),
        }),
        mentions: render::mentions(&json),
        metadata: message.metadata.clone(),
        thread: message.thread_ts.clone(),
        reactions: message.reactions.iter().map(|(_, name)| name.clone()).collect(),
        unfurls: message.unfurls.clone(),
    }
}
