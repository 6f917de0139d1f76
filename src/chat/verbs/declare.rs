//! `declare`: somebody opens an incident. With a title, it opens at once. Without one, a form asks. Open incidents that look like it are shown
//! first.

use serde_json::json;

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::{Line, Unclear, Verb, quoted_words, unquote};
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, Sent, form};
use crate::chat::reply::Reply;
use crate::domain::command::{Declaration, Opening};
use crate::domain::{AssetName, Decision, Incident, Pillar, Severity, permission};
use crate::render::{Button, Form, MAX_LINE, ModalInput, Rendered, again, views};
use crate::slack::inbound::View;
use crate::slack::markup;

/// The word that the button *Open a new one anyway* uses in place of `declare`.
const ANYWAY: &str = "declare!";
/// The option for an asset that the catalog does not know yet.
const NEW_ASSET: &str = "new-asset";
/// How many assets are offered for a name that is none.
const NEAR: usize = 3;

pub(crate) static VERB: Verb = Verb {
    words: &["declare", "new", "open", "create", "start", ANYWAY],
    arguments: "[title]",
    help: "open an incident; without a title a form asks. `--sev 2`, `--on warehouse.orders`, `--private` say more",
    parse: |line| {
        if line.rest.is_empty() {
            return line.ask(Form::Declare);
        }
        let ((declaration, asset_is_new), anyway) = (read(&line, line.rest)?, line.word == ANYWAY);
        line.act(permission::Verb::Declare, move |chat, _| {
            Box::pin(async move {
                match which_asset(chat, &declaration).filter(|_| !asset_is_new && !anyway) {
                    Some(question) => Ok(question),
                    None => said(chat, declaration, anyway).await,
                }
            })
        })
    },
};

/// The question which asset is meant, if the catalog knows assets and not exactly this one. Nothing that was typed is lost.
fn which_asset(chat: &Chat<'_>, declaration: &Declaration) -> Option<Reply> {
    let asset = chat.app.catalog.known_as(declaration.asset.as_ref()?);
    let near: Vec<String> = {
        let graph = chat.app.catalog.graph();
        if graph.is_empty() || graph.find(asset.as_str()).is_some() {
            return None;
        }
        let meant = graph.meant(asset.as_str(), NEAR);
        let mut near: Vec<_> = meant.into_iter().map(|node| graph.name(node).to_owned()).collect();
        if near.is_empty() {
            near = graph.with_part(asset.as_str(), NEAR);
        }
        if near.is_empty() {
            near = graph.spelled_like(asset.as_str(), NEAR);
        }
        near
    };
    let with = |option: &str, asset: Option<&str>| {
        let asset = asset.and_then(AssetName::new);
        line_of("declare", option, &Declaration { asset, ..declaration.clone() })
    };
    let mut buttons: Vec<_> = near
        .iter()
        .enumerate()
        .filter_map(|(place, name)| again(place, &format!("On {name}"), &with("on", Some(name))))
        .collect();
    let as_it_is = with(NEW_ASSET, Some(asset.as_str()));
    buttons.extend(again(near.len(), &format!("On {asset}, which is new"), &as_it_is));
    buttons.extend(again(near.len() + 1, "On no asset", &with("on", None)));
    let view = json!({"asset": asset, "near": near});
    Some(chat.app.shown("which_asset", &view, &buttons).into())
}

/// Opens an incident. If open ones look like it, those are shown first.
pub(crate) async fn said(chat: &Chat<'_>, mut declaration: Declaration, anyway: bool) -> Result<Reply, Failure> {
    // The same command once more opens no second incident.
    if let Some(delivery) = &chat.delivery
        && chat.app.was_delivered(delivery).await?
    {
        return Err(Failure::Duplicate);
    }
    declaration.asset = declaration.asset.map(|asset| chat.app.catalog.known_as(&asset));
    let line = line_of(ANYWAY, "on", &declaration);
    let anyway = anyway || declaration.drill || line.chars().count() > MAX_LINE;
    let alike = if anyway { Vec::new() } else { chat.look_alikes(&declaration).await? };
    if alike.is_empty() {
        let decision = declare(chat, declaration).await?;
        return Ok(Reply::words(&chat.decided(&decision)));
    }
    let join = |(place, one): (usize, &Incident)| {
        again(place, &format!("Join {}", one.name()), &format!("{} take responder", one.name()))
    };
    let mut buttons: Vec<_> = alike.iter().enumerate().filter_map(join).collect();
    buttons.extend(again(alike.len(), "Open a new one anyway", &line).map(Button::danger));
    Ok(Rendered::new(&in_words(chat, &alike), &buttons).into())
}

