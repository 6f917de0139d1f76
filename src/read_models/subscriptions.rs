//! Who wants to hear about every incident of an asset or a team.

use super::Table;
use crate::domain::UserId;
use crate::records::Subscription;

/// The ids begin with the asset or team in lower case.
impl Table<Subscription> {
    pub fn subscribers(&self, of: &str) -> Vec<&UserId> {
        let key = format!("{}\u{1}", of.to_lowercase());
        let of = self.0.range(key.clone()..).take_while(|(id, _)| id.starts_with(&key));
        of.map(|(_, one)| &one.person).collect()
    }

    /// The assets and teams that have subscribers, as people see them, each with its subscribers.
    pub fn all(&self) -> Vec<(&str, Vec<&UserId>)> {
        let mut all: Vec<(&str, Vec<&UserId>)> = Vec::new();
        for one in self.0.values() {
            match all.last_mut().filter(|(of, _)| of.eq_ignore_ascii_case(&one.of)) {
                Some((_, people)) => people.push(&one.person),
                None => all.push((&one.of, vec![&one.person])),
            }
        }
        all
    }

    /// How many assets and teams have subscribers.
    pub fn subjects(&self) -> usize {
        self.all().len()
    }

    pub fn of(&self, person: &UserId) -> Vec<String> {
        self.0.values().filter(|one| one.person == *person).map(|one| one.of.clone()).collect()
    }
}
