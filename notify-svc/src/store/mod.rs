//! Database access. All SQL of notify-svc is in this module.

pub mod audit_log;
pub mod emails;
pub mod export;
pub mod live_events;
pub mod notifications;
pub mod reports;
