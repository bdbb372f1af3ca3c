//! What an operator can ask for, a file a command.

pub mod config;
pub mod demo;
pub mod identity;
pub mod jobs;
pub mod migrate;
mod part;
pub mod parts;
pub mod rates;
pub mod serve;
pub mod verify;
