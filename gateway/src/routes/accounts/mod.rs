pub mod create_account;
pub mod delete_account;
pub mod get_account;
pub mod list_account_transactions;
pub mod list_accounts;
pub mod restore_account;
pub mod update_account;
pub mod view;
