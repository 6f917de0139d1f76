//! Times as programs write them.

use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc};

/// With a zone. RFC 3339 is tried before.
const ZONED: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%a, %d %b %Y %H:%M:%S %z"];
/// Without a zone, as warehouses and Python's `isoformat` write it. It is UTC.
const ZONELESS: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
/// How a text may end that says UTC.
const ENDS: [&str; 6] = ["+00:00Z", " UTC", " Z", "Z", " GMT", "+00:00[UTC]"];

/// The moment that a text says; without a zone, it is in UTC. `None` if it says none. The year 1, 1970 or 9999 is how programs write that they
/// have no time.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let zoneless = |text: &str| ZONELESS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let time = text
        .parse()
        .ok()
        .or_else(|| Some(ZONED.iter().find_map(|form| DateTime::parse_from_str(text, form).ok())?.to_utc()))
        .or_else(|| Some(zoneless(text)?.and_utc()))
        .or_else(|| Some(ENDS.iter().find_map(|end| zoneless(text.strip_suffix(end)?))?.and_utc()))?;
    is_real(time).then_some(time)
}

/// Whether a time can be when something happened.
pub fn is_real(time: DateTime<Utc>) -> bool {
    (1971..3000).contains(&time.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_in_many_words() {
        for text in [
            "2026-11-27T10:00:00Z",
            "2026-11-27T10:00:00.000000+00:00",
            "2026-11-27T11:00:00+0100",
            "2026-11-27T11:00:00.000+01",
            "2026-11-27 11:00:00+01",
            "2026-11-27T11:00+01:00",
            "2026-11-27T10:00:00",
            "2026-11-27T10:00:00.000000",
            " 2026-11-27 10:00:00 ",
            "2026-11-27 10:00:00.000 UTC",
            "2026-11-27T10:00:00+00:00Z",
            "2026-11-27T10:00:00+00:00[UTC]",
            "2026-11-27T10:00",
            "2026-11-27T10:00Z",
            "Fri, 27 Nov 2026 10:00:00 +0000",
        ] {
            assert_eq!(
                time(text).map(|time| time.to_rfc3339()).as_deref(),
                Some("2026-11-27T10:00:00+00:00"),
                "{text}"
            );
        }
        for text in [
            "",
            "now",
            "N/A",
            "2026-11-27",
            "10:00",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
