//! Identity rules, without I/O and without wire formats.

pub mod challenge;
mod common_passwords;
pub mod device;
pub mod email;
pub mod ip_rule;
pub mod password;
pub mod preferences;
pub mod profile;
pub mod role;
pub mod second_factor;
pub mod secret;
pub mod throttle;
