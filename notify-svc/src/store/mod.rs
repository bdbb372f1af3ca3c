//! Database access. All SQL of notify-svc is in this module.

pub mod changes;
pub mod emails;
pub mod export;
pub mod notifications;
pub mod reports;
