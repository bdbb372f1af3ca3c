//! All SQL of auth-svc, one file per aggregate.
//! The functions take a connection; the use case decides on the transaction.

pub mod challenges;
pub mod cleanup;
pub mod devices;
pub mod encrypted_values;
pub mod households;
pub mod ip_rules;
pub mod managed_users;
pub mod personal_data;
pub mod preferences;
pub mod refresh_tokens;
pub mod revocations;
pub mod roles;
pub mod second_factors;
pub mod security_events;
pub mod sessions;
pub mod signing_keys;
pub mod throttles;
pub mod users;
