//! Slack: commands, interactions, events. They are verified on the raw bytes, and answered within three seconds even if the work hangs.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::Problem;
use super::doors::{SlackDoor, SlackRequest};
use crate::app::Failure;
use crate::chat::{self, Reply};
use crate::render::{Rendered, modal, option_of, sentence_markdown};
use crate::slack::inbound::{self, Envelope, Interaction, SlackEvent, SlashCommand, event as read_event};

/// Slack waits three seconds. If the work takes longer, the answer says so.
const ANSWER_WITHIN: Duration = Duration::from_millis(2700);

/// Refuses requests of another workspace or app, even signed ones.
fn is_ours(door: &SlackDoor, team: Option<&str>, app: Option<&str>) -> bool {
    let config = &door.app.config.slack;
    team.is_none_or(|team| team.is_empty() || team == config.team_id)
        && app.is_none_or(|app| app.is_empty() || config.app_id.is_empty() || app == config.app_id)
}

fn ephemeral(message: &Rendered) -> Value {
    json!({"response_type": "ephemeral", "text": message.text, "blocks": message.blocks})
}

fn say(text: &str) -> Answered {
    Some(ephemeral(&Rendered::new(&sentence_markdown(text), &[])))
}

/// The answer: a body, or none.
pub(super) type Answered = Option<Value>;

fn respond(answered: Answered) -> Response {
    answered.map_or_else(|| StatusCode::OK.into_response(), |body| Json(body).into_response())
}

/// `/incident …`
#[utoipa::path(
    post, path = "/slack/commands", request_body(content = Object, description = "A slash command"),
    responses((status = 200, description = "The answer, or nothing"), (status = 400, body = Problem)),
)]
pub(crate) async fn command(SlackRequest { door, body }: SlackRequest) -> Result<Response, Problem> {
    let command: SlashCommand =
        serde_urlencoded::from_bytes(body.bytes()).map_err(|_| Problem::new(400, "The body is not a slash command"))?;
    Ok(respond(answer_command(&door, command).await))
}

/// The answer to a command, over HTTP or Socket Mode.
pub(super) async fn answer_command(door: &SlackDoor, command: SlashCommand) -> Answered {
    if command.ssl_check.is_some() {
        return None;
    }
    if !is_ours(door, Some(&command.team_id), Some(&command.api_app_id)) || command.team_id.is_empty() {
        return say("This Muster serves another workspace.");
    }
    let answer = async {
        match chat::slash(&door.app, &command).await {
            Reply::Say(message) => Some(ephemeral(&message)),
            Reply::Open(form) => match door.slack.open_view(&command.trigger_id, &modal(&form)).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::warn!(%error, "a form could not be opened");
                    say(
                        "Slack did not open the form in time. Please try again, or write it in one line: `/incident help` shows how.",
                    )
                }
            },
            Reply::Nothing | Reply::Mistakes(_) | Reply::Instead(_) | Reply::Ephemeral(..) => None,
        }
    };
    in_time(answer).await
}

/// Buttons, forms and shortcuts.
#[utoipa::path(
    post, path = "/slack/interactions", request_body(content = Object, description = "A button, form or shortcut"),
    responses((status = 200, description = "The answer, or nothing"), (status = 400, body = Problem)),
)]
pub(crate) async fn interaction(SlackRequest { door, body }: SlackRequest) -> Result<Response, Problem> {
    #[derive(serde::Deserialize)]
    struct Form {
        payload: String,
    }
    let form: Form =
        serde_urlencoded::from_bytes(body.bytes()).map_err(|_| Problem::new(400, "The body is not an interaction"))?;
    let interaction: Interaction = match serde_json::from_str(&form.payload).and_then(inbound::read) {
        Ok(interaction) => interaction,
        Err(error) => {
            // Signed but unreadable: Slack sends something new. Failing would help nobody.
            tracing::warn!(%error, "an interaction of Slack is not understood");
            return Ok(StatusCode::OK.into_response());
        }
    };
    Ok(respond(answer_interaction(&door, interaction).await))
}

/// The answer to a button, form or shortcut, over HTTP or Socket Mode.
pub(super) async fn answer_interaction(door: &SlackDoor, interaction: Interaction) -> Answered {
    let team = interaction.team.as_ref().map(|team| team.id.as_str());
    if !is_ours(door, team, Some(&interaction.api_app_id)) {
        return None;
    }
    if interaction.kind == "block_suggestion" {
        // People who may not read are offered nothing.
        let options: Vec<_> =
            chat::suggested(&door.app, &interaction).await.iter().map(|name| option_of(name)).collect();
        return Some(json!({"options": options}));
    }
    let answer = async {
        match chat::interact(&door.app, &interaction).await {
            Reply::Nothing | Reply::Say(_) => {}
            Reply::Mistakes(errors) => {
                return Some(json!({"response_action": "errors", "errors": errors}));
            }
            Reply::Instead(form) => {
                return Some(json!({"response_action": "update", "view": modal(&form)}));
            }
            Reply::Open(form) => {
                if let Err(error) = door.slack.open_view(&interaction.trigger_id, &modal(&form)).await {
                    tracing::warn!(%error, "a form could not be opened");
                    let words = "Slack did not open the form in time. Please press again, or use the slash command: `/incident help` shows how.".to_owned();
                    chat::post_ephemeral(&door.app, &interaction, words, Vec::new()).await;
                }
            }
            Reply::Ephemeral(markdown, buttons) => {
                chat::post_ephemeral(&door.app, &interaction, markdown, buttons).await
            }
        }
        None
    };
    in_time(answer).await
}

async fn in_time(answer: impl Future<Output = Answered>) -> Answered {
    tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| {
        tracing::error!("an answer to Slack took too long");
        say("I am slower than I should be. It may still have been done: `/incident show` says so.")
    })
}

/// The Events API.
#[utoipa::path(
    post, path = "/slack/events", request_body(content = Object, description = "An event of the Events API"),
    responses((status = 200, description = "The answer, or nothing"), (status = 400, body = Problem)),
)]
pub(crate) async fn event(SlackRequest { door, body }: SlackRequest) -> Result<Response, Problem> {
    let envelope: Envelope = match serde_json::from_slice(body.bytes()).and_then(inbound::read) {
        Ok(envelope) => envelope,
        Err(error) => {
            tracing::warn!(%error, "an event of Slack is not understood");
            return Ok(StatusCode::OK.into_response());
        }
    };
    // After an error, Slack sends it again: at once, after one minute and after five.
    Ok(respond(answer_event(&door, envelope).await?))
}

/// The answer to an event, over HTTP or Socket Mode.
pub(super) async fn answer_event(door: &SlackDoor, envelope: Envelope) -> Result<Answered, Failure> {
    if envelope.kind == "url_verification" {
        return Ok(Some(json!({"challenge": envelope.challenge})));
    }
    if is_ours(door, envelope.team_id.as_deref(), envelope.api_app_id.as_deref()) {
        let event = match read_event(&envelope.event) {
            // Everybody in a shared channel reads what is shown below a link, strangers too.
            SlackEvent::Linked { .. } if envelope.is_ext_shared_channel => SlackEvent::Other,
            event => event,
        };
        chat::slack_event(&door.app, &envelope.event_id, event).await?;
    }
    Ok(None)
}
