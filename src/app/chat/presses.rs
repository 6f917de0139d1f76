//! Buttons, shortcuts and forms as they arrive. Slack shows nothing of the HTTP answer to a press, so what must be said is
//! whispered through the outbox.

use super::{Caller, Reply, sentence_markdown};
use crate::app::{App, DeliveryId, Failure};
use serde_json::json;

use crate::domain::command::Declaration;
use crate::domain::incident::{MessageRef, StepState, Verdict};
use crate::domain::lineage::Whom;
use crate::domain::permission::Verb;
use crate::domain::times::stamp;
use crate::domain::{AssetName, Command, Refusal, Role};
use crate::records::AlertOfKey;
use crate::records::outbox::Job;
use crate::render::Button;
use crate::slack::inbound::{Interaction, with_files};
use crate::slack::markup;
use crate::slack::slash::{self, Question};
use crate::store::Id;

impl App {
    /// Whispers to somebody who pressed something.
    pub async fn whisper(&self, interaction: &Interaction, markdown: String, buttons: Vec<Button>) {
        let user = interaction.user.id.clone();
        let job = match &interaction.channel {
            Some(channel) => Job::Ephemeral { channel: channel.id.clone(), user, markdown, buttons },
            None if let Some(channel) = self.channel_of_form(interaction).await => {
                Job::Ephemeral { channel, user, markdown, buttons }
            }
            // Pressed in the home, where nothing can be whispered.
            None => Job::Announce { channel: Some(user), markdown, buttons, asks: None },
        };
        if let Err(failure) = self.enqueue(&self.errand(), job).await {
            tracing::warn!(error = %failure, "somebody cannot be told why nothing happened");
        }
    }

    /// The channel of the incident that a form is about.
    async fn channel_of_form(&self, interaction: &Interaction) -> Option<String> {
        let number = slash::number(interaction.view.as_ref()?.private_metadata.split_whitespace().next()?)?;
        let incident = self.incident(&self.uid_of_number(number).await.ok()?).await.ok()??;
        incident.channel.map(|channel| channel.id)
    }

    /// A button, a shortcut or a sent modal.
    pub async fn interact(&self, interaction: &Interaction) -> Reply {
        let user = interaction.user.id.as_str();
        // A form was opened where its incident is seen; Slack lets nobody change what it is about.
        let of_form = self.channel_of_form(interaction).await;
        let caller = Caller {
            user,
            standing: self.met(user, interaction.user.team_id.as_deref()).await,
            channel: interaction.channel.as_ref().map(|channel| channel.id.as_str()).or(of_form.as_deref()),
            delivery: None,
        };
        let result = match (interaction.kind.as_str(), interaction.actions.first(), &interaction.view) {
            ("block_actions", Some(action), _) => {
                let delivery = DeliveryId(format!("action/{user}/{}/{}", action.action_ts, action.action_id));
                let caller = Caller { delivery: Some(delivery), ..caller };
                if action.action_id.starts_with("again") {
                    // The answer takes a moment, and a whisper's button stays: the same press once more is no second one.
                    let caller = match interaction.container["message_ts"].as_str() {
                        Some(message) if interaction.container["is_ephemeral"] == true => {
                            let press = format!("{user}/{message}/{}/{}", action.action_id, action.value);
                            Caller {
                                delivery: Some(DeliveryId(Id::<AlertOfKey>::of("again", &press).to_string())),
                                ..caller
                            }
                        }
                        _ => caller,
                    };
                    return match self.line(&action.value, &caller).await {
                        Reply::Say(message) => Reply::Ephemeral(message.markdown, message.buttons),
                        other => other,
                    };
                }
                if action.action_id.starts_with("triage_") {
                    self.triage_pressed(interaction, &action.action_id, &action.value, &caller).await
                } else {
                    self.pressed(&action.action_id, &action.value, caller).await
                }
            }
            ("view_submission", _, Some(view)) => {
                let delivery = DeliveryId(format!("view/{}", view.id));
                return match self.sent(view, Caller { delivery: Some(delivery), ..caller }).await {
                    Ok(reply) => reply,
                    Err(Failure::Duplicate) => Reply::Nothing,
                    // A form shows what is wrong where it was asked, and loses nothing that was typed.
                    Err(failure) => {
                        let first = view.state.values.keys().next().cloned().unwrap_or_else(|| "text".to_owned());
                        let block = ["title", "text", "severity", "commander", "runbook"]
                            .into_iter()
                            .find(|block| view.state.values.contains_key(*block));
                        Reply::Mistakes([(block.map_or(first, str::to_owned), failure.to_string())].into())
                    }
                };
            }
            ("shortcut", ..) if interaction.callback_id == "declare" => {
                self.ask(None, &Question::Declare, &caller).await
            }
            ("message_action", ..) => self.message_shortcut(interaction, &caller).await,
            _ => Ok(Reply::Nothing),
        };
        match result {
            Ok(reply) => reply,
            Err(Failure::Duplicate) => Reply::Nothing,
            Err(failure) => Reply::Ephemeral(sentence_markdown(&failure.to_string()), Vec::new()),
        }
    }

