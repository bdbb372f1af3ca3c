//! Errors of budget-svc.

use kit_core::error::{ProblemCode, RpcError};
pub use kit_service::use_case::Error;

/// Returns the error for a transfer that was sent, and that the ledger has not confirmed.
pub fn transfer_pending() -> Error {
    let text = "The transfer is not confirmed yet. Check the contributions before you send it again, or repeat it with the same idempotency key.";
    RpcError::new(ProblemCode::Unavailable, text).into()
}
