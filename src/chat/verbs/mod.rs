//! The verbs of `/incident`, one file each, and their table. A file holds the verb's words, how its line is read, what it does, who may do that,
//! and its form. Help, `docs/commands.md` and the tests are made from the table.

use std::sync::LazyLock;

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

/// The verbs, by what a person wants.
#[rustfmt::skip]
pub static GROUPS: &[(&str, &[&Verb])] = &[
    ("See how it stands", &[&show::VERB, &brief::VERB, &timeline::VERB, &alerts::VERB, &impact::VERB, &asset::VERB, &list::VERB, &search::VERB, &help::VERB]),
    ("Open and close", &[
        &declare::VERB, &drill::VERB, &ack::VERB, &sev::VERB, &mitigate::VERB, &resolve::VERB, &reopen::VERB, &dismiss::VERB, &merge::VERB,
    ]),
    ("People and roles", &[&take::VERB, &assign::VERB, &leave::VERB, &role::VERB, &oncall::VERB, &page::VERB, &escalate::VERB, &link::VERB]),
    ("Tell people", &[&update::VERB, &remind::VERB, &notify::VERB, &mute::VERB, &subscribe::VERB]),
    ("Write down", &[&note::VERB, &tried::VERB, &fix::VERB, &since::VERB, &good_again::VERB, &task::VERB, &runbook::VERB]),
    ("Find the cause", &[&look::VERB, &why::VERB, &cause::VERB]),
    ("Alerts and silences", &[&move_alert::VERB, &judge::VERB, &silence::VERB, &silences::VERB, &unsilence::VERB]),
    ("After it", &[&postmortem::VERB, &reviewed::VERB, &retro::VERB, &sla::VERB, &stats::VERB]),
];

/// Every verb.
pub static VERBS: LazyLock<Vec<&'static Verb>> =
    LazyLock::new(|| GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect());
