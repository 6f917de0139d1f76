//! FLOOR 1. PagerDuty: pages out through the Events API v2, its webhooks v3 in. PagerDuty's payload types stay in here.

pub mod events;
pub mod rest;
pub mod webhooks;
