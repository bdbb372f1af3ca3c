//! Rules of identity: no I/O, no wire forms.

pub mod challenge;
pub mod email;
pub mod password;
pub mod preferences;
pub mod profile;
pub mod secret;
pub mod throttle;
