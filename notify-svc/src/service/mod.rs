//! The use cases of notify-svc, one file each.

mod account_message;
mod auth_events;
mod budget_events;
mod dispatcher;
mod email_sender;
mod inbox;
mod ledger_events;
mod list_audit_log;
mod live_events;
mod monthly_reports;
mod report;

use kit_events::HandlerError;
use uuid::Uuid;

pub use auth_events::AuthEventHandler;
pub use budget_events::BudgetEventHandler;
pub use dispatcher::NotificationDispatcher;
pub use email_sender::EmailSender;
pub use inbox::Inbox;
pub use ledger_events::LedgerEventHandler;
pub use live_events::LiveEvents;
pub use monthly_reports::{MonthlyReportJob, MonthlyReports};
pub use report::{DateRange, Reports};

/// Parses an id in another service's event or response.
fn parse_id(text: &str) -> Result<Uuid, HandlerError> {
    Uuid::parse_str(text).map_err(|error| HandlerError::Permanent(error.to_string()))
}
