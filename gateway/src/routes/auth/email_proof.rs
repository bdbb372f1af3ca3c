//! Validates the proof that a user receives the emails of an address.
//!
//! The proof is a `token`, or an `email` with a `code`.

use crate::problem::Problem;

/// Requires exactly one complete proof.
pub fn validate(token: &str, email: &str, code: &str) -> Result<(), Problem> {
    let (field, error, text) = match [token, email, code].map(|text| !text.trim().is_empty()) {
        [true, false, false] | [false, true, true] => return Ok(()),
        [false, false, false] => ("token", "REQUIRED", "Send token, or email and code."),
        [false, false, true] => ("email", "REQUIRED", "Send it together with code."),
        [false, true, false] => ("code", "REQUIRED", "Send it together with email."),
        [true, ..] => ("token", "CONFLICTING", "Send either token, or email and code."),
    };
    Err(Problem::new("VALIDATION_FAILED", "Some fields are invalid; see errors.").field(field, error, text))
}
