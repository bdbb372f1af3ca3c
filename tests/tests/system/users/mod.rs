//! `/users/me`.

pub mod audit_log;
pub mod export;
pub mod me;
pub mod preferences;