    /// What a lookup offers.
    pub async fn suggested(&self, interaction: &Interaction) -> Vec<String> {
        let user = interaction.user.id.as_str();
        let standing = self.met(user, interaction.user.team_id.as_deref()).await;
        let caller = Caller { user, standing, channel: None, delivery: None };
        if self.may_read(&caller).is_ok() { self.suggest(&interaction.value) } else { Vec::new() }
    }

    async fn pressed(&self, action: &str, value: &str, caller: Caller<'_>) -> Result<Reply, Failure> {
        if action == "declare" {
            // From the home, or from below an asset, which it is about then.
            let asset = AssetName::new(value).filter(|_| value != "declare");
            return self.ask_to_declare(&Declaration { asset, ..Declaration::default() }, String::new(), &caller).await;
        }
        let mut words = value.split_whitespace();
        let uid = self.target(words.next().and_then(slash::number), &caller).await?;
        let request = || words.clone().next().unwrap_or_default().to_owned();
        let command = match action {
            "ack" => Command::Acknowledge,
            "take_command" => Command::Take { role: Role::Commander },
            "handover_accept" => Command::AnswerHandover { request: request(), accept: true },
            "handover_decline" => Command::AnswerHandover { request: request(), accept: false },
            "postmortem" => Command::DraftPostmortem,
            "review" => Command::Review,
            "assign_roles" => return self.ask(Some(&uid), &Question::Roles, &caller).await,
            "severity" => return self.ask(Some(&uid), &Question::Severity, &caller).await,
            "runbook" => return self.ask(Some(&uid), &Question::Runbook, &caller).await,
            "update" => return self.ask(Some(&uid), &Question::Update, &caller).await,
            "more" => return self.ask(Some(&uid), &Question::More, &caller).await,
            "why" => return self.ask(Some(&uid), &Question::Why, &caller).await,
            "cause" => return self.ask(Some(&uid), &Question::Cause(None), &caller).await,
            "learnt" => return self.ask(Some(&uid), &Question::Learnt(None), &caller).await,
            "impact" => {
                self.may_read(&caller)?;
                let (markdown, buttons) = self.impact_words(&uid).await?;
                return Ok(Reply::Ephemeral(markdown, buttons));
            }
            "remind:15" => Command::Remind { minutes: Some(15) },
            "remind:off" => Command::Remind { minutes: None },
            "unsubscribe" => Command::Unsubscribe,
            "notify:downstream" => return self.ask(Some(&uid), &Question::Notify(Whom::Downstream), &caller).await,
            "notify:upstream" => return self.ask(Some(&uid), &Question::Notify(Whom::Upstream), &caller).await,
            "subscribe" => Command::Subscribe,
            "judge:useful" => Command::Judge { verdict: Verdict::Useful },
            "judge:expected" => Command::Judge { verdict: Verdict::Expected },
            "judge:false" => Command::Judge { verdict: Verdict::False },
            "resolve" => return self.ask(Some(&uid), &Question::Resolve, &caller).await,
            "reopen" => return self.ask(Some(&uid), &Question::Reopen, &caller).await,
            _ => match action.split_once(':').map(|(what, of)| (what, of, of.parse::<usize>(), Role::parse(of))) {
                Some(("step_done", _, Ok(step), _)) => Command::StepDone { step, note: None },
                Some(("step_skip", _, Ok(step), _)) => {
                    self.step_is_open(&uid, step).await?;
                    return self.ask(Some(&uid), &Question::Skip(step), &caller).await;
                }
                Some(("task_done", of, ..)) => {
                    // The home's buttons name the incident too, since no two of a message may be called the same.
                    let task = of.split(':').next().and_then(|task| task.parse().ok()).unwrap_or_default();
                    Command::FinishTask { task }
                }
                Some(("task_take", _, Ok(task), _)) => {
                    Command::AssignTask { task: u32::try_from(task).unwrap_or(0), assignee: caller.user.to_owned() }
                }
                Some(("take", _, _, Some(role))) => Command::Take { role },
                Some(("leave", _, _, Some(role))) => Command::Leave { role: Some(role) },
                // A button of a newer or older message of ours.
                _ => {
                    return Ok(Reply::Ephemeral(
                        "I do not know this button any more. `/incident help` lists what I can do.".to_owned(),
                        Vec::new(),
                    ));
                }
            },
        };
        self.decide_for(&uid, &command, &caller).await.map(|_| Reply::Nothing)
    }

