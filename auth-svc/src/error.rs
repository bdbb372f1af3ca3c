//! Errors of the identity use cases and their gRPC statuses.

use std::time::Duration;

use fintrac_kit::error::{self, FieldViolation, ProblemCode, RpcError};
use fintrac_kit::pagination::PageError;
use tonic::Status;

/// The reason why auth-svc cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("a signing key cannot be decrypted with FINTRAC_DATA_KEYS; add the data key that encrypted it")]
    SigningKey,
}

/// The reason why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("some fields are invalid")]
    Invalid(Vec<FieldViolation>),
    /// A rejection that its code describes.
    #[error(transparent)]
    Problem(#[from] ProblemCode),
    #[error("too many attempts")]
    Throttled(Duration),
    #[error("too many logins are waiting")]
    Overloaded,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("the query is invalid")]
    Query(Vec<FieldViolation>),
    #[error("{0}")]
    Status(Box<Status>),
    #[error("the {0} does not exist")]
    NotFound(&'static str),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Internal(String),
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        Self::Query(vec![error.into()])
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let rpc_error = match error {
            Error::Invalid(violations) => RpcError::invalid(violations),
            Error::Problem(code) => code.into(),
            Error::Throttled(delay) => RpcError::from(ProblemCode::TooManyAttempts).retry_after(delay),
            Error::Overloaded => RpcError::new(
                ProblemCode::Overloaded,
                "Too many logins are waiting. Try again in a few seconds.",
            )
            .retry_after(Duration::from_secs(2)),
            Error::Forbidden(text) => RpcError::new(ProblemCode::PermissionDenied, text),
            Error::Query(violations) => RpcError::query(violations),
            Error::Status(status) => return *status,
            Error::NotFound(what) => RpcError::not_found(what),
            Error::Database(error) => return error::database(&error),
            Error::Internal(_) => return error::internal(&error),
        };
        rpc_error.into()
    }
}
