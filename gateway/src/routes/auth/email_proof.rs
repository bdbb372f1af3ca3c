//! Parses the proof that a user receives the emails of an address.
//!
//! The proof is a `token`, or an `email` with a `code`.

use crate::problem::Problem;

/// A proof in one of the two forms.
#[derive(Debug, Default)]
pub struct EmailProof {
    pub token: String,
    pub email: String,
    pub code: String,
}

impl EmailProof {
    /// Requires exactly one complete proof.
    pub fn parse(
        token: Option<String>,
        email: Option<String>,
        code: Option<String>,
    ) -> Result<Self, Problem> {
        let invalid = || Problem::new("VALIDATION_FAILED", "Some fields are invalid; see errors.");
        let non_empty = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        match (non_empty(token), non_empty(email), non_empty(code)) {
            (Some(token), None, None) => Ok(Self { token, ..Self::default() }),
            (None, Some(email), Some(code)) => Ok(Self { email, code, ..Self::default() }),
            (None, None, None) => Err(invalid().field("token", "REQUIRED", "Send token, or email and code.")),
            (None, None, Some(_)) => Err(invalid().field("email", "REQUIRED", "Send it together with code.")),
            (None, Some(_), None) => Err(invalid().field("code", "REQUIRED", "Send it together with email.")),
            (Some(_), _, _) => {
                Err(invalid().field("token", "CONFLICTING", "Send either token, or email and code."))
            }
        }
    }
}
