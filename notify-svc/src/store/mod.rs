//! The only place with SQL.

pub mod mails;
pub mod notifications;
