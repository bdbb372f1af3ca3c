pub mod create_transaction;
pub mod delete_transaction;
pub mod get_transaction;
pub mod list_history;
pub mod list_transactions;
pub mod update_transaction;
pub mod view;
