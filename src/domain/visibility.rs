//! Who may see an incident. A private one is seen by those who are in it, and by administrators; nobody else learns that there is one.
//!
//! Two doors let people in besides, where they are known: whoever is in a private incident's channel sees it from there (Slack has decided that),
//! and a token of the API that is good for reading reads everything.

use std::collections::BTreeSet;

use super::{Incident, IncidentId, UserId};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Viewer {
    /// An administrator, or Muster itself.
    #[default]
    Everything,
    /// Whoever reads a page that is for everybody.
    Public,
    /// Somebody, and the incidents in which they have a task.
    Person { id: UserId, tasks_in: BTreeSet<IncidentId> },
}

impl Viewer {
    /// Whether they may see an incident: every one that is not private, and of the private ones those in which they have a role or a task,
    /// which they declared, or which they acknowledged.
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