async fn declare(chat: &Chat<'_>, mut declaration: Declaration) -> Result<Decision, Failure> {
    for text in [Some(&mut declaration.title), declaration.text.as_mut()].into_iter().flatten() {
        *text = markup::named(text, &|id| chat.app.name(id));
    }
    chat.app.open(&Opening::Declare(Box::new(declaration)), chat.request()).await
}

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "title", open, sent);

/// The same, after open incidents were shown that look like it.
pub(crate) static FORM_ANYWAY: FormSpec = form!(Instead::Verb(&VERB), "title", open, sent_anyway);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    asked.chat.may(permission::Verb::Declare, None)?;
    Ok(questions(asked.chat, &Declaration::default(), &[]))
}

/// Opens the form, filled with what is known already.
pub(crate) fn ask(chat: &Chat<'_>, known: &Declaration) -> Result<Reply, Failure> {
    chat.may(permission::Verb::Declare, None)?;
    Ok(Reply::Open(questions(chat, known, &[]).modal(Form::Declare)))
}

/// The questions of a declaration, with the answers so far. Above them are the incidents that look like it.
fn questions(chat: &Chat<'_>, told: &Declaration, alike: &[Incident]) -> Questions {
    let pillars = Pillar::ALL.map(|pillar| (pillar.as_str(), pillar.meaning()));
    let pillar = told.pillar.unwrap_or(Pillar::Other).as_str();
    let chosen = [("drill", told.drill), ("private", told.private)];
    let mut inputs = Vec::new();
    if !alike.is_empty() {
        inputs.push(ModalInput::Words(in_words(chat, alike)));
    }
    inputs.extend([
        ModalInput::line("title", "What is wrong?", "orders have not been loaded since yesterday")
            .starting(&told.title),
        views::severity_input(told.severity.unwrap_or(Severity::Sev3)),
        ModalInput::Lookup {
            id: "asset",
            label: "Which table, model or dashboard?",
            initial: told.asset.as_ref().map(ToString::to_string),
            placeholder: "warehouse.orders",
        },
        ModalInput::choice("pillar", "What is wrong with it?", pillars, pillar),
        ModalInput::text("text", "What do you see?", "")
            .starting(told.text.as_deref().unwrap_or_default())
            .at_most(3000)
            .if_any(),
        ModalInput::Checks {
            id: "kind",
            label: "What kind of incident?",
            options: vec![
                ("drill".to_owned(), "A drill: page and tell nobody".to_owned()),
                ("private".to_owned(), "Private: announced nowhere".to_owned()),
            ],
            initial: chosen.iter().filter(|(_, on)| *on).map(|(kind, _)| (*kind).to_owned()).collect(),
        },
    ]);
    let (title, submit) = match alike {
        [] => ("Declare an incident", "Declare"),
        _ => ("Is it one of these?", "Open a new one"),
    };
    // The message that it is declared from.
    let from = told.from.as_ref().and_then(|from| serde_json::to_string(from).ok()).unwrap_or_default();
    Questions::apart(from, title, submit, inputs)
}

async fn sent_anyway(asked: Asked<'_>, view: &View) -> Sent {
    declare(asked.chat, answers(asked, view)).await?;
    Ok(Reply::Nothing)
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let (chat, told) = (asked.chat, answers(asked, view));
    let alike = chat.look_alikes(&told).await?;
    if alike.is_empty() {
        declare(chat, told).await?;
        return Ok(Reply::Nothing);
    }
    Ok(Reply::Instead(questions(chat, &told, &alike).modal(Form::DeclareAnyway)))
}

