//! `muster bench` runs to its end and leaves nothing behind. The tests check no figure, because Muster promises none.

use serde_json::Value;

#[test]
fn the_bench_has_every_row_and_leaves_nothing_behind() {
    let folder = crate::harness::folder();
    let output = crate::harness::muster()
        .args(["bench", "--quick", "--seconds", "0.3", "--incidents", "200", "--json", "--folder"])
        .arg(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left behind");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();

    let loads = report["loads"].as_array().unwrap();
    let mut cases = Vec::new();
    for alerts in ["distinct", "repeated", "own"] {
        cases.extend([1, 64, 256].map(|connections| ("muster", alerts, connections)));
        cases.push(("in_memory", alerts, 64));
    }
    for target in ["disk", "plain"] {
        cases.extend([1, 64, 256].map(|connections| (target, "distinct", connections)));
    }
    for (target, alerts, connections) in &cases {
        let row = loads
            .iter()
            .find(|row| row["target"] == *target && row["alerts"] == *alerts && row["connections"] == *connections);
        let row = row.unwrap_or_else(|| panic!("{target}, {alerts}, {connections} is not there"));
        assert!(row["per_second"].as_f64().unwrap() > 0.0 && row["p99_ms"].as_f64() >= row["p50_ms"].as_f64(), "{row}");
    }
    assert_eq!(loads.len(), cases.len());

    let figures = |list: &str| -> Vec<String> {
        report[list].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let (named, ratios) = (figures("figures"), figures("ratios"));
    for name in [
        "webhook to the page at PagerDuty, idle, p99",
        "`/incident list`, idle, p99",
        "`/incident list`, in a storm, p99",
        "memory, idle",
        "memory, 100 active alerts",
        "memory, 1000 active alerts",
        "bytes on disk an alert",
        "records kept an alert",
        "entries in the outbox an alert, seconds after the storm",
        "`muster serve` to ready after an import, with 200 incidents stored",
        "`muster serve` to ready, with 200 incidents stored",
        "the same after a crash, with 200 incidents stored",
        "of it, opening the store, with 200 incidents stored",
        "of it, making the bot, with 200 incidents stored",
    ] {
        assert!(named.iter().any(|one| one == name), "{name} is not in {named:?}");
    }
    for name in [
        "distinct: Muster to the same in memory",
        "own incident each: Muster to the same in memory",
        "distinct, 64 at once: Muster to append and sync",
        "distinct, 64 at once: Muster to the plain server",
    ] {
        assert!(ratios.iter().any(|one| one == name), "{name} is not in {ratios:?}");
    }
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_starts() {
    for wrong in [["--seconds", "0"], ["--seconds", "soon"], ["--incidents", "1"]] {
        let output = crate::harness::muster().arg("bench").args(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}
