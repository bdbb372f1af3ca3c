pub mod create_recurring;
pub mod delete_recurring;
pub mod get_recurring;
pub mod list_recurring;
pub mod schedule;
pub mod steer;
pub mod update_recurring;
pub mod view;
