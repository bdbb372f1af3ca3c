//! What handlers take from a request; each refusal is a problem.

mod json;
mod object;
mod user;

pub use json::{Json, LIMIT};
pub use object::Object;
pub use user::User;
