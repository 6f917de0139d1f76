//! What the workspace's people do and see: the doors that tests and the demo use.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Channel, Message, User, render};
use crate::sandbox::{Answer, Shared, hmac_hex};

/// A message as people see it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "Slack's own words")]
pub struct MessageView {
    pub ts: String,
    pub channel: String,
    /// The display name.
    pub user: String,
    pub at: DateTime<Utc>,
    /// What people read.
    pub text: String,
    /// What notifications say.
    pub fallback: String,
    pub buttons: Vec<Button>,
    pub blocks: Value,
    pub edited: bool,
    pub pinned: bool,
    pub file: Option<FileView>,
    /// Everyone it would really notify.
    pub mentions: Vec<String>,
    /// The outbox entry or other mark of the bot.
    pub metadata: Value,
    /// The thread it stands in.
    pub thread: Option<String>,
    /// Its reactions, by name.
    pub reactions: Vec<String>,
    /// What is shown below its links.
    pub unfurls: Value,
}

/// A button.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "Slack's own words")]
pub struct Button {
    pub action_id: String,
    pub label: String,
    pub value: String,
}

/// A file that was shared.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "Slack's own words")]
pub struct FileView {
    pub name: String,
    pub title: String,
    pub content: String,
}

/// A channel.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "Slack's own words")]
pub struct ChannelView {
    pub id: String,
    pub name: String,
    pub topic: String,
    pub archived: bool,
    pub private: bool,
    /// What its canvas says.
    pub canvas: Option<String>,
    pub members: Vec<String>,
    pub pins: Vec<String>,
    pub bookmarks: Vec<(String, String)>,
}

/// A form that is open before somebody.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "Slack's own words")]
pub struct ViewState {
    pub id: String,
    pub callback_id: String,
    pub title: String,
    pub view: Value,
}

/// The workspace.
pub struct Slack(pub(in crate::sandbox) Shared);

impl Slack {
    fn add(&self, id: &str, name: &str, display: &str, guest: bool, team: Option<&str>) {
        let mut world = self.0.lock();
        let team = team.map_or_else(|| world.config.team_id.clone(), str::to_owned);
        let email = format!("{name}@example.com");
        let user = User {
            id: id.to_owned(),
            team,
            name: name.to_owned(),
            display: display.to_owned(),
            email,
            guest,
            bot: false,
        };
        world.slack.users.insert(id.to_owned(), user);
    }

    /// A member.
    pub fn add_user(&self, id: &str, name: &str, display: &str) {
        self.add(id, name, display, false, None);
    }

    /// A program with an account of its own.
    pub fn add_bot(&self, id: &str, name: &str) {
        self.add(id, name, name, false, None);
        if let Some(user) = self.0.lock().slack.users.get_mut(id) {
            user.bot = true;
        }
    }

    /// A guest.
    pub fn add_guest(&self, id: &str, name: &str, display: &str) {
        self.add(id, name, display, true, None);
    }

    /// Somebody of another workspace, in a shared channel.
    pub fn add_stranger(&self, id: &str, name: &str, team: &str) {
        self.add(id, name, name, false, Some(team));
    }

    /// Somebody joins the workspace while the bot runs.
    pub fn joins(&self, id: &str, name: &str, display: &str) {
        self.add_user(id, name, display);
        let mut world = self.0.lock();
        let user = world.slack.users.get(id).map(User::json).unwrap_or_default();
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": "team_join", "user": user}));
    }

    /// An admin deactivates somebody.
    pub fn deactivates(&self, id: &str) {
        let mut world = self.0.lock();
        let Some(mut user) = world.slack.users.get(id).map(User::json) else { return };
        user["deleted"] = json!(true);
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": "user_change", "user": user}));
    }

    /// A user group.
    pub fn add_group(&self, id: &str, people: &[&str]) {
        let people = people.iter().map(|&id| id.to_owned()).collect();
        self.0.lock().slack.groups.insert(id.to_owned(), people);
    }

