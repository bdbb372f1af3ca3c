//! Errors of the use cases and their gRPC status.

use fintrac_kit::database::{is_out_of_range, is_transient};
use fintrac_kit::error::{self, FieldViolation, ProblemCode, RpcError};
use fintrac_kit::jobs::JobError;
use fintrac_kit::pagination::PageError;
use std::sync::Arc;
use tonic::Status;

use crate::domain::account::AccountState;
use crate::domain::posting::Rejection;

/// The reason why a use case failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the command was rejected: {0:?}")]
    Rejected(Rejection),
    /// Query parameters that are invalid.
    #[error("the query is invalid")]
    InvalidQuery(Vec<FieldViolation>),
    /// A rejection that its code describes.
    #[error(transparent)]
    Problem(#[from] ProblemCode),
    #[error("the account has a balance")]
    AccountHasBalance(Box<AccountState>),
    #[error("the posting queue is full")]
    Overloaded,
    #[error("the deadline passed before the command was executed")]
    Expired,
    /// The commit's response was lost, so the command may or may not have taken effect.
    #[error("the outcome of the commit is unknown")]
    OutcomeUnknown,
    #[error("auth-svc: {0}")]
    Auth(Status),
    #[error(transparent)]
    Database(Arc<sqlx::Error>),
    #[error("{0}")]
    Internal(String),
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
            Error::Auth(status) if error::is_unavailable(&status) => Self::Unavailable(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Vec<FieldViolation>> for Error {
    fn from(violations: Vec<FieldViolation>) -> Self {
        Self::Rejected(Rejection::Invalid(violations))
    }
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        Self::InvalidQuery(vec![error.into()])
    }
}

impl Error {
    pub fn not_found(what: &'static str) -> Self {
        Self::Rejected(Rejection::NotFound(what))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let rpc_error = match error {
            Error::Rejected(rejection) => from_rejection(rejection),
            Error::InvalidQuery(violations) => RpcError::query(violations),
            Error::Problem(code) => code.into(),
            Error::AccountHasBalance(state) => RpcError::new(
                ProblemCode::AccountHasBalance,
                format!(
                    "The account's balance must be zero, but it is {} {} today and {} with later transactions. Move the money first, or send with_balance=true.",
                    state.balance,
                    state.account.currency(),
                    state.account.projected_balance,
                ),
            ),
            Error::Overloaded => return error::overloaded(),
            Error::Expired => return Status::deadline_exceeded("deadline passed"),
            Error::OutcomeUnknown => {
                return error::unavailable(
                    "The request may or may not have taken effect. Check before you repeat it, or repeat it with the same idempotency key.",
                );
            }
            Error::Auth(status) => return status,
            Error::Database(error) if is_out_of_range(&error) => RpcError::new(
                ProblemCode::BalanceOutOfRange,
                "The totals exceed the largest supported amount. Request fewer days.",
            ),
            Error::Database(error) => return error::database(&error),
            Error::Internal(_) => return error::internal(&error),
        };
        rpc_error.into()
    }
}

fn from_rejection(rejection: Rejection) -> RpcError {
    match rejection {
        Rejection::Invalid(violations) => RpcError::invalid(violations),
        Rejection::AccountClosed(fields) => {
            let violations = Rejection::AccountClosed(fields).into_violations();
            RpcError { violations, ..RpcError::from(ProblemCode::AccountClosed) }
        }
        Rejection::NotFound(what) => RpcError::not_found(what),
        Rejection::VersionMismatch => ProblemCode::VersionMismatch.into(),
        Rejection::Voided => RpcError::from(ProblemCode::TransactionVoided),
        Rejection::OutOfRange => RpcError::from(ProblemCode::BalanceOutOfRange),
    }
}
