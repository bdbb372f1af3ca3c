//! Validates the proof that a user receives the emails of an address.
//!
//! The proof is a `token`, or an `email` with a `code`.

use kit_core::error::{FieldCode, ProblemCode};

use crate::problem::Problem;

/// Requires exactly one complete proof.
pub fn validate(token: &str, email: &str, code: &str) -> Result<(), Problem> {
    let (field, error, text) = match [token, email, code].map(|text| !text.trim().is_empty()) {
        [true, false, false] | [false, true, true] => return Ok(()),
        [false, false, false] => ("token", FieldCode::Required, "Send token, or email and code."),
        [false, false, true] => ("email", FieldCode::Required, "Send it together with code."),
        [false, true, false] => ("code", FieldCode::Required, "Send it together with email."),
        [true, ..] => ("token", FieldCode::Conflicting, "Send either token, or email and code."),
    };
    Err(Problem::from(ProblemCode::ValidationFailed).field(field, error, text))
}
