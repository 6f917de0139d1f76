//! The Web API: one function for each method. It changes the workspace, or refuses with Slack's own code.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use chrono::Duration;
use serde_json::{Value, json};

use super::limits;
use super::parameters::parameters;
use super::workspace::{BOT_ID, BOT_USER, Channel, File, Message, OpenView, User};
use crate::sandbox::world::{Shared, World};

type Reply = Result<Value, &'static str>;

/// How many posts a channel takes at once. After that, it takes one per second.
const BURST: usize = 5;

/// How often `users.list` may be called in a minute.
const LISTINGS_A_MINUTE: usize = 20;

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/{method}", any(call))
        .route("/upload/{id}", post(upload))
        .route("/response/{channel}/{user}", post(late_answer))
}

async fn call(
    State(shared): State<Shared>,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parameters = parameters(&query.unwrap_or_default(), &body);
    let mut world = shared.lock();
    let given = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let reply = match given {
        None => Err("not_authed"),
        // The only method that takes the app's own token. It takes no other.
        Some(token) if method == "apps.connections.open" && token == world.config.app_token => {
            world.sockets.ticket().map(|url| json!({"url": url})).ok_or("internal_error")
        }
        Some(_) if method == "apps.connections.open" => Err("not_allowed_token_type"),
        Some(token) if token != world.config.bot_token => Err("invalid_auth"),
        Some(_) => dispatch(&mut world, &method, &parameters),
    };
    match reply {
        Ok(mut answer) => {
            answer["ok"] = json!(true);
            ([("x-oauth-scopes", SCOPES)], Json(answer)).into_response()
        }
        Err("ratelimited") => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], Json(json!({"ok": false, "error": "ratelimited"})))
                .into_response()
        }
        Err(error) => Json(json!({"ok": false, "error": error})).into_response(),
    }
}

/// What the installed app may do.
const SCOPES: &str = "commands,chat:write,chat:write.public,channels:manage,channels:join,channels:read,channels:history,groups:write,groups:read,groups:history,app_mentions:read,reactions:write,canvases:write,users:read,users:read.email,usergroups:read,pins:write,bookmarks:read,bookmarks:write,reactions:read,files:write,links:read,links:write";

