//! What handlers take from a request; each refusal is a problem.

mod json;
mod user;

pub use json::Json;
pub use user::User;
