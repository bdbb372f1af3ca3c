//! notify-svc on a real database and a real mail server on loopback, beside an
//! auth-svc that says what the test wants.

mod auth;
mod mails;