fn dispatch(world: &mut World, method: &str, p: &Value) -> Reply {
    match method {
        "auth.test" => Ok(json!({
            "url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "muster", "team_id": world.config.team_id,
            "user_id": BOT_USER, "bot_id": BOT_ID,
        })),
        "users.info" => {
            world.slack.users.get(text(p, "user")).map(|user| json!({"user": user.json()})).ok_or("user_not_found")
        }
        "users.list" => {
            let start = text(p, "cursor");
            if !start.is_empty() && start.parse::<usize>().is_err() {
                return Err("invalid_cursor");
            }
            // Slack counts the pages of a minute.
            let now = (world.config.now)();
            world.slack.listings.retain(|at| now - *at < Duration::minutes(1));
            if world.slack.listings.len() >= LISTINGS_A_MINUTE {
                return Err("ratelimited");
            }
            world.slack.listings.push(now);
            let all: Vec<Value> = world.slack.users.values().map(User::json).collect();
            Ok(page(p, all, "members"))
        }
        "usergroups.users.list" => {
            world.slack.groups.get(text(p, "usergroup")).map(|users| json!({"users": users})).ok_or("no_such_subteam")
        }
        "conversations.create" if world.slack.forbids_channels => Err("restricted_action"),
        "conversations.create" => {
            let private = p["is_private"].as_bool().unwrap_or_else(|| text(p, "is_private") == "true");
            create(world, text(p, "name"), private)
        }
        "conversations.info" => {
            let channel = world.slack.channel(text(p, "channel")).ok_or("channel_not_found")?;
            if channel.private && !channel.has_bot() {
                return Err("channel_not_found");
            }
            Ok(json!({"channel": channel.json()}))
        }
        "conversations.archive" => {
            let channel = world.slack.channel(text(p, "channel")).ok_or("channel_not_found")?;
            if channel.archived {
                return Err("already_archived");
            }
            if !channel.has_bot() {
                return Err("not_in_channel");
            }
            channel.archived = true;
            let (id, kind) = (channel.id.clone(), channel.event_kind("archive"));
            let config = world.config.clone();
            world.slack.emit(&config, &json!({"type": kind, "channel": id, "user": BOT_USER}));
            Ok(json!({}))
        }
        "conversations.list" => {
            let all: Vec<Value> = world.slack.channels.iter().map(Channel::json).collect();
            Ok(page(p, all, "channels"))
        }
        "conversations.join" => {
            let channel = open_channel(world, p)?;
            if channel.private {
                return Err("method_not_supported_for_channel_type");
            }
            if !channel.members.iter().any(|member| member == BOT_USER) {
                channel.members.push(BOT_USER.to_owned());
            }
            Ok(json!({"channel": channel.json()}))
        }
        "conversations.invite" => invite(world, p),
        "conversations.setTopic" => set_topic(world, p),
        "conversations.history" | "conversations.replies" => history(world, p),
        "chat.postMessage" => post_message(world, p),
        "chat.update" => update_message(world, p),
        "reactions.add" | "reactions.remove" => {
            let (ts, name) = (text(p, "timestamp").to_owned(), text(p, "name").to_owned());
            let channel = open_channel(world, p)?;
            let message = channel.messages.iter_mut().find(|message| message.ts == ts).ok_or("message_not_found")?;
            let own = (BOT_USER.to_owned(), name);
            let there = message.reactions.contains(&own);
            match (method, there) {
                ("reactions.add", true) => return Err("already_reacted"),
                ("reactions.add", false) => message.reactions.push(own),
                (_, true) => message.reactions.retain(|one| *one != own),
                (_, false) => return Err("no_reaction"),
            }
            Ok(json!({}))
        }
        "conversations.canvases.create" => {
            let id = format!("F{:08}", world.slack.next());
            let markdown =
                p.pointer("/document_content/markdown").and_then(Value::as_str).unwrap_or_default().to_owned();
            let channel = world.slack.channel(text(p, "channel_id")).ok_or("channel_not_found")?;
            if channel.canvas.is_some() {
                return Err("channel_canvas_already_exists");
            }
            channel.canvas = Some((id.clone(), markdown));
            Ok(json!({"canvas_id": id}))
        }
        "canvases.edit" => {
            let id = text(p, "canvas_id").to_owned();
            let change = p["changes"][0].clone();
            if change["operation"] != "replace" || p["changes"].as_array().is_none_or(|changes| changes.len() != 1) {
                return Err("invalid_arguments");
            }
            let canvases = world.slack.channels.iter_mut().filter_map(|channel| channel.canvas.as_mut());
            let canvas = canvases.into_iter().find(|canvas| canvas.0 == id).ok_or("canvas_not_found")?;
            canvas.1 =
                change.pointer("/document_content/markdown").and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(json!({}))
        }
        "pins.add" => {
            let channel = open_channel(world, p)?;
            let ts = text(p, "timestamp").to_owned();
            if !channel.messages.iter().any(|message| message.ts == ts) {
                return Err("message_not_found");
            }
            if channel.pins.contains(&ts) {
                return Err("already_pinned");
            }
            channel.pins.push(ts);
            Ok(json!({}))
        }
        "bookmarks.add" => {
            let (title, link) = (text(p, "title").to_owned(), text(p, "link").to_owned());
            if title.is_empty() || link.is_empty() {
                return Err("invalid_arguments");
            }
            let channel = world.slack.channel(text(p, "channel_id")).ok_or("channel_not_found")?;
            if channel.bookmarks.len() >= 100 {
                return Err("too_many_bookmarks");
            }
            channel.bookmarks.push((title.clone(), link.clone()));
            Ok(
                json!({"bookmark": {"id": format!("Bk{}", channel.bookmarks.len()), "channel_id": channel.id, "title": title, "link": link, "type": "link"}}),
            )
        }
        "bookmarks.list" => {
            let channel = world.slack.channel(text(p, "channel_id")).ok_or("channel_not_found")?;
            let list: Vec<_> = channel
                .bookmarks
                .iter()
                .map(|(title, link)| json!({"title": title, "link": link, "type": "link"}))
                .collect();
            Ok(json!({"bookmarks": list}))
        }
        "views.open" => open_view(world, p),
        "views.publish" => {
            let (user, view) = (text(p, "user_id").to_owned(), p["view"].clone());
            if !world.slack.users.contains_key(&user) {
                return Err("user_not_found");
            }
            if view["type"] != "home" || limits::blocks(&view["blocks"], 100).is_err() {
                return Err("invalid_arguments");
            }
            world.slack.homes.insert(user, view.clone());
            Ok(json!({"view": view}))
        }
        "chat.postEphemeral" => post_ephemeral(world, p),
        "files.getUploadURLExternal" => {
            if text(p, "filename").is_empty() {
                return Err("invalid_arguments");
            }
            let id = format!("F{:08}", world.slack.next());
            let file = File { name: text(p, "filename").to_owned(), title: String::new(), content: String::new() };
            world.slack.files.insert(id.clone(), file);
            Ok(json!({"upload_url": format!("{}/slack/upload/{id}", world.base), "file_id": id}))
        }
        "chat.unfurl" => {
            let (unfurls, ts) = (p["unfurls"].clone(), text(p, "ts").to_owned());
            for unfurl in unfurls.as_object().ok_or("missing_unfurls")?.values() {
                limits::blocks(&unfurl["blocks"], 50)?;
            }
            let channel = open_channel(world, p)?;
            let message = channel.messages.iter_mut().find(|message| message.ts == ts).ok_or("cannot_unfurl_url")?;
            message.unfurls = unfurls;
            Ok(json!({}))
        }
        "files.delete" => {
            let id = text(p, "file").to_owned();
            world.slack.files.remove(&id).ok_or("file_not_found")?;
            for channel in &mut world.slack.channels {
                channel.messages.retain(|message| message.file.as_deref() != Some(id.as_str()));
            }
            Ok(json!({}))
        }
        "files.completeUploadExternal" => complete_upload(world, p),
        _ => Err("unknown_method"),
    }
}

