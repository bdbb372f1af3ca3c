//! What can be told, and when to try again. No I/O.

pub mod email;
pub mod kind;
pub mod live_event;
pub mod notification;
pub mod retry;
