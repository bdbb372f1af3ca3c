pub mod get_me;
pub mod view;