fn text<'a>(p: &'a Value, key: &str) -> &'a str {
    p[key].as_str().unwrap_or_default()
}

fn number(p: &Value, key: &str, default: usize) -> usize {
    p[key].as_u64().and_then(|n| usize::try_from(n).ok()).or_else(|| text(p, key).parse().ok()).unwrap_or(default)
}

/// A page of a list. The cursor is the position of its first member.
fn page(p: &Value, all: Vec<Value>, key: &str) -> Value {
    let limit = number(p, "limit", 100).clamp(1, 1000);
    let start: usize = text(p, "cursor").parse().unwrap_or(0);
    let next = if start + limit < all.len() { (start + limit).to_string() } else { String::new() };
    let members: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    json!({key: members, "response_metadata": {"next_cursor": next}})
}

fn open_channel<'a>(world: &'a mut World, p: &Value) -> Result<&'a mut Channel, &'static str> {
    // A person's id stands for the conversation with them.
    let user = text(p, "channel").to_owned();
    if world.slack.users.contains_key(&user) {
        world.slack.direct(&user);
    }
    let channel = world.slack.channel(text(p, "channel")).ok_or("channel_not_found")?;
    if channel.private && !channel.has_bot() {
        return Err("channel_not_found");
    }
    if channel.archived { Err("is_archived") } else { Ok(channel) }
}

pub(crate) fn create(world: &mut World, name: &str, private: bool) -> Reply {
    limits::channel_name(name)?;
    if world.slack.channels.iter().any(|channel| channel.name == name) {
        return Err("name_taken");
    }
    let channel = Channel {
        id: format!("C{:08}", world.slack.next()),
        name: name.to_owned(),
        creator: BOT_USER.to_owned(),
        topic: String::new(),
        members: vec![BOT_USER.to_owned()],
        archived: false,
        private,
        shared: false,
        canvas: None,
        messages: Vec::new(),
        ephemerals: Vec::new(),
        pins: Vec::new(),
        bookmarks: Vec::new(),
        posts: Vec::new(),
    };
    let answer = json!({"channel": channel.json()});
    world.slack.channels.push(channel);
    Ok(answer)
}

