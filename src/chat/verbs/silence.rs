//! `silence`: hides some alerts for a while.

use serde_json::json;

use crate::app::Failure;
use crate::app::silences::MAX_REASON;
use crate::chat::asker::Chat;
use crate::chat::line::{Line, Read, Verb};
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, Sent, Unsent, form, promised};
use crate::chat::reply::Reply;
use crate::chat::triage::TriageCard;
use crate::chat::when::{self, Toward};
use crate::domain::matcher::Matcher;
use crate::domain::silence::Silence;
use crate::domain::{Time, permission};
use crate::render::ModalInput;
use crate::slack::inbound::View;
use crate::store::Batch;

pub(crate) static VERB: Verb = Verb {
    words: &["silence"],
    arguments: "<matcher> <2h|friday> <reason>",
    help: "hide alerts for a while: `silence warehouse.orders* 2h backfill is running`, `silence pillar=freshness team=orders 30m …`",
    parse: |line| read(&line),
};

/// What to silence, until when, and why. The time stands between the other two.
fn read(line: &Line<'_>) -> Read {
    let words: Vec<&str> = line.rest.split_whitespace().collect();
    let time = |place: usize| when::leading(&words[place..], line.clock, Toward::Future);
    let found = (1..words.len()).find_map(|place| Some((place, time(place)?)));
    let Some((place, (count, until))) = found else {
        return Err(line.unclear("Which alerts do you want to hide, for how long, and why?"));
    };
    let matcher = Matcher::parse(&words[..place].join(" ")).map_err(|error| line.unclear(&format!("{error}.")))?;
    let reason = words[place + count..].join(" ");
    line.act(permission::Verb::Triage, move |chat, _| Box::pin(said(chat, matcher, until, reason)))
}

async fn said(chat: &Chat<'_>, matcher: Matcher, until: Time, reason: String) -> Result<Reply, Failure> {
    let once = chat.app.once(chat.delivery.as_ref());
    let silence = chat.app.silence(of(chat, matcher, until, reason), None, once).await?;
    Ok(Reply::words(&format!(
        "Silence {number} holds until {until}. Alerts that it hides open an incident then, if they still fire. `/incident unsilence {number}` ends it.{caveat}",
        number = silence.number,
        until = chat.clock().said(silence.until),
        caveat = chat.clock().caveat(),
    )))
}

/// A silence that somebody makes now. The store gives it its number.
fn of(chat: &Chat<'_>, matcher: Matcher, until: Time, reason: String) -> Silence {
    Silence { number: 0, matcher, from: chat.app.now(), until, reason, owner: chat.user.to_string() }
}

/// The form below the card of an alert. It hides similar alerts.
pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "text", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let (chat, card) = (asked.chat, asked.about(TriageCard::read)?);
    chat.may(permission::Verb::Triage, None)?;
    let (suppressed, _) = chat.app.suppressed(&card.alert).await?;
    let about = suppressed.signal.asset.as_ref().map_or_else(
        || format!("key=\"{}\" source={}", suppressed.signal.key, suppressed.signal.source),
        |asset| format!("asset={asset}"),
    );
    let inputs = vec![
        ModalInput::line("matcher", "Which alerts?", "asset=warehouse.orders* pillar=freshness")
            .starting(&about)
            .at_most(500),
        ModalInput::line("until", chat.clock().asks("For how long, or until when?"), "2h, 15:00, friday")
            .starting("2h")
            .at_most(40),
        ModalInput::line("text", "Why?", "backfill is running").at_most(MAX_REASON),
    ];
    Ok(Questions::apart(card.written(), "Silence", "Silence", inputs))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let (chat, card) = (asked.chat, asked.about(TriageCard::read)?);
    chat.may(permission::Verb::Triage, None)?;
    let (suppressed, _) = chat.app.suppressed(&card.alert).await?;
    let matcher = Matcher::parse(&view.text("matcher").unwrap_or_default())
        .map_err(|error| Unsent::Mistake("matcher", error.to_string()))?;
    let until = promised(view, "until", chat.clock(), "2h, 15:00 or friday")?
        .ok_or_else(|| Unsent::Mistake("until", "Until when?".to_owned()))?;
    let silence = of(chat, matcher, until, view.text("text").unwrap_or_default());
    let silence = chat.app.silence(silence, Some(&card.alert), Batch::new()).await?;
    let outcome = json!({"outcome": "silenced", "until": silence.until, "silence": silence.number});
    chat.settle(&card, &suppressed, outcome).await?;
    Ok(Reply::Nothing)
}
