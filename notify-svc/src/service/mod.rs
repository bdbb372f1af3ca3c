//! The use cases of notify-svc, a file each.

mod queue_mail;
mod send_mail;

pub use queue_mail::QueueMail;
pub use send_mail::SendMail;
