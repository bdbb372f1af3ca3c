//! The whole suite in one process, and the operator's commands. Composition
//! only: what the suite does is in the service crates.

pub mod commands;
mod data_dir;
mod database;
mod suite;

pub use suite::Suite;
