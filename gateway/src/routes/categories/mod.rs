pub mod create_category;
pub mod delete_category;
pub mod get_category;
pub mod list_categories;
pub mod response;
pub mod update_category;
