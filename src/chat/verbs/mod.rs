//! The verbs of `/incident`, one file each, and their table. A file holds the verb's words, how its line is read, what it does, who may do that,
//! and its form. Help, `docs/commands.md` and the tests are made from the table.

use super::line::Verb;

pub(super) mod ack;
pub(super) mod alerts;
pub(super) mod asset;
pub(super) mod assign;
pub(super) mod brief;
pub(super) mod cause;
pub(super) mod declare;
pub(super) mod dismiss;
pub(super) mod drill;
pub(super) mod escalate;
pub(super) mod fix;
pub(super) mod good_again;
pub(super) mod help;
pub(super) mod impact;
pub(super) mod judge;
pub(super) mod leave;
pub(super) mod link;
pub(super) mod list;
pub(super) mod look;
pub(super) mod merge;
pub(super) mod mitigate;
pub(super) mod move_alert;
pub(super) mod mute;
pub(super) mod note;
pub(super) mod notify;
pub(super) mod oncall;
pub(super) mod page;
pub(super) mod postmortem;
pub(super) mod remind;
pub(super) mod reopen;
pub(super) mod resolve;
pub(super) mod retro;
pub(super) mod reviewed;
pub(super) mod role;
pub(super) mod runbook;
pub(super) mod search;
pub(super) mod sev;
pub(super) mod show;
pub(super) mod silence;
pub(super) mod silences;
pub(super) mod since;
pub(super) mod sla;
pub(super) mod stats;
pub(super) mod subscribe;
pub(super) mod take;
pub(super) mod task;
pub(super) mod timeline;
pub(super) mod tried;
pub(super) mod unsilence;
pub(super) mod update;
pub(super) mod why;

/// Every verb, in the order of the work.
#[rustfmt::skip]
pub static VERBS: &[&Verb] = &[
    &declare::VERB, &drill::VERB, &list::VERB, &search::VERB, &show::VERB, &ack::VERB, &take::VERB, &assign::VERB,
    &leave::VERB, &role::VERB, &oncall::VERB, &brief::VERB, &sev::VERB, &update::VERB, &remind::VERB, &note::VERB,
    &tried::VERB, &timeline::VERB, &runbook::VERB, &since::VERB, &good_again::VERB, &fix::VERB, &asset::VERB,
    &impact::VERB, &notify::VERB, &look::VERB, &mute::VERB, &subscribe::VERB, &task::VERB, &page::VERB,
    &escalate::VERB, &link::VERB, &mitigate::VERB, &resolve::VERB, &reopen::VERB, &dismiss::VERB, &why::VERB,
    &cause::VERB, &retro::VERB, &judge::VERB, &stats::VERB, &sla::VERB, &merge::VERB, &alerts::VERB,
    &move_alert::VERB, &silence::VERB, &silences::VERB, &unsilence::VERB, &postmortem::VERB, &reviewed::VERB, &help::VERB,
];
