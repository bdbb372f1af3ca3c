//! What handlers take from a request; each refusal is a problem.

mod amount;
mod bounded;
mod change;
mod if_match;
mod json;
mod object;
mod once;
mod page_link;
mod params;
mod user;

pub use amount::AmountText;
pub use bounded::BoundedVec;
pub use change::{Change, Mask, not_null};
pub use if_match::IfMatch;
pub use json::Json;
pub use object::Object;
pub use once::{Once, OnceJson};
pub use page_link::PageLink;
pub use params::{NoParams, PageParams, Params, flag, instant_of, page_size};
pub use user::{Permitted, User, permission};
