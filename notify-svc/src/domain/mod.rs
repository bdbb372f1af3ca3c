//! What can be told, and when to try again. No I/O.

pub mod feed;
pub mod kind;
pub mod mail;
pub mod notification;
pub mod retry;
