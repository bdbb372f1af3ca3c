//! notify-svc on a real database and a real SMTP server; auth-svc,
//! ledger-svc and budget-svc are played by the test.

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
