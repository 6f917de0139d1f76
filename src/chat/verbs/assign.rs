//! `assign`: gives roles to people. The form gives and takes all roles at once.

use std::collections::BTreeMap;

use crate::app::Failure;
use crate::chat::line::{Line, Read, Unclear, Verb, mentions};
use crate::chat::questions::{Asked, FormSpec, Instead, Questions, Sent, form};
use crate::domain::{Command, Role, UserId};
use crate::render::{Form, ModalInput};
use crate::slack::inbound::View;

/// How many people with roles the form of roles remembers. Its metadata holds 3,000 characters.
const MOST_SHOWN: usize = 100;

pub(crate) static VERB: Verb = Verb {
    words: &["assign"],
    arguments: "<role> @user…",
    help: "give roles to people: `assign responder @ben scribe @chloe`, `assign @ben as scribe`",
    parse: |line| {
        if line.rest.is_empty() {
            return line.ask(Form::AssignRoles);
        }
        let roles = read(&line)?;
        line.command(Command::Assign { roles, without: BTreeMap::new() })
    },
};

/// Words that join people and roles.
const JOINING: [&str; 12] = ["as", "to", "and", "the", "is", "for", "&", "+", "=", "->", "please", "pls"];

pub(crate) fn role(line: &Line<'_>, role: Role, people: Vec<UserId>) -> Read {
    line.command(Command::Assign { roles: BTreeMap::from([(role, people)]), without: BTreeMap::new() })
}

/// Roles and their people. If the line begins with a role, each role gets the people after it; otherwise, those before it.
///
/// # Errors
/// A role without people, people without a role, and every word that is neither.
fn read(line: &Line<'_>) -> Result<BTreeMap<Role, Vec<UserId>>, Unclear> {
    let mut roles: BTreeMap<Role, Vec<UserId>> = BTreeMap::new();
    let mut waiting: Vec<UserId> = Vec::new();
    let mut role = None;
    let mut role_first = None;
    for word in line.rest.split_whitespace() {
        let bare = word.trim_matches([',', ';', ':', '.']);
        if let Some(person) = mentions(bare).pop() {
            role_first.get_or_insert(false);
            match role.filter(|_| role_first == Some(true)) {
                Some(role) => roles.entry(role).or_default().push(person),
                None => waiting.push(person),
            }
        } else if let Some(of) = Role::parse(bare) {
            let in_front = *role_first.get_or_insert(true);
            let has_nobody = |role: &Role| roles.get(role).is_none_or(Vec::is_empty);
            if in_front && role.as_ref().is_some_and(has_nobody) || !in_front && waiting.is_empty() {
                return Err(line.unclear("Which role is whose? Each role needs people."));
            }
            if !in_front {
                roles.entry(of).or_default().append(&mut waiting);
            }
            role = Some(of);
        } else if !bare.is_empty() && !JOINING.contains(&bare.to_lowercase().as_str()) {
            return Err(line.unclear(&format!("“{bare}” is no role, and nobody who is mentioned with @.")));
        }
    }
    match role {
        None => Err(line.unclear("Which role?")),
        Some(role) if roles.get(&role).is_none_or(Vec::is_empty) => {
            Err(line.unclear("To whom? Mention people with @."))
        }
        Some(_) if !waiting.is_empty() => Err(line.unclear("Which role is whose? Each person needs a role.")),
        Some(_) => Ok(roles),
    }
}

/// Somebody who was shown in the form, and the role.
fn shown(word: &str) -> Option<(Role, UserId)> {
    let (role, person) = word.split_once(':')?;
    Some((Role::parse(role)?, person.into()))
}

pub(crate) static FORM: FormSpec = form!(Instead::Verb(&VERB), "commander", open, sent);

async fn open(asked: Asked<'_>) -> Result<Questions, Failure> {
    let incident = asked.incident_for(Command::Assign { roles: BTreeMap::new(), without: BTreeMap::new() }).await?;
    let labels = [
        (Role::Commander, "Commander: decides and delegates"),
        (Role::Deputy, "Deputy: stands in, keeps the time"),
        (Role::Responder, "Responders: work on the cause"),
        (Role::Scribe, "Scribe: writes down what is decided"),
        (Role::Liaison, "Liaison: speaks to owners and consumers"),
    ];
    let input = |(role, label): (Role, &'static str)| ModalInput::People {
        id: role.as_str(),
        label,
        initial: incident.roles.get(&role).cloned().unwrap_or_default(),
        several: role.is_shared(),
    };
    let people = |role: Role| {
        incident.roles.get(&role).into_iter().flatten().map(move |person| format!("{}:{person}", role.as_str()))
    };
    // Whoever is taken out of the form loses the role. Whoever gets one while it is open does not.
    let shown: Vec<_> = Role::ALL.into_iter().flat_map(people).take(MOST_SHOWN).collect();
    Ok(Questions::about(&incident, "Assign roles", "Assign", labels.map(input).to_vec()).remember(&shown.join(" ")))
}

async fn sent(asked: Asked<'_>, view: &View) -> Sent {
    let mut roles: BTreeMap<_, _> = Role::ALL.into_iter().map(|role| (role, view.people(role.as_str()))).collect();
    // People who were shown in the form and were removed from it. People who got a role while the form was open are not among them.
    let mut without: BTreeMap<Role, Vec<UserId>> = BTreeMap::new();
    for (role, person) in asked.words.split_whitespace().filter_map(shown) {
        let named = roles.entry(role).or_default();
        match named.iter().position(|one| *one == person) {
            // A person who was left in place does not get the role a second time.
            Some(place) => drop(named.remove(place)),
            None => without.entry(role).or_default().push(person),
        }
    }
    asked.give(Command::Assign { roles, without }).await
}
