//! The form *More…* of a card: any verb with the rest of its line, as if it were typed.

use super::asker::Chat;
use super::line::{Intent, Verb};
use super::questions::{Asked, FormSpec, Instead, Questions, Sent, Unsent, form};
use super::registry;
use super::reply::Reply;
use super::verbs::{GROUPS, VERBS};
use crate::app::Failure;
use crate::domain::permission;
use crate::render::ModalInput;
use crate::slack::inbound::View;

pub(crate) static FORM: FormSpec = form!(Instead::Line("help"), "rest", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let incident = asked.incident().await?;
    // The choice is checked when it is sent.
    asked.chat.may(permission::Verb::Read, Some(&incident))?;
    let option = |verb: &&Verb| (verb.name().to_owned(), format!("{}: {}", verb.name(), verb.help));
    let group = |(name, verbs): &(&str, &[&Verb])| ((*name).to_owned(), verbs.iter().map(option).collect());
    let inputs = vec![
        ModalInput::Grouped {
            id: "verb",
            label: "What do you want to do? Type to search.",
            groups: GROUPS.iter().map(group).collect(),
            initial: "note".to_owned(),
        },
        ModalInput::text("rest", "And the rest of the line?", "what you would type after the word").if_any(),
    ];
    Ok(Questions::about(&incident, "Anything else", "Do it", inputs))
}

async fn sent(Asked { chat, number, .. }: Asked<'_>, view: &View) -> Sent {
    let wrong = |words: String| Err(Unsent::Mistake("rest", words));
    let incident = number.map(|number| format!("INC-{number} ")).unwrap_or_default();
    let (verb, rest) = (view.choice("verb").unwrap_or_default(), view.text("rest").unwrap_or_default());
    let (rest, unknown) = with_mentions(chat, &rest);
    let gives = VERBS.iter().any(|one| one.name() == verb && one.names_people());
    if let Some(unknown) = unknown.filter(|_| gives) {
        return wrong(format!("I know nobody called {unknown}, or more than one; write the name as Slack shows it."));
    }
    let understood = match registry::parse(&format!("{incident}{verb} {rest}"), chat.clock()) {
        Ok(understood) => understood,
        Err(unclear) => return wrong(unclear.words),
    };
    // A change shows in the channel. What is only read is an ephemeral message.
    let shows = matches!(understood.intent, Intent::Command(_));
    match chat.carry_out(understood).await? {
        Reply::Open(form) => Ok(Reply::Instead(form)),
        Reply::Say(_) if shows => Ok(Reply::Nothing),
        other => Ok(other.ephemeral()),
    }
}

/// Makes mentions of `@ben` as typed in a form, where Slack does not. Also returns the first name that fits nobody, or several.
fn with_mentions(chat: &Chat<'_>, text: &str) -> (String, Option<String>) {
    let mut unknown = None;
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
        let Some(name) = bare.strip_prefix('@').filter(|name| !name.is_empty()) else {
            return word.to_owned();
        };
        match chat.app.called(name).as_slice() {
            [id] => format!("<@{id}>{}", &word[bare.len()..]),
            _ => {
                unknown.get_or_insert_with(|| bare.to_owned());
                word.to_owned()
            }
        }
    });
    (words.collect::<Vec<_>>().join(" "), unknown)
}
