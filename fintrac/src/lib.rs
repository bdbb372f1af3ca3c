//! The whole system in one process, and the operator's commands. Composition
//! only: what the system does is in the service crates.

pub mod commands;
mod data_dir;
mod database;
mod system;

pub use system::System;
