//! notify-svc on a real database and a real SMTP server; auth-svc,
//! ledger-svc and budget-svc are played by the test.

mod activity;
mod auth;
mod budget;
mod feed;
mod ledger;
mod mails;
mod money;
mod notifications;
mod reports;
mod support;
