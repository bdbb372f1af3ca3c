//! Tests notify-svc with a real database, a real SMTP server and fake services.

mod audit_log;
mod auth;
mod budget;
mod emails;
mod ledger;
mod live_events;
mod money;
mod notifications;
mod personal_data;
mod reports;
mod support;
