//! Replaying the events of any sequence of commands gives the stored state.

use std::collections::BTreeMap;

use muster::domain::command::Opening;
use muster::domain::command::PagerNews;
use muster::domain::decide::People;
use muster::domain::decide::open;
use muster::domain::evolve::replay;
use muster::domain::incident::{Case, Channel, Ending, MessageRef, Slot};
use muster::domain::permission::Standing;
use muster::domain::policy::Policy;
use muster::domain::reason::{JoinReason, RunbookReason};
use muster::domain::runbook::{Library, Runbook};
use muster::domain::{
    Actor, AssetName, Command, Context, Entry, Level, Pillar, Principal, Role, Severity, Signal, SignalStatus, Time,
    UserId, decide,
};
use proptest::prelude::*;

struct Nobody;

impl People for Nobody {
    fn name(&self, id: &str) -> String {
        id.to_owned()
    }

    fn belongs(&self, person: &UserId, to: &[Principal]) -> bool {
        to.iter().any(|one| one.person() == Some(person))
    }

    fn standing(&self, _: &UserId) -> Standing {
        Standing::Member
    }

    fn on_duty(&self, _: Option<&str>) -> Vec<muster::domain::incident::Duty> {
        Vec::new()
    }
}

fn policy() -> Policy {
    Policy {
        archive_after_days: Some(7),
        rotations: Vec::new(),
        cadence: muster::domain::policy::Cadence { minutes: [30, 60, 0, 0, 0], at_most: 4, hours: None },
        permissions: Default::default(),
        remind_after_minutes: 15,
        hold_off_minutes: 15,
        routes: Vec::new(),
        windows: Vec::new(),
        instance: "muster".to_owned(),
        on_green: BTreeMap::new(),
        services: Vec::new(),
        teams: Vec::new(),
        can_page_by_default: true,
        page_from: Severity::Sev3,
        announces: true,
    }
}

fn book() -> Runbook {
    Runbook::parse(
        "x.md",
        "---\nid: x\ntitle: X\napplies:\n  pillars: [freshness]\n---\n- [ ] one\n- [ ] two\n- [ ] three\n",
    )
    .unwrap()
}

fn at(minute: i64) -> Time {
    chrono::DateTime::from_timestamp(1_795_000_000 + minute * 60, 0).unwrap()
}

fn signal(key: u8, firing: bool, level: Level) -> Signal {
    Signal {
        source: "dq".to_owned(),
        status: if firing { SignalStatus::Firing } else { SignalStatus::Resolved },
        key: format!("k{key}"),
        title: format!("alert {key}"),
        asset: AssetName::new(&format!("w.t{key}")),
        pillar: Pillar::Freshness,
        level,
        owner: None,
        url: None,
        labels: BTreeMap::new(),
        at: at(0),
        description: None,
        unrecovered: None,
        left_out: None,
        lapsed: false,
    }
}

fn any_command() -> impl Strategy<Value = (Command, Standing, u8)> {
    let person = prop_oneof![Just("U1"), Just("U2"), Just("U3")].prop_map(UserId::from);
    let role = prop::sample::select(Role::ALL.to_vec());
    let text = "[a-z ]{0,12}";
    let people = prop::collection::vec(person.clone(), 0..3);
    let role_again = role.clone();
    let human = prop_oneof![
        Just(Command::Acknowledge),
        role.clone().prop_map(|role| Command::Take { role }),
        (role, people)
            .prop_map(|(role, people)| Command::Assign { roles: [(role, people)].into(), without: [].into() }),
        any::<bool>().prop_map(|accept| Command::AnswerHandover { request: "R".to_owned(), accept }),
        prop::sample::select(Severity::ALL.to_vec()).prop_map(|severity| Command::SetSeverity { severity }),
        (text, prop::option::of(0..500i64)).prop_map(|(text, next)| Command::Update {
            text,
            next: next.map(at),
            impact: None
        }),
        text.prop_map(|text| Command::Note { text }),
        Just(Command::AttachRunbook { runbook: book(), because: RunbookReason::Asked { by: "U1".into() } }),
        (0..5usize).prop_map(|step| Command::StepDone { step, note: None }),
        (0..5usize, text).prop_map(|(step, reason)| Command::StepSkip { step, reason }),
        (-500..500i64).prop_map(|minute| Command::Since { at: at(minute) }),
        (-500..500i64).prop_map(|minute| Command::GoodAgain { at: at(minute) }),
        text.prop_map(|text| Command::Fix { text }),
        (text, prop::option::of(person)).prop_map(|(text, assignee)| Command::AddTask { text, assignee, due: None }),
        (0..4u32).prop_map(|task| Command::FinishTask { task }),
        Just(Command::Page { target: "default".to_owned(), text: None }),
        Just(Command::Mitigate { text: None }),
        prop::sample::select(Ending::ALL.to_vec()).prop_map(|ending| Command::Resolve { text: None, ending }),
        prop::option::of(role_again).prop_map(|role| Command::Leave { role }),
        prop::option::of(1..90u32).prop_map(|minutes| Command::Remind { minutes }),
        (text, any::<bool>()).prop_map(|(text, ruled_out)| Command::Tried { text, ruled_out }),
        (0..4u32).prop_map(|task| Command::AssignTask { task, assignee: "U2".into() }),
        Just(Command::Link { channel: "C2".into() }),
        text.prop_map(|reason| Command::Reopen { reason }),
        Just(Command::DraftPostmortem),
        Just(Command::Review),
    ];
    let outcome = prop_oneof![
        Just(Command::ChannelReady { channel: Channel::own("C1".into(), "inc".to_owned()) }),
        Just(Command::MessagePosted {
            slot: Slot::Card,
            message: MessageRef { channel: "C1".into(), ts: "1.0".to_owned() }
        }),
        Just(Command::ChannelReady { channel: Channel { linked: true, ..Channel::own("C2".into(), "x".to_owned()) } }),
        Just(Command::ChannelGone { channel: "C1".into(), why: muster::domain::reason::ChannelLoss::Archived }),
        (0..3u32).prop_map(|asked| Command::CheckCommander { asked }),
        (0..3u32).prop_map(|asked| Command::CheckAcknowledged { asked }),
        (0..4u32).prop_map(|task| Command::CheckTask { task }),
        Just(Command::CheckOpening),
        Just(Command::HandoverDue { request: "R".to_owned() }),
        prop::option::of("[a-z]{3}").prop_map(|canvas| Command::PostmortemPosted { canvas }),
        any::<bool>().prop_map(|say| Command::GiveUp { what: "a".to_owned(), why: "b".into(), say }),
    ];
    let levels = prop::sample::select(vec![Level::Info, Level::Warning, Level::Error, Level::Critical]);
    let monitor = (0..4u8, any::<bool>(), levels).prop_map(|(key, firing, level)| Command::Receive {
        signal: signal(key, firing, level),
        known: None,
        because: JoinReason::SameKey,
        quiet: false,
    });
    let news = prop::sample::select(vec![PagerNews::Triggered, PagerNews::Acknowledged, PagerNews::Resolved]);
    let pager = news.prop_map(|news| Command::PagerSays { key: String::new(), news, url: None });
    prop_oneof![
        6 => human.prop_map(|command| (command, Standing::Member)),
        2 => outcome.prop_map(|command| (command, Standing::Muster)),
        3 => monitor.prop_map(|command| (command, Standing::Monitor)),
        1 => pager.prop_map(|command| (command, Standing::Pager)),
    ]
    .prop_flat_map(|(command, standing)| (Just(command), Just(standing), 0..3u8))
}

