use std::sync::Arc;

use kit_core::error::{self, FieldViolation, ProblemCode, RpcError};
use kit_core::pagination::PageError;
use kit_db::is_transient;
use kit_jobs::JobError;
use tonic::{Code, Status};

/// The reason why a use case failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The stored response to an earlier request with the same idempotency key.
    #[error("the request was executed before")]
    Replayed(Vec<u8>),
    /// A rejection that the caller gets as it is.
    #[error("{}", .0.message)]
    Rejected(RpcError),
    /// The status of a call to another service.
    #[error("{0}: {1}")]
    Upstream(&'static str, Status),
    /// A failure of the database.
    #[error(transparent)]
    Database(Arc<sqlx::Error>),
    /// A broken invariant; the caller does not get the text.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Creates the error for a resource that is missing or owned by another user.
    pub fn not_found(what: &str) -> Self {
        RpcError::not_found(what).into()
    }

    /// Creates the error for a caller who may not do this.
    pub fn forbidden(text: &str) -> Self {
        RpcError::new(ProblemCode::PermissionDenied, text).into()
    }

    /// Creates the error for query parameters that cannot be parsed.
    pub fn query(violations: Vec<FieldViolation>) -> Self {
        RpcError::query(violations).into()
    }

    /// Rejects a request that expects another version than the current one.
    pub fn check_version(expected: Option<i64>, current: i64) -> Result<(), Self> {
        if expected.is_none_or(|expected| expected == current) {
            return Ok(());
        }
        Err(ProblemCode::VersionMismatch.into())
    }

    /// Returns the code of a rejection.
    pub fn code(&self) -> Option<ProblemCode> {
        match self {
            Self::Rejected(rejection) => Some(rejection.code),
            Self::Replayed(_) | Self::Upstream(..) | Self::Database(_) | Self::Internal(_) => None,
        }
    }

    /// Returns whether a retry cannot help, because the input was rejected.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Rejected(rejection) => matches!(
                rejection.code,
                ProblemCode::ValidationFailed | ProblemCode::QueryInvalid | ProblemCode::NotFound
            ),
            Self::Upstream(_, status) => matches!(
                status.code(),
                Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::OutOfRange
            ),
            Self::Replayed(_) | Self::Database(_) | Self::Internal(_) => false,
        }
    }
}

impl From<RpcError> for Error {
    fn from(error: RpcError) -> Self {
        Self::Rejected(error)
    }
}

impl From<ProblemCode> for Error {
    fn from(code: ProblemCode) -> Self {
        RpcError::from(code).into()
    }
}

impl From<FieldViolation> for Error {
    fn from(violation: FieldViolation) -> Self {
        vec![violation].into()
    }
}

impl From<Vec<FieldViolation>> for Error {
    fn from(violations: Vec<FieldViolation>) -> Self {
        RpcError::invalid(violations).into()
    }
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        Self::query(vec![error.into()])
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Database(error) if is_transient(&error) => Self::Unavailable(text),
            Error::Upstream(_, status) if error::is_unavailable(&status) => Self::Unavailable(text),
            Error::Rejected(rejection) if rejection.code == ProblemCode::Unavailable => {
                Self::Unavailable(text)
            }
            error if error.is_final() => Self::Permanent(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected(rejection) => rejection.into(),
            // A status without a reason is the transport's: the call did not reach the service.
            Error::Upstream(service, status)
                if status.code() == Code::Unavailable && error::reason(&status).is_none() =>
            {
                error::unavailable(format!("{service} cannot be reached. Try again in a moment."))
            }
            Error::Upstream(_, status) => status,
            Error::Database(error) => kit_db::error_status(&error),
            Error::Replayed(_) | Error::Internal(_) => error::internal(&error),
        }
    }
}