    /// A channel with members; its id.
    pub fn add_channel(&self, name: &str, members: &[&str]) -> String {
        let mut world = self.0.lock();
        let made = super::web_api::create(&mut world, name, false);
        if let Some(channel) = world.slack.channel(name) {
            "U0ADMIN".clone_into(&mut channel.creator);
            // The bot writes in public channels without being in them.
            channel.members.clear();
            channel.members.extend(members.iter().map(|&id| id.to_owned()));
        }
        made.ok().and_then(|made| made.pointer("/channel/id")?.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Somebody goes into a channel.
    pub fn enter(&self, user: &str, channel: &str) {
        if let Some(channel) = self.0.lock().slack.channel(channel) {
            channel.members.push(user.to_owned());
        }
    }

    /// Archives a channel, as an admin does.
    pub fn archive(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.archived = true;
        let (id, kind) = (channel.id.clone(), channel.event_kind("archive"));
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": id, "user": "U0ADMIN"}));
    }

    /// Archives a channel while the bot hears nothing of it.
    pub fn archive_unheard(&self, channel: &str) {
        if let Some(channel) = self.0.lock().slack.channel(channel) {
            channel.archived = true;
        }
    }

    /// Deletes a channel, as an admin does.
    pub fn delete_channel(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some((id, kind)) =
            world.slack.channel(channel).map(|channel| (channel.id.clone(), channel.event_kind("deleted")))
        else {
            return;
        };
        world.slack.channels.retain(|channel| channel.id != id);
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": id}));
    }

    /// Puts the bot out of a channel.
    pub fn remove_bot(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.members.retain(|member| member != super::BOT_USER);
        let (id, kind) = (channel.id.clone(), channel.event_kind("left"));
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": id, "actor_id": "U0ADMIN"}));
    }

    /// Makes a channel private.
    pub fn make_private(&self, channel: &str) {
        if let Some(channel) = self.0.lock().slack.channel(channel) {
            channel.private = true;
        }
    }

    /// Shares a channel with another workspace.
    pub fn share(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.shared = true;
        let (id, heard) = (channel.id.clone(), channel.has_bot());
        if heard {
            let config = world.config.clone();
            let event = json!({"type": "channel_shared", "connected_team_id": "T0OTHER000", "channel": id});
            world.slack.emit(&config, &event);
        }
    }

    /// It is not shared any more.
    pub fn unshare(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.shared = false;
        let (id, heard) = (channel.id.clone(), channel.has_bot());
        if heard {
            let config = world.config.clone();
            let event = json!({
                "type": "channel_unshared", "previously_connected_team_id": "T0OTHER000", "channel": id, "is_ext_shared": false,
            });
            world.slack.emit(&config, &event);
        }
    }

    /// Closes the connection of Socket Mode, as Slack does every few hours.
    pub fn refresh_connection(&self) {
        super::socket::refresh(&self.0);
    }

    /// Waits until there were so many connections of Socket Mode.
    pub async fn connected(&self, count: usize) {
        let mut opened = self.0.lock().sockets.opened.subscribe();
        let _ = opened.wait_for(|opened| *opened >= count).await;
    }

    /// The workspace lets apps make no channels any more, or again.
    pub fn forbid_channels(&self, forbidden: bool) {
        self.0.lock().slack.forbids_channels = forbidden;
    }

    /// Renames a channel.
    pub fn rename(&self, channel: &str, name: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        name.clone_into(&mut channel.name);
        let (id, kind) = (channel.id.clone(), channel.event_kind("rename"));
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": {"id": id, "name": name, "created": 0}}));
    }

    /// Somebody opens the app's home.
    pub fn open_home(&self, user: &str) {
        let mut world = self.0.lock();
        let config = world.config.clone();
        world
            .slack
            .emit(&config, &json!({"type": "app_home_opened", "user": user, "channel": "D0HOME", "tab": "home"}));
    }

    /// A channel by its name or id.
    pub fn channel(&self, name: &str) -> Option<ChannelView> {
        self.0.lock().slack.channel(name).map(|channel| view_of(channel))
    }

    /// All channels.
    pub fn channels(&self) -> Vec<ChannelView> {
        self.0.lock().slack.channels.iter().map(view_of).collect()
    }

    /// A channel's messages, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<MessageView> {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel).cloned() else {
            return Vec::new();
        };
        channel.messages.iter().map(|message| message_view(&world.slack, &channel, message)).collect()
    }

