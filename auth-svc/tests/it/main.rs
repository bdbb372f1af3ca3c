//! auth-svc through its in-process client, on a real database.

mod login;
mod preferences;
mod refresh;
mod register;
mod support;
mod trust;
mod verify_email;
