//! What holds for every request, one concern a file.

pub mod context;
pub mod problems;
pub mod run_to_end;
pub mod slash;
