//! Stories, a file a theme. Their names are facts.

mod attacks;
mod contract;
mod correlation;
mod doors;
mod errors;
mod faults;
mod floor;
mod lineage;
mod mail;
mod monitors;
mod one_incident;
mod peers;
mod people;
mod slack;
mod verbs;
