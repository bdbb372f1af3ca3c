//! The whole system in one process, and the operator's commands.
//!
//! This crate only composes; the behavior is in the crates of the services.

pub mod commands;
mod data_dir;
mod database;
mod system;

pub use system::System;
