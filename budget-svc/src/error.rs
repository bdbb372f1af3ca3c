//! What budget-svc refuses, and how it looks on the wire.

use fintrac_kit::error::{self, Refusal, Violation};
use fintrac_kit::idempotency;
use fintrac_kit::page::PageError;
use tonic::{Code, Status};

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("some fields are refused")]
    Invalid(Vec<Violation>),
    /// Parts of a query that cannot be read.
    #[error("the query cannot be read")]
    Query(Vec<Violation>),
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("it has changed")]
    VersionMismatch,
    #[error("the idempotency key came before with another body")]
    KeyReused,
    #[error("the goal is cancelled")]
    Cancelled,
    /// Money is on its way and nobody knows yet whether it arrived.
    #[error("the transfer is under way")]
    UnderWay,
    /// Another change of the same kind is under way.
    #[error("too much at once")]
    Busy,
    /// The ledger or auth-svc refused or cannot be reached.
    #[error("{0}: {1}")]
    Part(&'static str, Status),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Whether asking again later cannot help: another service understood and refuses.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Part(_, status) => matches!(
                status.code(),
                Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::OutOfRange
            ),
            Self::Invalid(_) | Self::Query(_) | Self::NotFound(_) => true,
            Self::VersionMismatch
            | Self::KeyReused
            | Self::Cancelled
            | Self::UnderWay
            | Self::Busy
            | Self::Database(_)
            | Self::Internal(_) => false,
        }
    }
}

impl From<Vec<Violation>> for Error {
    fn from(violations: Vec<Violation>) -> Self {
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
        let refusal = match error {
            Error::Invalid(violations) => Refusal::invalid(violations),
            Error::Query(violations) => Refusal::query(violations),
            Error::NotFound(what) => Refusal::not_found(what),
            Error::VersionMismatch => Refusal::version_mismatch(),
            Error::KeyReused => idempotency::reused(),
            Error::Cancelled => {
                let text = "The goal is cancelled; set its status to active first.";
                Refusal::new(Code::FailedPrecondition, "GOAL_CANCELLED", text)
            }
            Error::UnderWay => {
                let text = "The transfer is under way and not confirmed yet; look at the contributions before you send it again, or send the same idempotency key.";
                return error::unavailable(text);
            }
            Error::Busy => return error::busy(),
            // What never reached a part carries no reason of ours.
            Error::Part(part, status)
                if status.code() == Code::Unavailable && error::reason(&status).is_none() =>
            {
                return error::unavailable(format!("{part} cannot be reached; try again in a moment."));
            }
            Error::Part(_, status) => return status,
            Error::Database(error) => return error::database(&error),
            Error::Internal(_) => return error::internal(&error),
        };
        refusal.into()
    }
}
