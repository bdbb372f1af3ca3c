//! The only place with SQL.

pub mod mails;
