//! What an operator can ask for, a file a command.

mod ledger_pool;
pub mod migrate;
pub mod rates;
pub mod serve;
pub mod verify;
