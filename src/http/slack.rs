//! Slack: commands, interactions, events. They are verified on the raw bytes, and answered within three seconds even if the work hangs.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::Problem;
use super::doors::{SlackDoor, SlackRequest};
use crate::app::Failure;
use crate::chat::{self, Reply};
use crate::render::{Modal, Rendered, modal, option_of, sentence_markdown};
use crate::slack::inbound::{self, Envelope, Interaction, SlackEvent, SlashCommand, event as read_event};

/// Slack waits three seconds. Work that takes longer goes on, and its answer comes later.
const ANSWER_WITHIN: Duration = Duration::from_millis(2700);
/// How long a later answer is waited for.
const LATE: Duration = Duration::from_secs(60);
const SLOW: &str = "I am slower than I should be. It may still have been done: `/incident show` says so.";

/// Refuses requests of another workspace or app, even signed ones.
fn is_ours(door: &SlackDoor, team: Option<&str>, app: Option<&str>) -> bool {
    let config = &door.app.config.slack;
    team.is_none_or(|team| team.is_empty() || team == config.team_id)
        && app.is_none_or(|app| app.is_empty() || config.app_id.is_empty() || app == config.app_id)
}

fn ephemeral(message: &Rendered) -> Value {
    json!({"response_type": "ephemeral", "text": message.text, "blocks": message.blocks})
}

fn words(text: &str) -> Rendered {
    Rendered::new(&sentence_markdown(text), &[])
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

/// The answer to a command, over HTTP or Socket Mode. Where it takes longer than Slack waits, it comes at the address that Slack sent with the
/// command.
pub(super) async fn answer_command(door: &SlackDoor, command: SlashCommand) -> Answered {
    if command.ssl_check.is_some() {
        return None;
    }
    if !is_ours(door, Some(&command.team_id), Some(&command.api_app_id)) || command.team_id.is_empty() {
        return Some(ephemeral(&words("This Muster serves another workspace.")));
    }
    let (slack, later) = (door.slack.clone(), command.response_url.clone());
    match in_time(said_to(door.clone(), command)).await {
        Ok(answer) => answer.as_ref().map(ephemeral),
        Err(_) if later.is_empty() => Some(ephemeral(&words(SLOW))),
        Err(work) => {
            tokio::spawn(async move {
                let answer = tokio::time::timeout(LATE, work).await;
                let answer = answer.map_or_else(|_| Some(words(SLOW)), Result::unwrap_or_default);
                if let Some(answer) = answer
                    && let Err(error) = slack.respond(&later, &answer).await
                {
                    tracing::warn!(%error, "a late answer was not delivered");
                }
            });
            Some(ephemeral(&words(
                "One moment: this takes longer than it should. The answer follows here; if none comes within a minute, `/incident show` says what was done.",
            )))
        }
    }
}

/// What is said to whoever typed a command; `None` if a form opens.
async fn said_to(door: SlackDoor, command: SlashCommand) -> Option<Rendered> {
    match chat::slash(&door.app, &command).await {
        Reply::Say(message) => Some(*message),
        Reply::Open(form) => open(&door, &command.trigger_id, &form).await.map(|why| words(&why)),
        Reply::Nothing | Reply::Mistakes(_) | Reply::Instead(_) | Reply::Ephemeral(..) => None,
    }
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
    let view = interaction.view.clone().filter(|_| interaction.kind == "view_submission");
    match in_time(acted_on(door.clone(), interaction)).await {
        Ok(answer) => answer,
        // What follows a press is said by itself.
        Err(_) => match view.and_then(|view| chat::form_is_late(&view))? {
            Reply::Mistakes(errors) => Some(mistakes(&errors)),
            _ => None,
        },
    }
}

fn mistakes(errors: &BTreeMap<String, String>) -> Value {
    json!({"response_action": "errors", "errors": errors})
}

/// What a button, form, shortcut or lookup leads to.
async fn acted_on(door: SlackDoor, interaction: Interaction) -> Answered {
    if interaction.kind == "block_suggestion" {
        // People who may not read are offered nothing.
        let options: Vec<_> =
            chat::suggested(&door.app, &interaction).await.iter().map(|name| option_of(name)).collect();
        return Some(json!({"options": options}));
    }
    match chat::interact(&door.app, &interaction).await {
        Reply::Nothing | Reply::Say(_) => {}
        Reply::Mistakes(errors) => return Some(mistakes(&errors)),
        Reply::Instead(form) => {
            return Some(json!({"response_action": "update", "view": modal(&form)}));
        }
        Reply::Open(form) => {
            if let Some(why) = open(&door, &interaction.trigger_id, &form).await {
                chat::post_ephemeral(&door.app, &interaction, sentence_markdown(&why), Vec::new()).await;
            }
        }
        Reply::Ephemeral(markdown, buttons) => chat::post_ephemeral(&door.app, &interaction, markdown, buttons).await,
    }
    None
}

/// Opens a form. If Slack does not, returns why, and what to type instead.
async fn open(door: &SlackDoor, trigger: &str, form: &Modal) -> Option<String> {
    if trigger.is_empty() {
        return Some(chat::unopened(form, ""));
    }
    let error = door.slack.open_view(trigger, &modal(form)).await.err()?;
    tracing::warn!(%error, "a form could not be opened");
    Some(chat::unopened(form, &error.code))
}

/// What the work comes to, if that is known in time; else the work, which goes on.
async fn in_time<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, JoinHandle<T>> {
    let mut work = tokio::spawn(work);
    match tokio::time::timeout(ANSWER_WITHIN, &mut work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Ok(Err(_)) => Err(work),
        Err(_) => {
            tracing::warn!("an answer to Slack takes longer than Slack waits");
            Err(work)
        }
    }
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
        let (app, id) = (door.app.clone(), envelope.event_id);
        let late = |_| Failure::Unavailable("an event takes longer than Slack waits; it comes again".to_owned());
        in_time(async move { chat::slack_event(&app, &id, event).await }).await.map_err(late)??;
    }
    Ok(None)
}
