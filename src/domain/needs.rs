//! What a command needs to know about an incident in addition to its own record. It is loaded before the decision.
//! A new command does not compile until it says what it needs.

use super::{AlertId, Command, SignalStatus};

/// The parts of an incident that a decision may need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    pub alert: Option<AlertId>,
    pub task: Option<u32>,
    pub notified: bool,
}

impl Command {
    /// What it needs to know.
    #[rustfmt::skip]
    pub fn needs(&self) -> Needs {
        match self {
            Self::Receive { known, signal, .. } => Needs {
                alert: known.clone(),
                // When the last alert ends, the incident may end too, and then everybody is notified.
                notified: signal.status == SignalStatus::Resolved,
                ..Needs::default()
            },
            Self::MoveAlert { alert, .. } => Needs { alert: Some(alert.clone()), ..Needs::default() },
            Self::FinishTask { task } | Self::AssignTask { task, .. } | Self::CheckTask { task } => {
                Needs { task: Some(*task), ..Needs::default() }
            }
            Self::Notify { .. } | Self::Assess { .. } | Self::Merge { .. } | Self::Inherit { .. } | Self::Mute { .. }
            | Self::Subscribe | Self::Unsubscribe | Self::NoticeDelivered { .. } | Self::NoticeMailed { .. }
            | Self::NoticeRefused { .. } | Self::Update { .. } | Self::GoodAgain { .. }
            | Self::Resolve { .. } | Self::Reopen { .. } => Needs { notified: true, ..Needs::default() },
            Self::Judge { .. } | Self::Acknowledge | Self::Take { .. } | Self::Assign { .. } | Self::AnswerHandover { .. }
            | Self::HandoverDue { .. } | Self::CheckCommander { .. } | Self::Leave { .. } | Self::Remind { .. } | Self::Tried { .. }
            | Self::Amend { .. } | Self::EditPin { .. } | Self::CheckAcknowledged { .. } | Self::SetSeverity { .. }
            | Self::CheckUpdate { .. } | Self::Note { .. } | Self::Pin { .. } | Self::Unpin { .. } | Self::AttachRunbook { .. }
            | Self::StepDone { .. } | Self::StepSkip { .. } | Self::Since { .. } | Self::Fix { .. }
            | Self::AddTask { .. } | Self::Page { .. } | Self::Mitigate { .. } | Self::DraftPostmortem | Self::Review
            | Self::Look { .. } | Self::Why { .. } | Self::Cause { .. } | Self::Learn { .. } | Self::PagePerson { .. }
            | Self::Escalate { .. } | Self::PagerSays { .. } | Self::PictureShown { .. } | Self::ChannelReady { .. }
            | Self::Link { .. } | Self::ChannelGone { .. } | Self::CheckArchive { .. } | Self::ChannelArchived { .. }
            | Self::CheckOpening | Self::MessagePosted { .. } | Self::PageAccepted { .. } | Self::PageRefused { .. }
            | Self::GiveUp { .. } | Self::PostmortemPosted { .. } => Needs::default(),
        }
    }
}