proptest! {
    #[test]
    fn replay_gives_the_stored_state(commands in prop::collection::vec(any_command(), 0..60)) {
        let (policy, library) = (policy(), Library::new([("x.md".to_owned(), book())]).unwrap());
        let mut entries: Vec<Entry> = Vec::new();
        let mut case: Option<Case> = None;
        let opening = (Command::Receive { signal: signal(0, true, Level::Error), known: None, because: JoinReason::Opened, quiet: false }, Standing::Monitor, 0);
        for (minute, (mut command, standing, who)) in std::iter::once(opening).chain(commands).enumerate() {
            // What the app looks up before it asks.
            if let (Command::Receive { signal, known, .. }, Some(case)) = (&mut command, &case) {
                *known = case.alerts.values().find(|alert| alert.signal.key == signal.key).map(|alert| alert.id.clone());
                if known.is_none() && signal.status == SignalStatus::Resolved {
                    continue;
                }
            }
            if let (Command::PagerSays { key, .. }, Some(case)) = (&mut command, &case) {
                *key = case.incident.pages.keys().next().cloned().unwrap_or_default();
            }
            let actor = match standing {
                Standing::Member => Actor::Person { id: format!("U{}", who + 1).into() },
                Standing::Monitor => Actor::Monitor { source: "dq".to_owned() },
                Standing::Pager => Actor::PagerDuty { name: "Dana".to_owned() },
                _ => Actor::Muster,
            };
            let fresh = if matches!(command, Command::Take { .. }) { "R".to_owned() } else { format!("F{minute:04}") };
            let context = Context { now: at(minute as i64), fresh, next_number: 1, actor, standing, policy: &policy, library: &library, tier: None, people: &Nobody };
            let decided = match (&case, &command) {
                (Some(case), command) => decide(case, command, &context),
                (None, Command::Receive { signal, because, .. }) => {
                    open(&Opening::Receive { signal: Box::new(signal.clone()), because: because.clone() }, &context)
                }
                (None, _) => continue,
            };
            let Ok(decision) = decided else { continue };
            // Entries are numbered without gaps.
            for entry in &decision.entries {
                prop_assert_eq!(entry.seq, entries.len() as u64 + 1);
                // What is stored is what is read back.
                let stored = serde_json::to_value(entry).unwrap();
                prop_assert_eq!(&serde_json::from_value::<Entry>(stored).unwrap(), entry);
                entries.push(entry.clone());
            }
            prop_assert_eq!(decision.case.incident.firing as usize, decision.case.alerts.values().filter(|alert| alert.signal.status == SignalStatus::Firing).count());
            prop_assert_eq!(decision.case.incident.open_tasks as usize, decision.case.tasks.values().filter(|task| task.done_at.is_none()).count());
            let body = serde_json::to_value(&decision.case.incident).unwrap();
            prop_assert_eq!(&serde_json::from_value::<muster::domain::Incident>(body).unwrap(), &decision.case.incident);
            case = Some(decision.case);
        }
        // What monitors said stands in the alerts' own records, and not in the timeline.
        let without_alerts = |case: Option<Case>| case.map(|case| Case { alerts: BTreeMap::new(), ..case });
        prop_assert_eq!(without_alerts(replay(&entries)), without_alerts(case));
    }
}
