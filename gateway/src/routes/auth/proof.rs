//! The proof that somebody reads the mails of an address: `token`, or `email`
//! with `code`.

use crate::problem::Problem;

/// A proof of one of the two forms.
#[derive(Debug, Default)]
pub struct Proof {
    pub token: String,
    pub email: String,
    pub code: String,
}

impl Proof {
    /// Refuses half a proof, and two.
    pub fn check(
        token: Option<String>,
        email: Option<String>,
        code: Option<String>,
    ) -> Result<Self, Problem> {
        let refused = || Problem::new("VALIDATION_FAILED", "Some fields are not acceptable; see errors.");
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        match (filled(token), filled(email), filled(code)) {
            (Some(token), None, None) => Ok(Self { token, ..Self::default() }),
            (None, Some(email), Some(code)) => Ok(Self { email, code, ..Self::default() }),
            (None, None, None) => Err(refused().field("token", "REQUIRED", "Send token, or email and code.")),
            (None, None, Some(_)) => Err(refused().field("email", "REQUIRED", "Send it together with code.")),
            (None, Some(_), None) => Err(refused().field("code", "REQUIRED", "Send it together with email.")),
            (Some(_), _, _) => {
                Err(refused().field("token", "CONFLICTING", "Send token alone, or email and code."))
            }
        }
    }
}
