//! What an operator can ask for, a file a command.

pub mod migrate;
pub mod serve;
