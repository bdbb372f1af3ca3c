//! Tests the system in one process or in five, only over REST and gRPC.

pub mod client;
pub mod events;
pub mod mailbox;
pub mod system;
