//! notify-svc on a real database and a real SMTP server; auth-svc and
//! budget-svc are played by the test.

mod activity;
mod auth;
mod budget;
mod mails;
mod notifications;
mod support;
