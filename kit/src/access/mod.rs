//! Who is calling, and may they.
//!
//! A call is admitted by the RPC's row in the access table of `fintrac-proto`:
//! a service credential that proves which part calls, a user's access token,
//! or both; and of a user the permissions that the row names. Facts about the client that a caller forwards are believed only
//! with a service credential.

mod addresses;
pub mod caller;
pub mod credential;
mod follow;
mod gate;
pub mod network;
mod refusals;
pub mod token;
pub mod trust;

pub use addresses::{AddressRule, AddressRules};
pub use caller::{By, Caller, Principal};
pub use follow::follow;
pub use gate::{DirectRate, Gate, bearer};
pub use network::{network, site};
pub use refusals::{RefusedCall, RefusedCalls};
