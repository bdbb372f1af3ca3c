pub mod list_notifications;
pub mod mark_all_notifications_read;
pub mod mark_notification;
pub mod response;
