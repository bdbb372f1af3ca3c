//! The reasons for rejecting a command, with their texts for users.

use kit_core::error::{FieldCode, FieldViolation};

/// The reason why a command was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// All violations of the input.
    Invalid(Vec<FieldViolation>),
    /// Fields that name an archived or deleted account for new postings.
    AccountClosed(Vec<&'static str>),
    /// The resource of the request does not exist.
    NotFound(&'static str),
    /// The expected version is not the current version.
    VersionMismatch,
    /// The transaction to change is voided.
    Voided,
    /// A balance or total would overflow.
    OutOfRange,
}

impl Rejection {
    pub fn field(field: &str, code: FieldCode, description: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, code, description)])
    }

    /// Rejects a command that expects another version than the current one.
    pub fn check_version(expected: Option<i64>, current: i64) -> Result<(), Self> {
        if expected.is_none_or(|expected| expected == current) { Ok(()) } else { Err(Self::VersionMismatch) }
    }

    /// Converts the rejection into violations by field.
    pub fn into_violations(self) -> Vec<FieldViolation> {
        let (fields, code) = match self {
            Self::Invalid(violations) => return violations,
            Self::AccountClosed(fields) => (fields, FieldCode::AccountClosed),
            Self::NotFound(_) => (vec!["id"], FieldCode::TransactionNotFound),
            Self::VersionMismatch => (vec!["id"], FieldCode::VersionMismatch),
            Self::Voided => (vec!["id"], FieldCode::TransactionVoided),
            Self::OutOfRange => (vec!["amount"], FieldCode::BalanceOutOfRange),
        };
        fields.into_iter().map(|field| FieldViolation::from_code(field, code)).collect()
    }

    /// Returns the rejection of a name that another live account has.
    pub fn name_taken() -> Self {
        Self::Invalid(vec![name_taken()])
    }
}

/// Returns the violation for a name that another live account has.
pub fn name_taken() -> FieldViolation {
    FieldViolation::new(
        "name",
        FieldCode::NameTaken,
        "Another account has the same name. Choose another one.",
    )
}
