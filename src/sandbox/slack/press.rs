//! Presses buttons and fills in forms, as people do.

use serde_json::{Value, json};

use super::door::Slack;
use super::limits;
use super::shown::MessageView;
use crate::sandbox::exchange::Answer;

impl Slack {
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
    /// There is no such button. The text lists the buttons.
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
        // Slack does not show the answer to a press.
        Ok(self.interact(&payload).await)
    }

    /// The option with this text, from those that the app offers when somebody types it into a lookup.
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

    /// Fills in a person's open form and sends it. The values, by question, are a text, an option's value, or a list of people.
    ///
    /// # Errors
    /// No form is open, or a required question is not answered.
    pub async fn submit(&self, user: &str, values: &Value) -> Result<Answer, String> {
        let body = self.submission_body(user, values).await?;
        let open = self.open_views(user).pop().ok_or_else(|| format!("no form is open before {user}"))?;
        let answer = self.raw_interaction(body).await;
        if answer.status == 200 && answer.json["response_action"] == "update" {
            let view = answer.json["view"].clone();
            limits::view(&view).map_err(str::to_owned)?;
            let mut world = self.0.lock();
            if let Some(shown) = world.slack.views.iter_mut().find(|view| view.id == open.id) {
                // In Slack, a second submission has another state, but the view keeps its id.
                shown.view = view;
            }
        } else if answer.status == 200 && answer.json["response_action"] != "errors" {
            self.0.lock().slack.views.retain(|view| view.id != open.id);
        }
        Ok(answer)
    }

    /// The body of a filled-in form, as Slack sends it.
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
                        // People can choose only what is offered for the typed text.
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

    /// Sends an old interaction again.
    pub async fn raw_interaction(&self, body: String) -> Answer {
        self.post("/slack/interactions", body).await
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

    /// Presses a button below a link.
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

    pub async fn shortcut(&self, user: &str, callback: &str) -> Answer {
        let mut payload = self.payload("shortcut", user);
        payload["callback_id"] = json!(callback);
        self.interact(&payload).await
    }

    /// Uses a shortcut on a message.
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
}
