//! Tests notify-svc with a real database and a real SMTP server; the other services are fakes.

mod audit_log;
mod auth;
mod budget;
mod emails;
mod ledger;
mod live_events;
mod money;
mod notifications;
mod reports;
mod support;