    /// What only one person saw in a channel.
    pub fn ephemerals(&self, channel: &str, user: &str) -> Vec<MessageView> {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel).cloned() else {
            return Vec::new();
        };
        channel
            .ephemerals
            .iter()
            .filter(|(to, _)| to == user)
            .map(|(_, message)| message_view(&world.slack, &channel, message))
            .collect()
    }

    /// What somebody sees on the app's home page.
    pub fn home(&self, user: &str) -> Option<Value> {
        self.0.lock().slack.homes.get(user).cloned()
    }

    /// The forms that are open before somebody.
    pub fn open_views(&self, user: &str) -> Vec<ViewState> {
        let world = self.0.lock();
        let views = world.slack.views.iter().filter(|view| view.user == user);
        views
            .map(|open| ViewState {
                id: open.id.clone(),
                callback_id: open.view["callback_id"].as_str().unwrap_or_default().to_owned(),
                title: open.view.pointer("/title/text").and_then(Value::as_str).unwrap_or_default().to_owned(),
                view: open.view.clone(),
            })
            .collect()
    }

    /// The body of a slash command, as Slack sends it.
    pub fn command_body(&self, user: &str, channel: &str, text: &str) -> String {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let trigger = world.slack.trigger(user, now);
        let (id, name) = world.slack.channel(channel).map_or_else(
            || (channel.to_owned(), channel.to_owned()),
            |channel| (channel.id.clone(), channel.name.clone()),
        );
        let user_name = world.slack.users.get(user).map(|user| user.name.clone()).unwrap_or_default();
        let team = world.slack.users.get(user).map_or_else(|| world.config.team_id.clone(), |user| user.team.clone());
        let fields = [
            ("token", "legacy"),
            ("team_id", &team),
            ("team_domain", "sandbox"),
            ("channel_id", &id),
            ("channel_name", &name),
            ("user_id", user),
            ("user_name", &user_name),
            ("command", "/incident"),
            ("text", text),
            ("api_app_id", &world.config.app_id),
            ("is_enterprise_install", "false"),
            ("response_url", "https://hooks.slack.com/commands/T0MUSTER00/1/sandbox"),
            ("trigger_id", &trigger),
        ];
        serde_urlencoded::to_string(fields).unwrap_or_default()
    }

    /// `/incident text`. People write `@name`; Slack sends the id.
    pub async fn command(&self, user: &str, channel: &str, text: &str) -> Answer {
        let text = encoded(&self.with_ids(text));
        let body = self.command_body(user, channel, &text);
        let answer = self.post("/slack/commands", body).await;
        self.show_ephemeral(user, channel, &answer);
        answer
    }

    fn with_ids(&self, text: &str) -> String {
        let world = self.0.lock();
        text.split(' ')
            .map(|word| {
                let user =
                    word.strip_prefix('@').and_then(|name| world.slack.users.values().find(|user| user.name == name));
                user.map_or_else(|| word.to_owned(), |user| format!("<@{}|{}>", user.id, user.name))
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    async fn post(&self, path: &str, body: String) -> Answer {
        let headers = super::headers(&self.0, &body, "application/x-www-form-urlencoded");
        self.0.send(path, headers, body).await
    }

    fn show_ephemeral(&self, user: &str, channel: &str, answer: &Answer) {
        if answer.json["response_type"] != "ephemeral" {
            return;
        }
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let ts = world.slack.ts(now);
        let message = Message::of_bot(ts, now, &answer.json);
        if let Some(channel) = world.slack.channel(channel) {
            channel.ephemerals.push((user.to_owned(), message));
        }
    }

    async fn interact(&self, payload: &Value) -> Answer {
        let body = serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap_or_default();
        self.post("/slack/interactions", body).await
    }

    fn payload(&self, kind: &str, user: &str) -> Value {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let trigger = world.slack.trigger(user, now);
        let team = world.slack.users.get(user).map_or_else(|| world.config.team_id.clone(), |user| user.team.clone());
        json!({
            "type": kind, "team": {"id": world.config.team_id, "domain": "sandbox"}, "api_app_id": world.config.app_id, "token": "legacy",
            "user": {"id": user, "username": user, "name": user, "team_id": team}, "trigger_id": trigger, "is_enterprise_install": false, "enterprise": null,
        })
    }

    /// Presses a button of a message, by its action.
    ///
    /// # Errors
    /// There is no such button; the text says which there are.
    pub async fn click(&self, user: &str, message: &MessageView, action: &str) -> Result<Answer, String> {
        let button =
            message.buttons.iter().find(|button| button.action_id == action || button.label == action).ok_or_else(
                || {
                    let labels: Vec<_> = message.buttons.iter().map(|button| button.label.as_str()).collect();
                    format!("there is no button {action:?}; there are {labels:?} on: {}", message.text)
                },
            )?;
        let mut payload = self.payload("block_actions", user);
        let (at, is_ephemeral) = {
            let mut world = self.0.lock();
            let now = (world.config.now)();
            let mut whispers = world.slack.channels.iter().flat_map(|channel| &channel.ephemerals);
            let is_whisper = whispers.any(|(_, whisper)| whisper.ts == message.ts);
            (world.slack.ts(now), is_whisper)
        };
        payload["channel"] = json!({"id": message.channel, "name": "channel"});
        payload["container"] = json!({
            "type": "message", "message_ts": message.ts, "channel_id": message.channel, "is_ephemeral": is_ephemeral,
        });
        payload["message"] = json!({"ts": message.ts, "text": message.fallback});
        payload["actions"] = json!([{
            "type": "button", "action_id": button.action_id, "block_id": "b1", "value": button.value,
            "text": {"type": "plain_text", "text": button.label}, "action_ts": at,
        }]);
        // Slack shows nothing of what a press is answered with.
        Ok(self.interact(&payload).await)
    }

    /// What the app offers for what somebody types into a lookup; the one that is typed.
    async fn look_up(&self, user: &str, view: &Value, id: &str, typed: &str) -> Result<Value, String> {
        let mut payload = self.payload("block_suggestion", user);
        payload["action_id"] = json!(id);
        payload["block_id"] = json!(id);
        payload["value"] = json!(typed);
        payload["view"] = view.clone();
        let answer = self.interact(&payload).await;
        let options = answer.json["options"].as_array().cloned().unwrap_or_default();
        if options.len() > 100 {
            return Err("a lookup offers at most 100 options".to_owned());
        }
        options
            .iter()
            .find(|option| option["value"] == typed)
            .cloned()
            .ok_or_else(|| format!("{typed:?} is not offered; offered are {options:?}"))
    }

    /// Fills in the form before somebody and sends it. Values by question: a text, an option's value, or a list of people.
    ///
    /// # Errors
    /// No form is open, or a question that must be answered is not.
    pub async fn submit(&self, user: &str, values: &Value) -> Result<Answer, String> {
        let body = self.submission_body(user, values).await?;
        let open = self.open_views(user).pop().ok_or_else(|| format!("no form is open before {user}"))?;
        let answer = self.raw_interaction(body).await;
        if answer.status == 200 && answer.json["response_action"] == "update" {
            let view = answer.json["view"].clone();
            super::limits::view(&view).map_err(str::to_owned)?;
            let mut world = self.0.lock();
            if let Some(shown) = world.slack.views.iter_mut().find(|view| view.id == open.id) {
                // Slack gives another sending another state, and the view keeps its id.
                shown.view = view;
            }
        } else if answer.status == 200 && answer.json["response_action"] != "errors" {
            self.0.lock().slack.views.retain(|view| view.id != open.id);
        }
        Ok(answer)
    }

    /// The body of a form that somebody fills in, as Slack sends it.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn submission_body(&self, user: &str, values: &Value) -> Result<String, String> {
        let open = self.open_views(user).pop().ok_or_else(|| format!("no form is open before {user}"))?;
        let mut state = json!({});
        for block in open.view["blocks"].as_array().into_iter().flatten() {
            let (Some(id), element) = (block["block_id"].as_str(), &block["element"]) else {
                continue;
            };
            let kind = element["type"].as_str().unwrap_or_default();
            let given = values.get(id).cloned();
            let answer = match kind {
                "plain_text_input" => {
                    json!({"type": kind, "value": given.or_else(|| element.get("initial_value").cloned())})
                }
                "static_select" => {
                    let chosen =
                        given.map(|value| json!({"value": value})).or_else(|| element.get("initial_option").cloned());
                    json!({"type": kind, "selected_option": chosen})
                }
                "multi_static_select" => {
                    let chosen = given
                        .and_then(|values| values.as_array().cloned())
                        .map(|values| values.into_iter().map(|value| json!({"value": value})).collect())
                        .or_else(|| element.get("initial_options").cloned())
                        .unwrap_or_else(|| json!([]));
                    json!({"type": kind, "selected_options": chosen})
                }
                "checkboxes" => {
                    let chosen = given
                        .and_then(|values| values.as_array().cloned())
                        .map(|values| values.into_iter().map(|value| json!({"value": value})).collect())
                        .or_else(|| element.get("initial_options").cloned())
                        .unwrap_or_else(|| json!([]));
                    json!({"type": kind, "selected_options": chosen})
                }
                "external_select" => {
                    let chosen = match given.as_ref().and_then(Value::as_str) {
                        // One can only choose what is offered for what one types.
                        Some(typed) => Some(self.look_up(user, &open.view, id, typed).await?),
                        None => element.get("initial_option").cloned(),
                    };
                    json!({"type": kind, "selected_option": chosen})
                }
                "users_select" => {
                    json!({"type": kind, "selected_user": given.or_else(|| element.get("initial_user").cloned())})
                }
                "multi_users_select" => {
                    json!({"type": kind, "selected_users": given.or_else(|| element.get("initial_users").cloned()).unwrap_or_else(|| json!([]))})
                }
                _ => return Err(format!("a question of the kind {kind} is not known here")),
            };
            let empty = ["value", "selected_option", "selected_user"]
                .into_iter()
                .filter_map(|key| answer.get(key))
                .any(Value::is_null);
            if empty && block["optional"] != true {
                return Err(format!("the question {id} must be answered"));
            }
            state[id] = json!({(element["action_id"].as_str().unwrap_or(id)): answer});
        }
        let mut payload = self.payload("view_submission", user);
        payload["view"] = open.view.clone();
        payload["view"]["id"] = json!(open.id);
        payload["view"]["state"] = json!({"values": state});
        Ok(serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap_or_default())
    }

    /// An interaction as it was once sent.
    pub async fn raw_interaction(&self, body: String) -> Answer {
        self.post("/slack/interactions", body).await
    }

    /// What somebody reads on the app's home page.
    pub fn home_text(&self, user: &str) -> String {
        let world = self.0.lock();
        let blocks = world.slack.homes.get(user).map(|view| view["blocks"].clone()).unwrap_or_default();
        render::blocks(&blocks, &|id| world.slack.name(id))
    }

    /// Somebody's home page as it was published; null before.
    pub fn home_view(&self, user: &str) -> Value {
        self.0.lock().slack.homes.get(user).cloned().unwrap_or_default()
    }

    /// Presses a button of the home page.
    pub async fn press_home(&self, user: &str, label: &str) -> Answer {
        let button = {
            let world = self.0.lock();
            let blocks = world.slack.homes.get(user).map(|view| view["blocks"].clone()).unwrap_or_default();
            let found = blocks
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|block| block["elements"].as_array().cloned().unwrap_or_default())
                .find(|element| element.pointer("/text/text").and_then(Value::as_str) == Some(label));
            found.unwrap_or_default()
        };
        let mut payload = self.payload("block_actions", user);
        let at = {
            let mut world = self.0.lock();
            let now = (world.config.now)();
            world.slack.ts(now)
        };
        payload["container"] = json!({"type": "view", "view_id": "V0HOME"});
        payload["view"] = json!({"id": "V0HOME", "type": "home", "callback_id": "home", "state": {"values": {}}});
        payload["actions"] = json!([{
            "type": "button", "action_id": button["action_id"], "block_id": "b1", "value": button["value"], "action_ts": at,
        }]);
        self.interact(&payload).await
    }

    /// Presses a button of what is shown below a link.
    pub async fn press_below_link(&self, user: &str, message: &MessageView, label: &str) -> Answer {
        let shown = message.unfurls.as_object().into_iter().flatten().find_map(|(link, unfurl)| {
            let elements =
                unfurl["blocks"].as_array()?.iter().filter_map(|block| block["elements"].as_array()).flatten();
            let mut buttons = elements.filter(|one| one.pointer("/text/text").and_then(Value::as_str) == Some(label));
            buttons.next().map(|button| (link.clone(), button.clone()))
        });
        let (link, button) = shown.unwrap_or_default();
        let mut payload = self.payload("block_actions", user);
        payload["channel"] = json!({"id": message.channel, "name": "channel"});
        payload["container"] = json!({
            "type": "message_attachment", "message_ts": message.ts, "attachment_id": 1, "channel_id": message.channel,
            "is_ephemeral": false, "is_app_unfurl": true, "app_unfurl_url": link,
        });
        payload["app_unfurl"] = json!({"id": 1, "is_app_unfurl": true, "app_unfurl_url": link});
        payload["actions"] = json!([{
            "type": "button", "action_id": button["action_id"], "block_id": "b1", "value": button["value"], "action_ts": message.ts,
        }]);
        self.interact(&payload).await
    }

    /// Answers in a thread; the message's timestamp.
    pub fn reply(&self, user: &str, channel: &str, thread: &str, text: &str) -> String {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let ts = world.slack.ts(now);
        let message = Message {
            user: user.to_owned(),
            by_bot: false,
            ..Message::of_bot(ts.clone(), now, &json!({"text": text, "thread_ts": thread}))
        };
        world.say(channel, message, None);
        ts
    }

    /// A global shortcut.
    pub async fn shortcut(&self, user: &str, callback: &str) -> Answer {
        let mut payload = self.payload("shortcut", user);
        payload["callback_id"] = json!(callback);
        self.interact(&payload).await
    }

    /// A shortcut on a message.
    pub async fn message_shortcut(&self, user: &str, message: &MessageView, callback: &str) -> Answer {
        let author = {
            let mut world = self.0.lock();
            world
                .slack
                .channel(&message.channel)
                .and_then(|channel| channel.messages.iter().find(|one| one.ts == message.ts))
                .map(|one| one.user.clone())
        };
        let mut payload = self.payload("message_action", user);
        payload["callback_id"] = json!(callback);
        payload["channel"] = json!({"id": message.channel, "name": "channel"});
        payload["message"] = json!({"type": "message", "ts": message.ts, "text": message.text, "user": author});
        self.interact(&payload).await
    }

    /// Says something in a channel; the message's timestamp.
    pub fn say(&self, user: &str, channel: &str, text: &str) -> String {
        let text = self.with_ids(text);
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let ts = world.slack.ts(now);
        let message = Message {
            user: user.to_owned(),
            by_bot: false,
            ..Message::of_bot(ts.clone(), now, &json!({"text": encoded(&text)}))
        };
        world.say(channel, message, None);
        if text.contains(&format!("<@{}", super::BOT_USER)) {
            let id = world.slack.channel(channel).map(|channel| channel.id.clone()).unwrap_or_default();
            let config = world.config.clone();
            let event =
                json!({"type": "app_mention", "channel": id, "user": user, "text": text, "ts": ts, "event_ts": ts});
            world.slack.emit(&config, &event);
        }
        // Slack tells of links whose domain the app asked for.
        let links: Vec<Value> = text
            .split_whitespace()
            .filter(|word| word.starts_with("http"))
            .map(|url| json!({"url": url, "domain": url.split('/').nth(2).unwrap_or_default()}))
            .collect();
        if !links.is_empty() {
            let id = world.slack.channel(channel).map(|channel| channel.id.clone()).unwrap_or_default();
            let config = world.config.clone();
            let event = json!({"type": "link_shared", "channel": id, "user": user, "message_ts": ts, "links": links});
            world.slack.emit(&config, &event);
        }
        ts
    }

    /// Changes what was said.
    pub fn edit(&self, channel: &str, ts: &str, text: &str) {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let edited = world.slack.ts(now);
        let event = world.slack.channel(channel).and_then(|channel| {
            let id = channel.id.clone();
            let message = channel.messages.iter_mut().find(|message| message.ts == ts)?;
            text.clone_into(&mut message.text);
            message.edited = Some(edited);
            Some(json!({"type": "message", "subtype": "message_changed", "channel": id, "message": message.json(), "ts": ts}))
        });
        let config = world.config.clone();
        if let Some(event) = event {
            world.slack.emit(&config, &event);
        }
    }

    /// Takes back what was said.
    pub fn delete(&self, channel: &str, ts: &str) {
        let mut world = self.0.lock();
        let found = world.slack.channel(channel).and_then(|channel| {
            let place = channel.messages.iter().position(|message| message.ts == ts)?;
            Some((channel.id.clone(), channel.messages.remove(place).json()))
        });
        let Some((id, message)) = found else { return };
        let config = world.config.clone();
        let event = json!({
            "type": "message", "subtype": "message_deleted", "channel": id, "deleted_ts": ts, "ts": ts, "previous_message": message,
        });
        world.slack.emit(&config, &event);
    }

    /// Adds a reaction.
    pub fn react(&self, user: &str, channel: &str, ts: &str, emoji: &str) {
        self.reaction(user, channel, ts, emoji, true);
    }

    /// Takes a reaction off again.
    pub fn unreact(&self, user: &str, channel: &str, ts: &str, emoji: &str) {
        self.reaction(user, channel, ts, emoji, false);
    }

    fn reaction(&self, user: &str, channel: &str, ts: &str, emoji: &str, added: bool) {
        let mut world = self.0.lock();
        let found = world.slack.channel(channel).and_then(|channel| {
            let id = channel.id.clone();
            let message = channel.messages.iter_mut().find(|message| message.ts == ts)?;
            message.reactions.retain(|(who, what)| (who.as_str(), what.as_str()) != (user, emoji));
            if added {
                message.reactions.push((user.to_owned(), emoji.to_owned()));
            }
            Some((id, message.user.clone()))
        });
        let Some((id, author)) = found else { return };
        let kind = if added { "reaction_added" } else { "reaction_removed" };
        let config = world.config.clone();
        let event = json!({
            "type": kind, "user": user, "reaction": emoji, "item_user": author,
            "item": {"type": "message", "channel": id, "ts": ts}, "event_ts": ts,
        });
        world.slack.emit(&config, &event);
    }

    /// Any request, with any headers.
    pub async fn raw(&self, path: &str, headers: Vec<(String, String)>, body: String) -> Answer {
        self.0.send(path, headers, body).await
    }

    /// The signature headers of a body that is sent at a time.
    pub fn sign(&self, body: &str, at: DateTime<Utc>) -> Vec<(String, String)> {
        let timestamp = at.timestamp().to_string();
        let secret = self.0.lock().config.signing_secret.clone();
        let signature = format!("v0={}", hmac_hex(&secret, &[b"v0:", timestamp.as_bytes(), b":", body.as_bytes()]));
        vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("x-slack-request-timestamp".to_owned(), timestamp),
            ("x-slack-signature".to_owned(), signature),
        ]
    }

    /// All channels as people read them.
    pub fn transcript(&self) -> String {
        let names: Vec<String> = self.channels().into_iter().map(|channel| channel.name).collect();
        let mut out = String::new();
        for name in names {
            let Some(channel) = self.channel(&name) else {
                continue;
            };
            out.push_str(&format!("━━━ #{name}"));
            if !channel.topic.is_empty() {
                out.push_str(&format!("  [{}]", channel.topic));
            }
            out.push('\n');
            for (title, link) in &channel.bookmarks {
                out.push_str(&format!("    🔖 {title}: {link}\n"));
            }
            for message in self.messages(&name) {
                let marks = format!(
                    "{}{}",
                    if message.pinned { " 📌" } else { "" },
                    if message.edited { " (edited)" } else { "" }
                );
                out.push_str(&format!("{}  {}{marks}\n", message.at.format("%H:%M"), message.user));
                for line in message.text.lines() {
                    out.push_str(&format!("       {line}\n"));
                }
                if let Some(file) = &message.file {
                    out.push_str(&format!("       📎 {} ({})\n", file.title, file.name));
                }
                if !message.buttons.is_empty() {
                    let labels: Vec<_> = message.buttons.iter().map(|button| format!("[{}]", button.label)).collect();
                    out.push_str(&format!("       {}\n", labels.join(" ")));
                }
            }
            out.push('\n');
        }
        out
    }
}

fn view_of(channel: &Channel) -> ChannelView {
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

fn message_view(workspace: &super::Workspace, channel: &Channel, message: &Message) -> MessageView {
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

/// What somebody wrote, as Slack sends it: `&`, `<` and `>` as entities, addresses in brackets; mentions are marked already.
fn encoded(text: &str) -> String {
    let is_mark = |word: &str| word.starts_with("<@") || word.starts_with("<#") || word.starts_with("<!");
    text.split(' ')
        .map(|word| {
            if is_mark(word) {
                return word.to_owned();
            }
            let word = word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            if word.starts_with("https://") || word.starts_with("http://") { format!("<{word}>") } else { word }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
