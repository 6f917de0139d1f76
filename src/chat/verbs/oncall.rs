//! `oncall`: who is on duty, for every service or for one.

use serde_json::json;

use crate::app::Failure;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::permission;

pub(crate) static VERB: Verb = Verb {
    words: &["oncall", "on-call", "duty"],
    arguments: "[service]",
    help: "who is on duty, and where Muster reads it",
    parse: |line| {
        let service = line.optional();
        line.act(permission::Verb::Read, move |chat, _| Box::pin(async move { said(chat, service.as_deref()) }))
    },
};

fn said(chat: &Chat<'_>, service: Option<&str>) -> Result<Reply, Failure> {
    let (app, policy) = (chat.app, &chat.app.policy);
    let service = service.map(|name| policy.known_service(name)).transpose()?.map(|service| service.name.as_str());
    let rotations: Vec<_> = policy
        .rotations
        .iter()
        .filter(|rotation| service.is_none() || rotation.covers(service))
        .map(|rotation| {
            let of = service.or(rotation.services.first().map(String::as_str));
            let duty = app.duty_of(of).into_iter().find(|duty| duty.rotation == rotation.name);
            let people = duty.iter().flat_map(|duty| &duty.people);
            let people: Vec<_> = people.map(|id| json!({"id": id, "name": app.name(id)})).collect();
            json!({"name": rotation.name, "role": rotation.role.as_str(), "services": rotation.services,
                "people": people, "unread": app.is_unread(rotation), "from": duty.map(|duty| duty.from.words())})
        })
        .collect();
    Ok(app.shown("oncall", &json!({"rotations": rotations}), &[]).into())
}
