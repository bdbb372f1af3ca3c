//! Whole-system tests: the system in one process or in five, accessed only over REST and gRPC.

pub mod client;
pub mod events;
pub mod mailbox;
pub mod system;
