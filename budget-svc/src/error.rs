//! What budget-svc rejects, and how it looks on the wire.

use fintrac_kit::error::{self, FieldViolation, RpcError};
use fintrac_kit::idempotency;
use fintrac_kit::pagination::PageError;
use tonic::{Code, Status};

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("some fields are rejected")]
    Invalid(Vec<FieldViolation>),
    /// Parts of a query that cannot be read.
    #[error("the query cannot be read")]
    Query(Vec<FieldViolation>),
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("it has changed")]
    VersionMismatch,
    #[error("the idempotency key came before with another body")]
    KeyMismatch,
    #[error("the goal is cancelled")]
    GoalCancelled,
    /// Money is on its way and nobody knows yet whether it arrived.
    #[error("the transfer is under way")]
    TransferPending,
    /// Another change of the same kind is under way.
    #[error("too much at once")]
    Overloaded,
    /// The ledger or auth-svc rejected or cannot be reached.
    #[error("{0}: {1}")]
    Upstream(&'static str, Status),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Whether asking again later cannot help: another service understood and rejects.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Upstream(_, status) => matches!(
                status.code(),
                Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::OutOfRange
            ),
            Self::Invalid(_) | Self::Query(_) | Self::NotFound(_) => true,
            Self::VersionMismatch
            | Self::KeyMismatch
            | Self::GoalCancelled
            | Self::TransferPending
            | Self::Overloaded
            | Self::Database(_)
            | Self::Internal(_) => false,
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
            Error::VersionMismatch => RpcError::version_mismatch(),
            Error::KeyMismatch => idempotency::key_mismatch(),
            Error::GoalCancelled => {
                let text = "The goal is cancelled; set its status to active first.";
                RpcError::new(Code::FailedPrecondition, "GOAL_CANCELLED", text)
            }
            Error::TransferPending => {
                let text = "The transfer is under way and not confirmed yet; look at the contributions before you send it again, or send the same idempotency key.";
                return error::unavailable(text);
            }
            Error::Overloaded => return error::overloaded(),
            // What never reached a service carries no reason of ours.
            Error::Upstream(service, status)
                if status.code() == Code::Unavailable && error::reason(&status).is_none() =>
            {
                return error::unavailable(format!("{service} cannot be reached; try again in a moment."));
            }
            Error::Upstream(_, status) => return status,
            Error::Database(error) => return error::database(&error),
            Error::Internal(_) => return error::internal(&error),
        };
        rejection.into()
    }
}
