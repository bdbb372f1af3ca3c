//! Errors of ledger-svc.

use std::time::Duration;

use kit_core::error::{ProblemCode, RpcError};
pub use kit_service::use_case::Error;

use crate::domain::account::AccountState;
use crate::domain::posting::Rejection;

/// The time after which a client may retry when the posting queue is full.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Invalid(violations) => violations.into(),
            Rejection::AccountClosed(_) => {
                let violations = rejection.into_violations();
                RpcError { violations, ..ProblemCode::AccountClosed.into() }.into()
            }
            Rejection::NotFound(what) => Self::not_found(what),
            Rejection::VersionMismatch => ProblemCode::VersionMismatch.into(),
            Rejection::Voided => ProblemCode::TransactionVoided.into(),
            Rejection::OutOfRange => ProblemCode::BalanceOutOfRange.into(),
        }
    }
}

/// Returns the error for an account that cannot be deleted because it has a balance.
pub fn account_has_balance(AccountState { account, balance }: &AccountState) -> Error {
    let (currency, projected) = (account.currency(), account.projected_balance);
    let text = format!(
        "The account's balance must be zero, but it is {balance} {currency} today and {projected} with later transactions. Move the money first, or send with_balance=true."
    );
    RpcError::new(ProblemCode::AccountHasBalance, text).into()
}

/// Returns the error for a full posting queue.
pub fn queue_full() -> Error {
    RpcError::from(ProblemCode::Overloaded).retry_after(RETRY_DELAY).into()
}

/// Returns the error for a command whose deadline passed before it was executed.
pub fn deadline_passed() -> Error {
    ProblemCode::Timeout.into()
}

/// Returns the error for a commit whose response was lost.
/// The command may or may not have taken effect.
pub fn outcome_unknown() -> Error {
    let text = "The request may or may not have taken effect. Check before you repeat it, or repeat it with the same idempotency key.";
    RpcError::new(ProblemCode::Unavailable, text).into()
}
