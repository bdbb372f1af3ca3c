//! Whole-system tests: the system as people run it, in one process or five,
//! reached by REST and gRPC only.

pub mod client;
pub mod events;
pub mod mailbox;
pub mod system;
