//! The fuzz targets with a little of everything: they build, and hold for these. `fuzz/run` looks much longer.

#[path = "../../fuzz/fuzz_targets/bodies.rs"]
mod bodies;

use proptest::prelude::*;

/// The targets that are named in `fuzz/Cargo.toml`.
fn targets() -> Vec<&'static str> {
    let names = include_str!("../../fuzz/Cargo.toml").lines().filter_map(|line| line.strip_prefix("name = \""));
    let names: Vec<_> = names.map(|name| name.trim_end_matches('"')).filter(|name| *name != "muster-fuzz").collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

#[test]
fn every_target_takes_what_is_nearly_right() {
    crate::harness::within_time();
    let empty = br#"{"alerts": [{}], "type": "block_actions", "event": {}, "event_action": "trigger", "payload": {}}"#;
    for target in targets() {
        for body in [&b""[..], b"{}", b"[]", b"null", empty] {
            match target {
                "slack" => bodies::slack(body),
                "slash" => bodies::slash(&String::from_utf8_lossy(body)),
                kind => bodies::monitor(kind, body),
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_and_no_line_panic(body in proptest::collection::vec(any::<u8>(), 0..200), line in "\\PC{0,100}") {
        bodies::slack(&body);
        bodies::slash(&line);
        bodies::monitor("generic", &body);
    }
}
