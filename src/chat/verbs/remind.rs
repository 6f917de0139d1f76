//! `remind`: puts off the reminder of the next update, or ends it.

use crate::chat::line::Verb;
use crate::domain::Command;

/// How long a reminder is put off if nobody says for how long, in minutes.
const SNOOZE_MINUTES: u32 = 15;

pub(crate) static VERB: Verb = Verb {
    words: &["remind", "snooze"],
    arguments: "<15m|off>",
    help: "be reminded of the next update later, or no more",
    parse: |line| match line.rest.to_lowercase().as_str() {
        "off" | "stop" | "no" | "never" => line.command(Command::Remind { minutes: None }),
        "" => line.command(Command::Remind { minutes: Some(SNOOZE_MINUTES) }),
        when => {
            let at = line.future(when)?;
            let minutes = u32::try_from(((at - line.clock.now).num_seconds() + 59).div_euclid(60).max(1))
                .unwrap_or(SNOOZE_MINUTES);
            line.command(Command::Remind { minutes: Some(minutes) })
        }
    },
};
