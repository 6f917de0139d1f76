//! The calls of the Web API: one method for each thing that Muster does. `failure` says how they fail.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::answers::{ChannelInfo, File, HistoryMessage, Listed, Member, member};
use super::failure::{FailureKind, SlackError, classify};
use super::methods::Method;
use crate::domain::incident::MessageRef;
use crate::domain::{ChannelId, UserId};
use crate::render::Rendered;
use crate::slack::inbound::with_files;

pub struct SlackApi {
    client: SlackHyperClient,
    token: SlackApiToken,
    timeout: Duration,
}

/// The metadata that marks our own posts, so that one can be found again after an unknown outcome.
const METADATA: &str = "muster_outbox";
const ALL_CHANNELS: &str = "public_channel,private_channel";

impl SlackApi {
    pub fn new(api_url: &str, token: &SecretString, team: &str, timeout: Duration) -> std::io::Result<Self> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .build();
        let connector: SlackClientHyperHttpsConnector =
            SlackClientHyperConnector::with_connector(connector).with_slack_api_url(api_url.trim_end_matches('/'));
        let token = SlackApiToken::new(token.expose_secret().into()).with_team_id(team.into());
        Ok(Self { client: SlackClient::new(connector), token, timeout })
    }

    async fn post(&self, method: Method, body: &(impl serde::Serialize + Send + Sync)) -> Result<Value, SlackError> {
        let session = self.client.open_session(&self.token);
        let call = session.http_session_api.http_post::<_, Value>(method.as_str(), body, None);
        self.within(method.as_str(), call).await
    }

    /// Posts a request whose answer tells nothing.
    async fn order(&self, method: Method, body: &(impl serde::Serialize + Send + Sync)) -> Result<(), SlackError> {
        self.post(method, body).await.map(drop)
    }

    /// Posts a request that may be done already. Slack then answers with one of these codes, which is not a failure.
    async fn post_unless(&self, method: Method, body: &Value, so_already: &[&str]) -> Result<(), SlackError> {
        match self.order(method, body).await {
            Err(error) if so_already.contains(&error.code.as_str()) => Ok(()),
            other => other,
        }
    }

    async fn get(&self, method: Method, parameters: &[(&str, Option<&str>)]) -> Result<Value, SlackError> {
        let session = self.client.open_session(&self.token);
        let parameters: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_ref())).collect();
        let call = session.http_session_api.http_get::<Value, _, _>(method.as_str(), &parameters, None);
        self.within(method.as_str(), call).await
    }

    /// Adds the time-out that the library lacks.
    async fn within<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = ClientResult<T>>,
    ) -> Result<T, SlackError> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(classify(method, &error)),
            Err(_) => Err(SlackError { method, code: "timeout".to_owned(), verdict: FailureKind::Unknown }),
        }
    }

    /// Asks for a connection of Socket Mode, with the app's own token. The address holds a ticket.
    pub async fn open_connection(&self, app_token: &SecretString) -> Result<String, SlackError> {
        let method = Method::AppsConnectionsOpen.as_str();
        let token = SlackApiToken::new(app_token.expose_secret().into());
        let session = self.client.open_session(&token);
        let nothing = json!({});
        let call = session.http_session_api.http_post::<_, Value>(method, &nothing, None);
        let answer = self.within(method, call).await?;
        answer["url"].as_str().map(str::to_owned).ok_or_else(|| unreadable(method))
    }

    /// Whose token this is: the workspace's address, our team, our user.
    pub async fn auth_test(&self) -> Result<Value, SlackError> {
        self.get(Method::AuthTest, &[]).await
    }

    /// Makes a channel. Returns its id and name.
    ///
    /// # Errors
    /// The call failed, also with `name_taken`.
    pub async fn create_channel(&self, name: &str, private: bool) -> Result<(ChannelId, String), SlackError> {
        let answer = self.post(Method::ConversationsCreate, &json!({"name": name, "is_private": private})).await?;
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok((text("/channel/id").into(), text("/channel/name")))
    }

    /// The public channel with this name. With `own`, only one that we made (for when the answer to making it was lost).
    pub async fn channel_named(&self, name: &str, own: bool) -> Result<Option<ChannelId>, SlackError> {
        let me =
            if own { Some(self.auth_test().await?["user_id"].as_str().unwrap_or_default().to_owned()) } else { None };
        let types = if own { ALL_CHANNELS } else { "public_channel" };
        let mut cursor = None;
        loop {
            let answer = self.list_channels(types, cursor).await?;
            let is_it = |channel: &&Value| {
                channel["name"] == name && me.as_ref().is_none_or(|me| channel["creator"] == me.as_str())
            };
            if let Some(channel) = list(&answer["channels"]).find(is_it) {
                return Ok(channel["id"].as_str().map(ChannelId::from));
            }
            cursor = next_cursor(&answer);
            if cursor.is_none() {
                return Ok(None);
            }
        }
    }

    async fn list_channels(&self, types: &str, cursor: Option<String>) -> Result<Value, SlackError> {
        let cursor = ("cursor", cursor.as_deref());
        let parameters = [("exclude_archived", Some("true")), ("limit", Some("200")), ("types", Some(types)), cursor];
        self.get(Method::ConversationsList, &parameters).await
    }

    /// A page of the workspace's channels, with the cursor of the next.
    pub async fn channels(&self, cursor: Option<String>) -> Result<(Vec<Listed>, Option<String>), SlackError> {
        let answer = self.list_channels(ALL_CHANNELS, cursor).await?;
        let listed = list(&answer["channels"]).filter_map(|channel| {
            Some(Listed {
                id: channel["id"].as_str()?.into(),
                name: channel["name"].as_str().unwrap_or_default().to_owned(),
                shared: is_shared(channel),
            })
        });
        Ok((listed.collect(), next_cursor(&answer)))
    }

    pub async fn channel_info(&self, id: &ChannelId) -> Result<ChannelInfo, SlackError> {
        let answer = self.get(Method::ConversationsInfo, &[("channel", Some(id.as_str()))]).await?;
        let flag = |key: &str| answer["channel"][key].as_bool().unwrap_or(false);
        Ok(ChannelInfo {
            name: answer["channel"]["name"].as_str().unwrap_or_default().to_owned(),
            member: flag("is_member"),
            shared: is_shared(&answer["channel"]),
            private: flag("is_private"),
            canvas: answer.pointer("/channel/properties/canvas/file_id").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Makes a channel's canvas. Returns its id.
    ///
    /// # Errors
    /// The call failed, also with `channel_canvas_already_exists`.
    pub async fn create_canvas(&self, channel: &ChannelId, markdown: &str) -> Result<String, SlackError> {
        let body = json!({"channel_id": channel, "document_content": {"type": "markdown", "markdown": markdown}});
        let answer = self.post(Method::ConversationsCanvasesCreate, &body).await?;
        Ok(answer["canvas_id"].as_str().unwrap_or_default().to_owned())
    }

    pub async fn edit_canvas(&self, canvas: &str, markdown: &str) -> Result<(), SlackError> {
        let content = json!({"type": "markdown", "markdown": markdown});
        let change = json!({"operation": "replace", "document_content": content});
        self.order(Method::CanvasesEdit, &json!({"canvas_id": canvas, "changes": [change]})).await
    }

    /// Archives a channel. It is not a failure if it is archived already.
    pub async fn archive(&self, id: &ChannelId) -> Result<(), SlackError> {
        self.post_unless(Method::ConversationsArchive, &json!({"channel": id}), &["already_archived"]).await
    }

    /// Joins a public channel. It is not a failure if Muster is in it already.
    pub async fn join(&self, channel: &ChannelId) -> Result<(), SlackError> {
        self.order(Method::ConversationsJoin, &json!({"channel": channel})).await
    }

    /// Invites people. It is not a failure if some are in the channel already.
    pub async fn invite(&self, channel: &ChannelId, people: &[UserId]) -> Result<(), SlackError> {
        let body = json!({"channel": channel, "users": people.join(","), "force": true});
        self.post_unless(Method::ConversationsInvite, &body, &["already_in_channel", "cant_invite_self"]).await
    }

    pub async fn set_topic(&self, channel: &ChannelId, topic: &str) -> Result<(), SlackError> {
        self.order(Method::ConversationsSetTopic, &json!({"channel": channel, "topic": topic})).await
    }

    /// Posts a message, in a thread if one is given, marked with its outbox entry. Returns its place.
    pub async fn post_message(
        &self,
        channel: &str,
        thread: Option<&str>,
        message: &Rendered,
        outbox_id: &str,
    ) -> Result<MessageRef, SlackError> {
        let metadata = SlackMessageMetadata::new(METADATA.to_owned())
            .with_event_payload([("outbox_id".to_owned(), outbox_id.to_owned())].into());
        let request = SlackApiChatPostMessageRequest::new(channel.into(), content(message).with_metadata(metadata))
            .with_parse("none".to_owned())
            .with_link_names(false)
            .with_unfurl_links(false)
            .with_unfurl_media(false)
            .opt_thread_ts(thread.map(Into::into));
        let answer = self.post(Method::ChatPostMessage, &request).await?;
        Ok(MessageRef {
            channel: answer["channel"].as_str().unwrap_or(channel).into(),
            ts: answer["ts"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Posts an ephemeral message. It is gone after a reload.
    pub async fn post_ephemeral(
        &self,
        channel: &ChannelId,
        user: &UserId,
        message: &Rendered,
    ) -> Result<(), SlackError> {
        let request =
            SlackApiChatPostEphemeralRequest::new(channel.as_str().into(), user.as_str().into(), content(message))
                .with_parse("none".to_owned())
                .with_link_names(false);
        self.order(Method::ChatPostEphemeral, &request).await
    }

    /// Shows blocks below the links of somebody's message.
    pub async fn unfurl(&self, channel: &ChannelId, ts: &str, unfurls: Value) -> Result<(), SlackError> {
        self.order(Method::ChatUnfurl, &json!({"channel": channel, "ts": ts, "unfurls": unfurls})).await
    }

    pub async fn update_message(&self, at: &MessageRef, message: &Rendered) -> Result<(), SlackError> {
        let request =
            SlackApiChatUpdateRequest::new(at.channel.as_str().into(), content(message), at.ts.as_str().into())
                .with_parse("none".to_owned())
                .with_link_names(false);
        self.order(Method::ChatUpdate, &request).await
    }

    /// Adds a reaction to a message, or removes it. It is not a failure if that is done already.
    pub async fn mark(&self, at: &MessageRef, name: &str, on: bool) -> Result<(), SlackError> {
        let method = if on { Method::ReactionsAdd } else { Method::ReactionsRemove };
        let body = json!({"channel": at.channel, "timestamp": at.ts, "name": name});
        self.post_unless(method, &body, &["already_reacted", "no_reaction"]).await
    }

    /// Pins a message. It is not a failure if it is pinned already.
    pub async fn pin(&self, at: &MessageRef) -> Result<(), SlackError> {
        self.post_unless(Method::PinsAdd, &json!({"channel": at.channel, "timestamp": at.ts}), &["already_pinned"])
            .await
    }

    /// Adds a bookmark, unless there is one with this link.
    pub async fn bookmark(&self, channel: &ChannelId, title: &str, url: &str) -> Result<(), SlackError> {
        let there = self.post(Method::BookmarksList, &json!({"channel_id": channel})).await?;
        if list(&there["bookmarks"]).any(|bookmark| bookmark["link"] == url) {
            return Ok(());
        }
        self.order(Method::BookmarksAdd, &json!({"channel_id": channel, "title": title, "type": "link", "link": url}))
            .await
    }

    /// Answers a slash command later, at the address that Slack sent with it. Only the person who asked sees it.
    pub async fn respond(&self, address: &str, message: &Rendered) -> Result<(), SlackError> {
        let method = "response_url";
        let address: url::Url = address.parse().map_err(|_| unreadable(method))?;
        let request = SlackApiPostWebhookMessageRequest::new(content(message));
        self.within(method, self.client.respond_to_event(&address.into(), &request)).await.map(drop)
    }

    /// Opens a modal. The trigger is valid for three seconds.
    pub async fn open_view(&self, trigger: &str, view: &SlackView) -> Result<(), SlackError> {
        self.order(Method::ViewsOpen, &json!({"trigger_id": trigger, "view": view})).await
    }

    /// Publishes the app's home for a person.
    pub async fn publish_home(&self, user: &UserId, view: &Value) -> Result<(), SlackError> {
        self.order(Method::ViewsPublish, &json!({"user_id": user, "view": view})).await
    }

    /// A page of the history of a channel or thread, from a timestamp on, with the cursor of the next page.
    pub async fn history(
        &self,
        (channel, thread): (&ChannelId, Option<&str>),
        oldest: &str,
        limit: u16,
        cursor: Option<String>,
    ) -> Result<(Vec<HistoryMessage>, Option<String>), SlackError> {
        let method = if thread.is_some() { Method::ConversationsReplies } else { Method::ConversationsHistory };
        let parameters = [
            ("channel", Some(channel.as_str())),
            ("ts", thread),
            ("oldest", Some(oldest)),
            ("inclusive", Some("true")),
            ("include_all_metadata", Some("true")),
            ("limit", Some(&limit.to_string())),
            ("cursor", cursor.as_deref()),
        ];
        let answer = self.get(method, &parameters).await?;
        let messages = list(&answer["messages"]).filter_map(|message| {
            let ours = message.pointer("/metadata/event_type").and_then(Value::as_str) == Some(METADATA);
            let by_bot = message["bot_id"].as_str().is_some_and(|id| !id.is_empty());
            let subtype = message["subtype"].as_str();
            Some(HistoryMessage {
                ts: message["ts"].as_str()?.to_owned(),
                author: message["user"]
                    .as_str()
                    .filter(|_| !by_bot && matches!(subtype, None | Some("thread_broadcast" | "file_share")))
                    .map(UserId::from),
                text: with_files(message["text"].as_str().unwrap_or_default(), message),
                files: list(&message["files"])
                    .filter(|_| by_bot)
                    .filter_map(|file| Some((file["name"].as_str()?.to_owned(), file["id"].as_str()?.to_owned())))
                    .collect(),
                outbox_id: message
                    .pointer("/metadata/event_payload/outbox_id")
                    .and_then(Value::as_str)
                    .filter(|_| ours)
                    .map(str::to_owned),
            })
        });
        Ok((messages.collect(), next_cursor(&answer)))
    }

    /// One message with its author. `conversations.replies` finds it both inside and outside of threads.
    ///
    /// # Errors
    /// The call failed, or there is no such message.
    pub async fn message(&self, at: &MessageRef) -> Result<(UserId, String), SlackError> {
        let method = Method::ConversationsReplies;
        let ts = Some(at.ts.as_str());
        let channel = ("channel", Some(at.channel.as_str()));
        let parameters = [channel, ("ts", ts), ("latest", ts), ("inclusive", Some("true")), ("limit", Some("1"))];
        let answer = self.get(method, &parameters).await?;
        let Some(message) = list(&answer["messages"]).find(|message| message["ts"] == at.ts.as_str()) else {
            return Err(SlackError {
                method: method.as_str(),
                code: "message_not_found".to_owned(),
                verdict: FailureKind::Permanent,
            });
        };
        let author = message["user"].as_str().or_else(|| message["bot_id"].as_str()).unwrap_or_default();
        Ok((author.into(), with_files(message["text"].as_str().unwrap_or_default(), message)))
    }

    /// A page of the workspace's people, with the cursor of the next.
    pub async fn people(&self, cursor: Option<String>) -> Result<(Vec<Member>, Option<String>), SlackError> {
        let answer = self.get(Method::UsersList, &[("limit", Some("200")), ("cursor", cursor.as_deref())]).await?;
        let members = list(&answer["members"]).filter_map(member).collect();
        Ok((members, next_cursor(&answer)))
    }

    pub async fn person(&self, id: &str) -> Result<Option<Member>, SlackError> {
        let answer = self.get(Method::UsersInfo, &[("user", Some(id))]).await?;
        Ok(member(&answer["user"]))
    }

    pub async fn group(&self, id: &str) -> Result<Vec<UserId>, SlackError> {
        let answer = self.get(Method::UsergroupsUsersList, &[("usergroup", Some(id))]).await?;
        Ok(list(&answer["users"]).filter_map(Value::as_str).map(UserId::from).collect())
    }

    /// Uploads a file and shares it in a channel. Returns Slack's id of the file.
    pub async fn upload(
        &self,
        (channel, thread): (&ChannelId, Option<&str>),
        File { name, title, content: (content_type, bytes), comment }: File,
    ) -> Result<String, SlackError> {
        let length = bytes.len().to_string();
        let parameters = [("filename", Some(name.as_str())), ("length", Some(&length))];
        let place = self.get(Method::FilesGetUploadUrlExternal, &parameters).await?;
        let file = place["file_id"].as_str().unwrap_or_default();
        let method = "files.upload";
        let address = place["upload_url"].as_str().unwrap_or_default();
        let address: url::Url = address.parse().map_err(|_| unreadable(method))?;
        let session = self.client.open_session(&self.token);
        let request = SlackApiFilesUploadViaUrlRequest::new(address.into(), bytes, content_type.to_owned());
        self.within(method, session.files_upload_via_url(&request)).await?;
        let mut body =
            json!({"files": [{"id": file, "title": title}], "channel_id": channel, "initial_comment": comment});
        if let Some(thread) = thread {
            body["thread_ts"] = json!(thread);
        }
        self.post(Method::FilesCompleteUploadExternal, &body).await?;
        Ok(file.to_owned())
    }

    /// Deletes a file of ours. It is not a failure if it is gone already.
    pub async fn delete_file(&self, file: &str) -> Result<(), SlackError> {
        self.post_unless(Method::FilesDelete, &json!({"file": file}), &["file_not_found", "file_deleted"]).await
    }
}

fn unreadable(method: &'static str) -> SlackError {
    SlackError { method, code: "unreadable_answer".to_owned(), verdict: FailureKind::Retry { after: None } }
}

/// The members of a list; none if it is something else.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Whether people of another workspace are in a channel, or are invited.
fn is_shared(channel: &Value) -> bool {
    ["is_ext_shared", "is_pending_ext_shared"].iter().any(|key| channel[key].as_bool().unwrap_or(false))
}

fn content(message: &Rendered) -> SlackMessageContent {
    SlackMessageContent::new().with_text(message.text.clone()).with_blocks(message.blocks.clone())
}

fn next_cursor(answer: &Value) -> Option<String> {
    answer
        .pointer("/response_metadata/next_cursor")
        .and_then(Value::as_str)
        .filter(|cursor| !cursor.is_empty())
        .map(str::to_owned)
}
