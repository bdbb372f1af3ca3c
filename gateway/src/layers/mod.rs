//! What holds for every request, one concern a file.

pub mod addresses;
pub mod body;
pub mod context;
pub mod framing;
pub mod head;
pub mod nul;
pub mod problems;
pub mod rate_limit;
pub mod run_to_end;
pub mod size;
pub mod slash;
