//! Emails, notifications, live events and the retry schedule. No I/O.

pub mod change;
pub mod email;
pub mod notification;
