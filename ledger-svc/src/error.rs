//! What the ledger refuses, and how it looks on the wire.

use fintrac_kit::database::is_out_of_range;
use fintrac_kit::error::{self, FieldViolation, RpcError};
use fintrac_kit::idempotency;
use fintrac_kit::pagination::PageError;
use std::sync::Arc;
use tonic::{Code, Status};

use crate::domain::account::AccountState;
use crate::domain::posting::{CLOSED, OUT_OF_RANGE, Rejection, VOIDED};

/// Why a use case did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the command was rejected: {0:?}")]
    Rejected(Rejection),
    /// Parts of a query that cannot be read.
    #[error("the query cannot be read")]
    InvalidQuery(Vec<FieldViolation>),
    #[error("a name is taken by a live account")]
    AccountNameTaken,
    #[error("the account holds a balance")]
    AccountHasBalance(Box<AccountState>),
    #[error("the category is in use")]
    CategoryInUse,
    #[error("nothing of it recurs any more")]
    RecurringCompleted,
    #[error("the idempotency key came before with another body")]
    KeyMismatch,
    #[error("no rate is known")]
    RateNotFound,
    #[error("too much is waiting to be posted")]
    Overloaded,
    #[error("the deadline passed before the command was carried out")]
    Expired,
    /// Whether it happened is not known.
    #[error("the database's response was lost")]
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
            Error::AccountNameTaken => RpcError::new(
                Code::FailedPrecondition,
                "ACCOUNT_NAME_TAKEN",
                "Another account has this name now; rename that one first.",
            ),
            Error::AccountHasBalance(state) => RpcError::new(
                Code::FailedPrecondition,
                "ACCOUNT_HAS_BALANCE",
                format!(
                    "The account holds {} {} today and {} with what is dated later. Move the money first, or send with_balance=true.",
                    state.balance,
                    state.account.currency(),
                    state.account.projected_balance,
                ),
            ),
            Error::CategoryInUse => RpcError::new(
                Code::FailedPrecondition,
                "CATEGORY_IN_USE",
                "Transactions, recurring ones, budgets or other categories use it; send move_to to move them.",
            ),
            Error::RecurringCompleted => RpcError::new(
                Code::FailedPrecondition,
                "RECURRING_COMPLETED",
                "All of its occurrences are over; give it a later end first.",
            ),
            Error::KeyMismatch => idempotency::key_mismatch(),
            Error::RateNotFound => RpcError::new(
                Code::NotFound,
                "RATE_NOT_FOUND",
                "No rate between these currencies is known up to that day.",
            ),
            Error::Overloaded => return error::overloaded(),
            Error::Expired => return Status::deadline_exceeded("deadline passed"),
            Error::OutcomeUnknown => {
                return error::unavailable(
                    "Whether this was carried out is not known; look before you send it again, or send the same idempotency key.",
                );
            }
            Error::Auth(status) => return status,
            Error::Database(error) if is_out_of_range(&error) => RpcError::new(
                Code::OutOfRange,
                "BALANCE_OUT_OF_RANGE",
                "A total is larger than can be kept; ask for fewer days.",
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
            RpcError { violations, ..RpcError::new(Code::FailedPrecondition, "ACCOUNT_CLOSED", CLOSED) }
        }
        Rejection::NotFound(what) => RpcError::not_found(what),
        Rejection::VersionMismatch => RpcError::version_mismatch(),
        Rejection::Voided => RpcError::new(Code::FailedPrecondition, "TRANSACTION_VOIDED", VOIDED),
        Rejection::OutOfRange => RpcError::new(Code::OutOfRange, "BALANCE_OUT_OF_RANGE", OUT_OF_RANGE),
    }
}
