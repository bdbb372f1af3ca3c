//! Kinds, emails, notifications, live events and the retry schedule. No I/O.

pub mod email;
pub mod kind;
pub mod live_event;
pub mod notification;
pub mod retry;
