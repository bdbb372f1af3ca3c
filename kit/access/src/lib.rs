//! Authenticates and authorizes calls.
//!
//! A call is admitted by the RPC's row in the access table of `fintrac-proto`. The row requires a
//! service credential, which proves the calling service, a user's access token, or both, and it
//! names the permissions that the user needs. Facts about the client that a caller forwards are
//! trusted only with a service credential.

#![warn(missing_docs)]

mod authorizer;
pub mod caller;
pub mod credential;
mod denied_calls;
mod ip_rules;
pub mod network;
pub mod token;
pub mod token_verifier;

pub use authorizer::{AuthorizedCall, Authorizer, DirectRateLimit, bearer_token};
pub use caller::{Caller, Principal, RequestContext};
pub use denied_calls::{DeniedCall, DeniedCallReceiver};
pub use ip_rules::{EnforcedIpRule, EnforcedIpRules};
pub use network::{network_key, site_key};
