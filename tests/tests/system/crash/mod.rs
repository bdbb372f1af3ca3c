//! Processes are killed under load; nothing acknowledged is lost and nothing is duplicated.

pub mod alerts;
pub mod contributions;
pub mod registrations;
pub mod transactions;
