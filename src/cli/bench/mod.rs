//! `muster bench`: measures Muster on this machine, with one command. Muster runs in its own process on a throw-away store, with
//! the pretend Slack and PagerDuty. The load comes from here, over loopback. `run` has the order of the measurements, `people`
//! measures what people wait for, `stored` what grows with the store, and `report` prints the results.

mod case;
mod ceilings;
mod connection;
mod drive;
mod measure;
mod options;
mod people;
mod report;
mod server;
mod stored;

pub(super) use measure::run;
pub(super) use options::Options;
