//! Tests of auth-svc through its in-process client, on a real database.

mod admin;
mod deletion;
mod ip_rules;
mod keys;
mod login;
mod mfa;
mod passwords;
mod personal_data;
mod preferences;
mod profile;
mod races;
mod refresh;
mod register;
mod security_events;
mod sessions;
mod support;
mod trust;
mod verify_email;
