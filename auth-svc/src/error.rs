//! Errors of auth-svc.

use std::time::Duration;

use kit_core::error::{ProblemCode, RpcError};
pub use kit_service::use_case::Error;

/// The reason why auth-svc cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("a signing key cannot be decrypted with FINTRAC_DATA_KEYS; add the data key that encrypted it")]
    SigningKey,
}

/// Returns the error for an attempt that must wait for `delay`.
pub fn throttled(delay: Duration) -> Error {
    RpcError::from(ProblemCode::TooManyAttempts).retry_after(delay).into()
}

/// Returns the error for a password that cannot be hashed soon.
pub fn overloaded() -> Error {
    let text = "Too many logins are waiting. Try again in a few seconds.";
    RpcError::new(ProblemCode::Overloaded, text).retry_after(Duration::from_secs(2)).into()
}
