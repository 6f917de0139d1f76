//! `impact`: the blast radius of an incident or an asset.

use std::collections::BTreeSet;

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::incident::Radius;
use crate::domain::lineage::Whom;
use crate::domain::{Command, Incident, permission};
use crate::render::{Button, Form, Press, Rendered, views};

pub(crate) static VERB: Verb = Verb {
    words: &["impact", "blast"],
    arguments: "[asset]",
    help: "what this incident, or an asset, reaches: by team and tier",
    parse: |line| match line.optional() {
        Some(name) => line.act(permission::Verb::Read, move |chat, _| Box::pin(of_asset(chat, name))),
        None => line.act(permission::Verb::Read, |chat, number| Box::pin(said(chat, number))),
    },
};

async fn of_asset(chat: &Chat<'_>, name: String) -> Result<Reply, Failure> {
    let shown = chat.app.meant(&name)?;
    let impact = chat.app.impact_of(&shown);
    Ok(chat.app.shown("impact", &views::impact(&shown, &[], &impact, &[]), &[]).into())
}

async fn said(chat: &Chat<'_>, number: Option<u64>) -> Result<Reply, Failure> {
    Ok(of_incident(chat, &chat.incident(number).await?).await?.into())
}

/// In full, with buttons to notify the people it reaches.
pub(crate) async fn of_incident(chat: &Chat<'_>, incident: &Incident) -> Result<Rendered, Failure> {
    let judged = chat.app.judge(incident).await?;
    let mut view = views::impact(&incident.name(), &judged.candidates, &judged.impact, &judged.unknown);
    view["words"] = judged.words().into();
    view["has_lineage"] = judged.has_lineage.into();
    view["was"] = (!incident.status.is_open()).into();
    view["recorded"] = incident.radius.as_ref().map(Radius::words).into();
    let tell =
        |whom: Whom, label| Button::on(&incident.name(), Press::Ask(Form::Notify, whom.as_str().to_owned()), label);
    let (mut buttons, mut unreachable) = (Vec::new(), BTreeSet::new());
    for (whom, button) in [
        (Whom::Downstream, tell(Whom::Downstream, "Tell consumers").primary()),
        (Whom::Upstream, tell(Whom::Upstream, "Tell owners upstream")),
    ] {
        let recipients = chat.app.recipients_of(&judged, whom);
        let nowhere = recipients.iter().filter(|one| one.slack.is_none() && one.email.is_none());
        let nowhere: Vec<_> = nowhere.map(|one| one.name.clone()).collect();
        unreachable.extend(nowhere);
        if chat.would(incident, Command::Notify { whom, recipients, text: None }).await.is_ok() {
            buttons.push(button);
        }
    }
    view["unreachable"] = unreachable.into_iter().collect();
    Ok(chat.app.shown("impact", &view, &buttons))
}
