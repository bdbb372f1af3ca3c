//! Database access. All SQL of notify-svc is in this module.

pub mod changes;
pub mod emails;
pub mod notifications;
pub mod personal_data;
pub mod reports;
