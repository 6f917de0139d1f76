//! Stories, a file a theme. Their names are facts.

mod attacks;
mod contract;
mod errors;
mod faults;
mod floor;
mod intake;
mod lineage;
mod mail;
mod one_incident;
mod peers;
mod people;
mod slack;
mod triage;
mod verbs;
