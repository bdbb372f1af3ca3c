//! `/auth`: registration, login, sessions and second factors.

pub mod devices;
pub mod forgot_password;
pub mod login;
pub mod mfa;
pub mod refresh;
pub mod register;
pub mod signing_keys;
pub mod tokens;