fn invite(world: &mut World, p: &Value) -> Reply {
    let people: Vec<String> =
        text(p, "users").split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    if people.is_empty() {
        return Err("no_user");
    }
    if people.len() > 100 {
        return Err("too_many_users");
    }
    let force = p["force"].as_bool().unwrap_or(false);
    let unknown = people.iter().any(|id| !world.slack.users.contains_key(id));
    if unknown && !force {
        return Err("user_not_found");
    }
    let known: Vec<String> = people.into_iter().filter(|id| world.slack.users.contains_key(id)).collect();
    if known.is_empty() {
        return Err("user_not_found");
    }
    let channel = open_channel(world, p)?;
    let new: Vec<String> = known.into_iter().filter(|id| !channel.members.contains(id)).collect();
    if new.is_empty() {
        return Err("already_in_channel");
    }
    channel.members.extend(new.iter().cloned());
    let (id, answer) = (channel.id.clone(), json!({"channel": channel.json()}));
    let config = world.config.clone();
    for user in new {
        world.slack.emit(&config, &json!({"type": "member_joined_channel", "user": user, "channel": id, "channel_type": "C", "team": config.team_id, "inviter": BOT_USER}));
    }
    Ok(answer)
}

fn set_topic(world: &mut World, p: &Value) -> Reply {
    let topic = text(p, "topic").to_owned();
    if topic.chars().count() > 250 {
        return Err("too_long");
    }
    let channel = open_channel(world, p)?;
    if !channel.has_bot() {
        return Err("not_in_channel");
    }
    channel.topic = topic;
    Ok(json!({"channel": channel.json()}))
}

fn history(world: &mut World, p: &Value) -> Reply {
    let channel = world.slack.channel(text(p, "channel")).ok_or("channel_not_found")?;
    if !channel.members.iter().any(|member| member == BOT_USER) {
        return Err("not_in_channel");
    }
    let oldest = text(p, "oldest");
    let with_metadata =
        p["include_all_metadata"].as_bool().unwrap_or_else(|| text(p, "include_all_metadata") == "true");
    let channel = channel.clone();
    let file = |message: &Message| {
        let id = message.file.as_ref()?;
        let file = world.slack.files.get(id)?;
        Some(
            json!([{"id": id, "name": file.name, "title": file.title, "permalink": format!("{}/files/{id}", world.base)}]),
        )
    };
    let mut messages: Vec<Value> = channel
        .messages
        .iter()
        // Replies belong to their thread.
        .filter(|message| match (text(p, "ts"), &message.thread_ts) {
            ("", thread) => thread.as_ref().is_none_or(|thread| *thread == message.ts),
            (asked, thread) => message.ts == asked || thread.as_deref() == Some(asked),
        })
        .filter(|message| oldest.is_empty() || message.ts.as_str() >= oldest)
        .filter(|message| text(p, "latest").is_empty() || message.ts.as_str() <= text(p, "latest"))
        .map(|message| {
            let files = file(message);
            let mut message = message.json();
            if let Some(files) = files {
                message["files"] = files;
            }
            if !with_metadata && let Some(map) = message.as_object_mut() {
                map.remove("metadata");
            }
            message
        })
        .collect();
    messages.reverse();
    let mut answer = page(p, messages, "messages");
    answer["has_more"] = json!(answer.pointer("/response_metadata/next_cursor").is_some_and(|cursor| cursor != ""));
    Ok(answer)
}

fn check_content(p: &Value) -> Result<(), &'static str> {
    let blocks = &p["blocks"];
    if text(p, "text").is_empty() && blocks.is_null() {
        return Err("no_text");
    }
    if text(p, "text").chars().count() > 40_000 {
        return Err("msg_too_long");
    }
    if !blocks.is_null() {
        limits::blocks(blocks, 50)?;
    }
    Ok(())
}

fn post_message(world: &mut World, p: &Value) -> Reply {
    check_content(p)?;
    let now = (world.config.now)();
    let channel = open_channel(world, p)?;
    channel.posts.retain(|at| now - *at < Duration::seconds(BURST as i64));
    if channel.posts.len() >= BURST {
        return Err("ratelimited");
    }
    channel.posts.push(now);
    let thread = text(p, "thread_ts");
    if !thread.is_empty() && !channel.messages.iter().any(|message| message.ts == thread) {
        return Err("thread_not_found");
    }
    let id = channel.id.clone();
    let ts = world.slack.ts(now);
    let message = Message::of_bot(ts.clone(), now, p);
    let answer = json!({"channel": id, "ts": ts, "message": message.json()});
    world.say(&id, message, None);
    Ok(answer)
}

