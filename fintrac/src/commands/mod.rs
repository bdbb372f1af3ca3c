//! The operator's commands, one file each.

pub mod config;
pub mod demo;
pub mod identity;
pub mod jobs;
pub mod migrate;
pub mod rates;
pub mod serve;
mod service_database;
pub mod services;
pub mod verify;
