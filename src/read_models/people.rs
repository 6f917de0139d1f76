//! The people of the workspace and its address, as Slack gives them, and the addresses that people gave for PagerDuty.

use std::collections::HashMap;

use super::{ReadModel, Table};
use crate::domain::UserId;
use crate::domain::permission::Standing;
use crate::records::{ADDRESS_OF, AddressOf, Workspace};
use crate::slack::client::Member;
use crate::store::{Change, Id, Kind, Range, ReadError, Store};

/// People by their Slack ids.
#[derive(Debug, PartialEq)]
pub struct People {
    members: Table<Member>,
    workspace: Option<String>,
    addresses: HashMap<UserId, String>,
}

impl ReadModel for People {
    const FOLLOWS: &'static [Kind] = &[Kind::Person, Kind::Meta];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let addresses: Vec<AddressOf> = store.values(Range::everybody()).await?;
        Ok(Self {
            members: Table::load(store).await?,
            workspace: store.value(&Id::<Workspace>::one()).await?.map(|workspace| workspace.url),
            addresses: addresses.into_iter().map(|one| (one.person, one.address)).collect(),
        })
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        self.members.apply(changes);
        for change in changes.iter().filter(|change| change.kind == Kind::Meta) {
            if change.id == Id::<Workspace>::one().as_str() {
                self.workspace = change.value::<Workspace>().map(|workspace| workspace.url.clone());
            } else if let Some(person) = change.id.strip_prefix(ADDRESS_OF) {
                match change.value::<AddressOf>() {
                    Some(one) => self.addresses.insert(one.person.clone(), one.address.clone()),
                    None => self.addresses.remove(person),
                };
            }
        }
    }
}

impl People {
    /// Finds a person by their Slack id.
    pub fn get(&self, id: &str) -> Option<&Member> {
        self.members.get(id)
    }

    /// The workspace's address, once Slack told it.
    pub fn workspace_url(&self) -> Option<&str> {
        self.workspace.as_deref()
    }

    /// A person's standing in the workspace `ours`; `None` if Slack has not told of them.
    pub fn standing(&self, id: &str, ours: &str) -> Option<Standing> {
        Some(match self.members.get(id)? {
            member if !member.team.is_empty() && member.team != *ours => Standing::Stranger,
            member if member.barred => Standing::Barred,
            member if member.guest => Standing::Guest,
            _ => Standing::Member,
        })
    }

    /// The people with this name: by the full name, its first word, or the part of the address before the `@`.
    pub fn called(&self, name: &str) -> Vec<UserId> {
        let name = name.to_lowercase();
        let is_called = |member: &&Member| {
            let full = member.name.to_lowercase();
            let address = member.email.as_deref().and_then(|email| email.split('@').next());
            let first = full.split_whitespace().next();
            !member.barred && (full == name || first == Some(&name) || address == Some(&name))
        };
        self.members.0.values().filter(is_called).map(|member| member.id.clone()).collect()
    }

    /// Finds a person by e-mail address: first by Slack's, then by the one they gave. So nobody can take another person's address.
    pub fn of_address(&self, email: &str) -> Option<UserId> {
        let known = self.members.0.values().find(|member| {
            !member.barred && member.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email))
        });
        if let Some(member) = known {
            return Some(member.id.clone());
        }
        let said = self.addresses.iter().find(|(_, address)| address.eq_ignore_ascii_case(email));
        let (person, _) = said?;
        self.members.get(person).is_none_or(|member| !member.barred).then(|| person.clone())
    }

    /// The address by which PagerDuty may know somebody: the one they gave, or else the one in Slack.
    pub fn address_of(&self, person: &UserId) -> Option<&str> {
        let said = self.addresses.get(person);
        said.or_else(|| self.members.get(person)?.email.as_ref()).map(String::as_str)
    }
}