fn answers(Asked { chat, words, .. }: Asked<'_>, view: &View) -> Declaration {
    let kinds = view.choices("kind");
    let kind = |word: &str| kinds.iter().any(|one| one == word);
    Declaration {
        title: view.text("title").unwrap_or_default(),
        severity: view.choice("severity").and_then(|word| Severity::parse(&word)),
        pillar: view.choice("pillar").and_then(|word| Pillar::parse(&word)),
        asset: view
            .choice("asset")
            .or_else(|| view.text("asset"))
            .and_then(|name| AssetName::new(&name))
            .map(|name| chat.app.catalog.known_as(&name)),
        text: view.text("text"),
        drill: kind("drill"),
        private: kind("private"),
        from: serde_json::from_str(words).ok(),
    }
}

/// The open incidents that look like it, in words.
fn in_words(chat: &Chat<'_>, alike: &[Incident]) -> String {
    let names = |id: &str| chat.app.name(id);
    let incidents: Vec<_> = alike.iter().map(|one| views::incident(one, &names, chat.app.now())).collect();
    chat.app.templates.render("look_alikes", &json!({"incidents": incidents}))
}

/// A title with options: `orders are late --sev 2 --on warehouse.orders --private`, `sev1: orders are late`.
///
/// # Errors
/// An unknown option, or one without a possible value. The other part says that the asset is new. It is better to ask than to open an incident that is not private.
pub(crate) fn read(line: &Line<'_>, text: &str) -> Result<(Declaration, bool), Unclear> {
    let slip = |word: &str| {
        line.unclear(&format!(
            "I do not know `{word}`, so nothing was opened. You typed `/incident {} {text}`.",
            line.word
        ))
    };
    let mut found = Declaration::default();
    let mut asset_is_new = false;
    let mut title: Vec<&str> = Vec::new();
    let mut words = quoted_words(text);
    while let Some(word) = words.next() {
        match option_of(word).map(str::to_lowercase).as_deref() {
            Some("private") => found.private = true,
            Some("drill") => found.drill = true,
            Some("sev" | "severity") => {
                let value = words.next().and_then(Severity::parse);
                found.severity = Some(value.ok_or_else(|| slip(word))?);
            }
            Some(option @ ("on" | "asset" | "about" | NEW_ASSET)) => {
                let value = words.next().filter(|next| option_of(next).is_none()).map(unquote);
                found.asset = AssetName::new(&value.filter(|name| !name.is_empty()).ok_or_else(|| slip(word))?);
                asset_is_new = option == NEW_ASSET;
            }
            Some(option) => found.severity = Some(Severity::parse(option).ok_or_else(|| slip(word))?),
            None => {
                let bare = word.trim_end_matches(':').to_lowercase();
                let leads = title.is_empty() && found.severity.is_none() && bare.starts_with("sev");
                match Severity::parse(&bare).filter(|_| leads) {
                    Some(severity) => found.severity = Some(severity),
                    None => title.push(word),
                }
            }
        }
    }
    found.title = unquote(&title.join(" "));
    Ok((found, asset_is_new))
}

/// A declaration as the line that makes it, by a word of the verb and the option for its asset.
fn line_of(word: &str, on: &str, declaration: &Declaration) -> String {
    let mut line = format!("{word} {}", declaration.title);
    if let Some(severity) = declaration.severity {
        line.push_str(&format!(" --sev {}", severity.number()));
    }
    if let Some(asset) = &declaration.asset {
        line.push_str(&format!(" --{on} \"{asset}\""));
    }
    if declaration.private {
        line.push_str(" --private");
    }
    line
}

/// A word that is an option: one dash or two, as phones write them, and then a letter.
fn option_of(word: &str) -> Option<&str> {
    let bare = word.trim_start_matches(['-', '–', '—']);
    (bare.len() < word.len() && bare.starts_with(char::is_alphabetic)).then_some(bare)
}
