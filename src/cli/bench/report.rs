//! The results, as tables for people or as JSON. `docs/performance.md` says what each row means.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::case::{Alerts, Case, Target, USUAL};
use super::drive::{Load, Times};
use super::options::Plan;
use crate::domain::counted;

#[derive(Serialize)]
pub(super) struct Report {
    version: &'static str,
    at: DateTime<Utc>,
    machine: String,
    pub(super) loads: Vec<Row>,
    ratios: Vec<Figure>,
    figures: Vec<Figure>,
    notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    case: Case,
    #[serde(flatten)]
    load: Load,
    /// The time of a core of the server for one request, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    core_micros: Option<f64>,
}

#[derive(Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
}

impl Row {
    pub(super) fn of(case: Case, load: Load, worked: Option<f64>) -> Self {
        let core_micros = worked.map(|seconds| seconds * 1e6 / load.taken as f64);
        Self { case, load, core_micros }
    }
}

impl Case {
    /// Its name in the report.
    pub(super) fn words(self) -> String {
        let alerts = match (self.target, self.alerts) {
            (Target::Disk, _) => "append 1 kB and sync, one thread for all",
            (Target::Plain, _) => "plain HTTP server that reads the JSON",
            (_, Alerts::Distinct) => "distinct alerts",
            (_, Alerts::Repeated) => "repeated alerts",
            (_, Alerts::Own) => "own incident each",
        };
        let of = match self.target {
            Target::InMemory => ", in memory",
            Target::Alertmanager => ", Alertmanager",
            Target::Muster | Target::Plain | Target::Disk => "",
        };
        format!("{alerts}{of}, {} at once", self.connections)
    }
}

impl Report {
    pub(super) fn begin(at: DateTime<Utc>, plan: &Plan, quick: bool) -> Self {
        let mut notes = vec![
            "The client, the server, and the pretend Slack and PagerDuty share the machine: a server of its own does more.".to_owned(),
            format!("Each load lasts {} s. Every alert is a request of its own, over connections that are kept, and is on disk when it is answered, except in memory.", plan.seconds),
        ];
        if let Some(load) = at_work().filter(|load| *load > 0.5) {
            notes.push(format!("Others worked on this machine too: its load was {load:.1} before this began."));
        }
        if cfg!(debug_assertions) {
            notes.push("THIS IS A DEBUG BUILD: its figures say nothing. Build with `--release`.".to_owned());
        }
        if quick {
            notes.push("This was a quick run, to see that it works: its figures say little.".to_owned());
        }
        let file_system = file_system(&plan.folder);
        if file_system.as_deref().is_some_and(|name| ["tmpfs", "ramfs"].contains(&name)) {
            notes.push(
                "THE FOLDER IS IN MEMORY: what is synced there costs nothing. Name one on a disk with `--folder`."
                    .to_owned(),
            );
        }
        let file_system = file_system.unwrap_or_else(|| "an unknown file system".to_owned());
        Self {
            version: env!("CARGO_PKG_VERSION"),
            at,
            machine: format!("{}, {file_system}", machine()),
            loads: Vec::new(),
            ratios: Vec::new(),
            figures: Vec::new(),
            notes,
        }
    }

    pub(super) fn note(&mut self, words: String) {
        self.notes.push(words);
    }

    pub(super) fn figure(&mut self, name: &str, value: f64, unit: &'static str) {
        self.figures.push(Figure { name: name.to_owned(), value, unit });
    }

    /// The median and the 99th percentile.
    pub(super) fn times(&mut self, name: &str, times: &Times) {
        self.figure(&format!("{name}, p50"), times.at(50), "ms");
        self.figure(&format!("{name}, p99"), times.at(99), "ms");
    }

