//! The only place with SQL.

pub mod activity;
pub mod export;
pub mod feed;
pub mod mails;
pub mod notifications;
pub mod reports;
