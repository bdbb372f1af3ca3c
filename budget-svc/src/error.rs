//! Errors of budget-svc and their gRPC statuses.

use fintrac_kit::error::{self, FieldViolation, ProblemCode, RpcError};
use fintrac_kit::jobs::JobError;
use fintrac_kit::pagination::PageError;
use tonic::{Code, Status};

/// An error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("some fields are invalid")]
    Invalid(Vec<FieldViolation>),
    /// Query parameters that cannot be parsed.
    #[error("some query parameters are invalid")]
    Query(Vec<FieldViolation>),
    #[error("{0} not found")]
    NotFound(&'static str),
    /// A rejection that its code describes.
    #[error(transparent)]
    Problem(#[from] ProblemCode),
    /// The transfer was sent, and the ledger has not confirmed it.
    #[error("the transfer is not confirmed yet")]
    TransferPending,
    /// A job has closed a category update because its change took too long.
    #[error("the change took too long")]
    Overloaded,
    /// The status of a call to auth-svc or the ledger.
    #[error("{0}: {1}")]
    Upstream(&'static str, Status),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Returns whether a retry cannot help, because a service rejected the call.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Upstream(_, status) => matches!(
                status.code(),
                Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::OutOfRange
            ),
            Self::Invalid(_) | Self::Query(_) | Self::NotFound(_) => true,
            Self::Problem(_)
            | Self::TransferPending
            | Self::Overloaded
            | Self::Database(_)
            | Self::Internal(_) => false,
        }
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Database(error) => error.into(),
            Error::TransferPending => Self::Unavailable(text),
            Error::Upstream(_, status) if error::is_unavailable(&status) => Self::Unavailable(text),
            error if error.is_final() => Self::Permanent(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<Vec<FieldViolation>> for Error {
    fn from(violations: Vec<FieldViolation>) -> Self {
        Self::Invalid(violations)
    }
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        Self::Query(vec![error.into()])
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let rejection = match error {
            Error::Invalid(violations) => RpcError::invalid(violations),
            Error::Query(violations) => RpcError::query(violations),
            Error::NotFound(what) => RpcError::not_found(what),
            Error::Problem(code) => code.into(),
            Error::TransferPending => {
                let text = "The transfer is not confirmed yet. Check the contributions before you send it again, or repeat it with the same idempotency key.";
                return error::unavailable(text);
            }
            Error::Overloaded => return error::overloaded(),
            // A status without a reason is the transport's: the call did not reach the service.
            Error::Upstream(service, status)
                if status.code() == Code::Unavailable && error::reason(&status).is_none() =>
            {
                return error::unavailable(format!("{service} cannot be reached. Try again in a moment."));
            }
            Error::Upstream(_, status) => return status,
            Error::Database(error) => return error::database(&error),
            Error::Internal(_) => return error::internal(&error),
        };
        rejection.into()
    }
}
