//! Who is calling, and may they.
//!
//! A call is admitted by the RPC's row in the access table of `fintrac-proto`:
//! a service credential that proves which part calls, a user's access token,
//! or both. Facts about the client that a caller forwards are believed only
//! with a service credential.

pub mod caller;
pub mod credential;
mod follow;
mod gate;
pub mod token;
pub mod trust;

pub use caller::{By, Caller, Principal};
pub use follow::follow;
pub use gate::{Gate, bearer};