fn post_ephemeral(world: &mut World, p: &Value) -> Reply {
    check_content(p)?;
    let now = (world.config.now)();
    let ts = world.slack.ts(now);
    let user = text(p, "user").to_owned();
    let channel = open_channel(world, p)?;
    if !channel.members.contains(&user) {
        return Err("user_not_in_channel");
    }
    let message = Message::of_bot(ts.clone(), now, p);
    channel.ephemerals.push((user, message));
    Ok(json!({"message_ts": ts}))
}

fn update_message(world: &mut World, p: &Value) -> Reply {
    check_content(p)?;
    let (words, blocks, ts) = (text(p, "text").to_owned(), p["blocks"].clone(), text(p, "ts").to_owned());
    let now = (world.config.now)();
    let edited = world.slack.ts(now);
    let channel = open_channel(world, p)?;
    let id = channel.id.clone();
    let message = channel.messages.iter_mut().find(|message| message.ts == ts).ok_or("message_not_found")?;
    if !message.by_bot {
        return Err("cant_update_message");
    }
    message.text = words;
    message.blocks = blocks;
    message.edited = Some(edited);
    Ok(json!({"channel": id, "ts": ts, "text": message.text, "message": message.json()}))
}

fn open_view(world: &mut World, p: &Value) -> Reply {
    let now = (world.config.now)();
    let view = p["view"].clone();
    let trigger = world.slack.triggers.get_mut(text(p, "trigger_id")).ok_or("invalid_trigger_id")?;
    if trigger.used {
        return Err("exchanged_trigger_id");
    }
    if now - trigger.at > Duration::seconds(3) {
        return Err("expired_trigger_id");
    }
    limits::view(&view)?;
    trigger.used = true;
    let user = trigger.user.clone();
    let id = format!("V{:08}", world.slack.next());
    let mut answer = view.clone();
    answer["id"] = json!(id);
    world.slack.views.push(OpenView { id, user, view });
    Ok(json!({"view": answer}))
}

fn complete_upload(world: &mut World, p: &Value) -> Reply {
    let now = (world.config.now)();
    let file = &p["files"][0];
    let id = text(file, "id").to_owned();
    let (channel, comment) = (text(p, "channel_id").to_owned(), text(p, "initial_comment").to_owned());
    let title = text(file, "title").to_owned();
    let known = world.slack.files.get_mut(&id).ok_or("file_not_found")?;
    if known.content.is_empty() {
        return Err("file_update_failed");
    }
    known.title = title;
    let answer = json!({"files": [{"id": id, "title": known.title, "name": known.name}]});
    if world.slack.channel(&channel).is_none() {
        return Err("channel_not_found");
    }
    let ts = world.slack.ts(now);
    let thread = p["thread_ts"].clone();
    let message =
        Message { file: Some(id), ..Message::of_bot(ts, now, &json!({"text": comment, "thread_ts": thread})) };
    world.say(&channel, message, Some("file_share"));
    Ok(answer)
}

/// A `response_url`: a later answer to a command, for the person who gave it.
async fn late_answer(
    State(shared): State<Shared>,
    Path((channel, user)): Path<(String, String)>,
    Json(message): Json<Value>,
) -> Response {
    if let Err(error) = check_content(&message) {
        return (StatusCode::BAD_REQUEST, error).into_response();
    }
    let mut world = shared.lock();
    let now = (world.config.now)();
    let ts = world.slack.ts(now);
    match world.slack.channel(&channel) {
        Some(channel) => {
            channel.ephemerals.push((user, Message::of_bot(ts, now, &message)));
            "ok".into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The address from `files.getUploadURLExternal`. It takes the bytes as they are, or as a form.
async fn upload(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> Response {
    let mut world = shared.lock();
    match world.slack.files.get_mut(&id) {
        Some(file) => {
            file.content = String::from_utf8_lossy(&body).into_owned();
            format!("OK - {}", body.len()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
