//! What can be told, and when to try again. No I/O.

pub mod mail;
pub mod retry;
