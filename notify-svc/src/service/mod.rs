//! The use cases of notify-svc, a file each.

mod account_facts;
mod audit;
mod export;
mod feed;
mod inbox;
mod keep_activity;
mod monthly_reports;
mod report;
mod send_mail;
mod tell_household;
mod tell_of_money;
mod tell_user;
mod telling;

use fintrac_kit::events::HandlerError;
use uuid::Uuid;

pub use feed::Feed;
pub use inbox::Inbox;
pub use keep_activity::KeepActivity;
pub use monthly_reports::{MonthlyReports, TellReports};
pub use report::{Days, Reports};
pub use send_mail::SendMail;
pub use tell_household::TellHousehold;
pub use tell_of_money::TellOfMoney;
pub use tell_user::TellUser;
pub use telling::{Bells, Teller};

/// An id in another part's event or answer.
fn id(text: &str) -> Result<Uuid, HandlerError> {
    Uuid::parse_str(text).map_err(|error| HandlerError::Poison(error.to_string()))
}
