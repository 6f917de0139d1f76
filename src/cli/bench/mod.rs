//! `muster bench`: what this machine makes of it, in one command. Muster runs as a process of its own on a throw-away store,
//! beside the pretend Slack and PagerDuty; the load comes from here, over loopback. What is measured, in which order, is in `run`;
//! what people wait for is in `people`, what grows with the store in `stored`, and how it is said in `report`.

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
