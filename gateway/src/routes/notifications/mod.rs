pub mod list_notifications;
pub mod mark_notification;
pub mod read_all;
pub mod view;
