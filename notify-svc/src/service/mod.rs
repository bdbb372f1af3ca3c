//! The use cases of notify-svc, a file each.

mod audit;
mod export;
mod inbox;
mod keep_activity;
mod queue_mail;
mod send_mail;
mod tell_household;

use fintrac_kit::events::HandlerError;
use uuid::Uuid;

pub use inbox::Inbox;
pub use keep_activity::{KeepActivity, NothingElse};
pub use queue_mail::QueueMail;
pub use send_mail::SendMail;
pub use tell_household::TellHousehold;

/// An id in another part's event or answer.
fn id(text: &str) -> Result<Uuid, HandlerError> {
    Uuid::parse_str(text).map_err(|error| HandlerError::Poison(error.to_string()))
}