    pub(super) fn compare(&mut self) {
        use Alerts::{Distinct, Own, Repeated};
        use Target::{Alertmanager, Disk, InMemory, Muster, Plain};
        let find = |target, alerts, connections| {
            let case = Case { target, alerts, connections };
            self.loads.iter().find(|row| row.case == case).map(|row| &row.load)
        };
        let mut ratios = Vec::new();
        let mut add = |name: String, one: Option<f64>, other: Option<f64>| {
            // Measurements that were left out are not compared.
            if let (Some(one), Some(other)) = (one, other) {
                ratios.push(Figure { name, value: one / other, unit: "×" });
            }
        };
        let rate = |load: Option<&Load>| load.map(|load| load.per_second);
        for (alerts, name) in [(Distinct, "distinct"), (Repeated, "repeated"), (Own, "own incident each")] {
            let (ours, memory) = (find(Muster, alerts, USUAL), find(InMemory, alerts, USUAL));
            add(format!("{name}: Muster to the same in memory"), rate(ours), rate(memory));
            let theirs = find(Alertmanager, alerts, USUAL);
            add(format!("{name}: Muster to Alertmanager, which keeps alerts in memory only"), rate(ours), rate(theirs));
            add(format!("{name}: Muster in memory to Alertmanager"), rate(memory), rate(theirs));
            let p99 = |load: Option<&Load>| load.map(|load| load.p99_ms);
            add(format!("{name}: p99 of Muster to Alertmanager's (below 1 is better)"), p99(ours), p99(theirs));
        }
        for connections in [1, USUAL, 256] {
            let ours = rate(find(Muster, Distinct, connections));
            let disk = rate(find(Disk, Distinct, connections));
            let plain = rate(find(Plain, Distinct, connections));
            add(format!("distinct, {connections} at once: Muster to append and sync"), ours, disk);
            add(format!("distinct, {connections} at once: Muster to the plain server"), ours, plain);
        }
        self.ratios = ratios;
    }

    /// Markdown, for people and documents.
    pub(super) fn markdown(&self) -> String {
        let mut text =
            format!("Muster {}, {}, on {}.\n\n", self.version, self.at.format("%Y-%m-%d %H:%M UTC"), self.machine);
        // Writing into memory cannot fail.
        let _ = writeln!(
            text,
            "| load | a second | p50 ms | p99 ms | worst ms | core µs each | come again |\n|---|--:|--:|--:|--:|--:|--:|"
        );
        for Row { case, load, core_micros } in &self.loads {
            let core = core_micros.map_or_else(|| "–".to_owned(), number);
            let times = [load.p50_ms, load.p99_ms, load.worst_ms].map(number).join(" | ");
            let _ = writeln!(
                text,
                "| {} | {} | {times} | {core} | {} |",
                case.words(),
                number(load.per_second),
                load.refused
            );
        }
        for (title, figures) in [("ratio", &self.ratios), ("figure", &self.figures)] {
            let _ = writeln!(text, "\n| {title} | |\n|---|--:|");
            for Figure { name, value, unit } in figures {
                let _ = writeln!(text, "| {name} | {} {unit} |", number(*value));
            }
        }
        text.push('\n');
        self.notes.iter().for_each(|note| {
            let _ = writeln!(text, "- {note}");
        });
        text
    }
}

/// A number with as many digits as are significant.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The load average of the last minute; `None` if the system does not say.
fn at_work() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Cores, memory and processor, as far as the system says.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let mut words = vec![counted(cores, "core")];
    let memory = field("/proc/meminfo", "MemTotal");
    let memory = memory.and_then(|memory| memory.split_whitespace().next()?.parse::<f64>().ok());
    words.extend(memory.map(|kibibytes| format!("{:.0} GiB", kibibytes / 1024.0 / 1024.0)));
    words.extend(field("/proc/cpuinfo", "model name"));
    words.push(std::env::consts::OS.to_owned());
    words.join(", ")
}

/// The kind of file system of a folder; `None` if the system does not say.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let (_, name) = mounts.filter(|(at, _)| folder.starts_with(at)).max_by_key(|(at, _)| at.len())?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_compared_and_what_was_left_out_is_not() {
        let folder = std::env::temp_dir();
        let plan = Plan { seconds: 3.0, incidents: 2, active: [1, 2], followed: 1, folder, only: None };
        let mut report = Report::begin(DateTime::UNIX_EPOCH, &plan, true);
        for (target, per_second) in [(Target::Muster, 1000.0), (Target::InMemory, 4000.0), (Target::Disk, 8000.0)] {
            let case = Case { target, alerts: Alerts::Distinct, connections: USUAL };
            let load = Load { taken: 3000, refused: 0, per_second, p50_ms: 1.25, p99_ms: 12.5, worst_ms: 125.0 };
            report.loads.push(Row::of(case, load, (target == Target::Muster).then_some(1.5)));
        }
        report.figure("memory, idle", 34.84, "MiB");
        report.compare();
        let told = report.markdown();
        for line in [
            "| distinct alerts, 64 at once | 1000 | 1.25 | 12.5 | 125 | 500 | 0 |",
            "| append 1 kB and sync, one thread for all, 64 at once | 8000 | 1.25 | 12.5 | 125 | – | 0 |",
            "| distinct: Muster to the same in memory | 0.25 × |",
            "| distinct, 64 at once: Muster to append and sync | 0.12 × |",
            "| memory, idle | 34.8 MiB |",
        ] {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
        assert!(!told.contains("Alertmanager") && !told.contains("NaN"), "{told}");
    }
}