    /// Refuses a form for a step that is settled, before anybody types a reason for nothing.
    async fn step_is_open(&self, uid: &str, step: usize) -> Result<(), Failure> {
        let state = self
            .incident(uid)
            .await?
            .and_then(|incident| incident.checklist?.steps.into_iter().nth(step.wrapping_sub(1)))
            .map(|step| step.state);
        match state {
            Some(StepState::Done { by, at, .. }) => {
                Err(Refusal::StepSettled { step, what: "done", by: self.name(&by), at: stamp(at) }.into())
            }
            Some(StepState::Skipped { by, at, .. }) => {
                Err(Refusal::StepSettled { step, what: "skipped", by: self.name(&by), at: stamp(at) }.into())
            }
            _ => Ok(()),
        }
    }

    /// The incident of a message: of its channel, or of the thread it is in.
    async fn target_of_message(&self, message: &serde_json::Value, caller: &Caller<'_>) -> Result<String, Failure> {
        let thread = message["thread_ts"].as_str().or(message["ts"].as_str()).unwrap_or_default();
        match self.uid_of_thread(caller.channel.unwrap_or_default(), thread).await? {
            Some(uid) => Ok(uid),
            None => self.target(None, caller).await,
        }
    }

    /// The open incidents as buttons, whispered; each says the line of it.
    async fn choose(&self, line: &str, caller: &Caller<'_>) -> Reply {
        match self.which_incident(line, caller).await {
            Reply::Say(message) => Reply::Ephemeral(message.markdown, message.buttons),
            other => other,
        }
    }

    async fn message_shortcut(&self, interaction: &Interaction, caller: &Caller<'_>) -> Result<Reply, Failure> {
        let message = interaction.message.clone().unwrap_or_default();
        let text = with_files(message["text"].as_str().unwrap_or_default(), &message);
        let text = markup::named(&text, &|id| self.name(id));
        let text = text.as_str();
        match interaction.callback_id.as_str() {
            "task_from_message" => match self.target_of_message(&message, caller).await {
                Ok(uid) => self.ask(Some(&uid), &Question::Task(text.to_owned()), caller).await,
                Err(Failure::WhichIncident) => Ok(self.choose(&format!("task {text}"), caller).await),
                Err(failure) => Err(failure),
            },
            "timeline" => {
                let uid = match self.target_of_message(&message, caller).await {
                    Err(Failure::WhichIncident) => return Ok(self.choose(&format!("note {text}"), caller).await),
                    other => other?,
                };
                let command = Command::Pin {
                    message: MessageRef {
                        channel: caller.channel.unwrap_or_default().to_owned(),
                        ts: message["ts"].as_str().unwrap_or_default().to_owned(),
                    },
                    author: message["user"].as_str().unwrap_or(caller.user).to_owned(),
                    text: text.to_owned(),
                };
                match self.decide_for(&uid, &command, caller).await {
                    Err(Failure::Duplicate) => Err(Refusal::AlreadyPinned.into()),
                    other => other.map(|_| Reply::Ephemeral("It is on the timeline.".to_owned(), Vec::new())),
                }
            }
            "declare_from_message" => {
                self.may(Verb::Declare, caller, None)?;
                let at = MessageRef {
                    channel: caller.channel.unwrap_or_default().to_owned(),
                    ts: message["ts"].as_str().unwrap_or_default().to_owned(),
                };
                let author = message["user"].as_str().unwrap_or(caller.user).to_owned();
                let said: String = text.chars().take(1500).collect();
                let told = Declaration {
                    title: text.lines().next().unwrap_or_default().chars().take(120).collect(),
                    text: None,
                    ..Declaration::default()
                };
                // It comes back with the answers, and becomes the first line of the timeline.
                let metadata = json!((at, author, said)).to_string();
                self.ask_to_declare(&told, metadata, caller).await
            }
            _ => Ok(Reply::Nothing),
        }
    }
}
