pub mod get_me;
pub mod get_preferences;
pub mod preferences_view;
pub mod update_preferences;
pub mod view;
