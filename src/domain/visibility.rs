//! Who may see an incident. Only its members and administrators see a private one. Nobody else learns that it exists.
//!
//! There are two other ways to see one. Members of its Slack channel see it from there, since Slack has let them in.
//! A token of the API that may read can read everything.

use std::collections::BTreeSet;

use super::{Incident, IncidentId, UserId};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Viewer {
    /// An administrator, or Muster itself.
    #[default]
    Everything,
    /// Anybody who reads a page that is for everybody.
    Public,
    /// A person, with the incidents in which they have a task.
    Person { id: UserId, tasks_in: BTreeSet<IncidentId> },
}

impl Viewer {
    /// Whether they may see an incident. Everybody sees those that are not private. A person sees a private one if they have a role or
    /// a task in it, declared it, or acknowledged it.
    pub fn sees(&self, incident: &Incident) -> bool {
        match self {
            Self::Everything => true,
            Self::Public => !incident.private,
            Self::Person { id, tasks_in } => {
                let was = |who: Option<&str>| who == Some(id);
                !incident.private
                    || tasks_in.contains(&incident.uid)
                    || was(incident.declared_by.as_deref())
                    || was(incident.acknowledged_by.as_deref())
                    || incident.people().contains(id)
            }
        }
    }
}
