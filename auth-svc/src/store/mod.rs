//! The only place with SQL, a file per aggregate: free functions on a
//! connection; whose transaction it is, the use case decides.

pub mod challenges;
pub mod cleanup;
pub mod households;
pub mod preferences;
pub mod refresh_tokens;
pub mod revocations;
pub mod security_events;
pub mod sessions;
pub mod signing_keys;
pub mod throttles;
pub mod users;
