//! Extractors for handlers; each rejection is a problem.

mod format_query;
mod idempotency;
mod if_match;
mod json;
mod page_link;
mod query;
mod strict_object;
mod user;

pub use fintrac_proto::rest::BoundedVec;
pub use format_query::{FormatQuery, ResponseFormat};
pub use idempotency::{Idempotency, IdempotentJson};
pub use if_match::IfMatch;
pub use json::Json;
pub use page_link::PageLink;
pub use query::{NoQuery, StrictQuery};
pub use user::{RequirePermission, User, permission};
