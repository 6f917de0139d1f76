//! How times and durations are written for people.

use super::Time;

/// `2026-11-23 06:18 UTC`.
pub fn stamp(at: Time) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `06:18`.
pub fn clock(at: Time) -> String {
    at.format("%H:%M").to_string()
}

/// `4 h 41 min`, `12 min`, `2 d 3 h`. Under a minute, or negative, is `0 min`.
pub fn duration(from: Time, to: Time) -> String {
    let minutes = (to - from).num_minutes().max(0);
    match (minutes / 1440, minutes % 1440 / 60, minutes % 60) {
        (0, 0, min) => format!("{min} min"),
        (0, h, min) => format!("{h} h {min} min"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let at = |h, m| chrono::Utc.with_ymd_and_hms(2026, 11, 23, h, m, 0).single().expect("a time");
        assert_eq!(duration(at(1, 37), at(6, 18)), "4 h 41 min");
        assert_eq!(duration(at(6, 0), at(6, 12)), "12 min");
        assert_eq!(duration(at(6, 12), at(6, 0)), "0 min");
        assert_eq!(duration(at(0, 0), at(3, 5) + chrono::Duration::days(2)), "2 d 3 h");
    }
}
