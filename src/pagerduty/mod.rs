//! FLOOR 1. PagerDuty: pages go out through the Events API v2, and its webhooks v3 come in. Only this room knows PagerDuty's payloads.

pub mod events;
pub mod failure;
pub mod rest;
pub mod webhooks;
