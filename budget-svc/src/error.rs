//! Errors of budget-svc.

use fintrac_kit::error::{ProblemCode, RpcError};
pub use fintrac_kit::use_case::Error;

/// Returns the error for a transfer that was sent, and that the ledger has not confirmed.
pub fn transfer_pending() -> Error {
    let text = "The transfer is not confirmed yet. Check the contributions before you send it again, or repeat it with the same idempotency key.";
    RpcError::new(ProblemCode::Unavailable, text).into()
}
